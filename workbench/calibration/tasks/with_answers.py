"""The verb that takes the answers of a labelling tool into the data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.calibration.tasks.answers import examples_of, read_answers, same_text
from workbench.calibration.tasks.tasks import read_id, shown_texts
from workbench.data.columns import OVERALL, UNNAMED, complete_labels
from workbench.data.dataset import PreferenceData
from workbench.data.load_report import LeftOut, LoadReport
from workbench.errors import DataError

_EXAMPLES = 5
_KEY = ["pair_id", "annotator", "criterion", "order_shown"]
UNKNOWN = "unknown pair"
OTHER_TEXT = "another text was shown"
THERE = "already there"
CHANGED = "already there with another answer"


def with_answers(data: PreferenceData, answers: str | Path) -> PreferenceData:
    """Return the data with people's answers to the tasks of :func:`workbench.write_tasks`.

    Parameters
    ----------
    data : PreferenceData
        That the tasks were written from; it may have other labels since.
    answers : str or Path
        What the tool exported: Label Studio's JSON, JSON_MIN or CSV, Argilla's records, or the
        CSV with its columns ``preference`` (``left``, ``right``, ``tie``) and ``annotator``
        filled in.

    Returns
    -------
    PreferenceData
        With a label of kind ``human`` for each answer, the sides as the data have them, and the
        order that was shown. ``load_report`` counts the answers among the rows read, and those
        left out by reason: ``unknown pair``, ``another text was shown``, ``no judgement``,
        ``unknown label``, and ``already there``, so that a file may be read again; what the same
        person said first stays (``already there with another answer``). Answers without a name
        are taken for those of one person.

    Raises
    ------
    DataError
        The file cannot be read, no answer is usable, or a person has the name of a judge.

    Examples
    --------
    >>> import tempfile, workbench as wb
    >>> data = wb.load("sample")
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _, path = wb.write_tasks(data, data.pairs["pair_id"][:2], place, "csv")
    ...     text = path.read_text(encoding="utf-8").replace('"",""', '"left","ann"')
    ...     _ = path.write_text(text, encoding="utf-8")
    ...     more = with_answers(data, path)
    >>> len(more.labels) - len(data.labels), more.annotators["annotator"].eq("ann").any()
    (2, np.True_)
    """
    table, notes = read_answers(answers)
    name = Path(answers).name
    given = [None if task is None else read_id(task) for task in table["task_id"]]
    ids = [None if one is None else one[0] for one in given]
    rows = pd.Index(data.pairs["pair_id"]).get_indexer(pd.Index(ids, dtype="object"))
    turned = np.array([one is not None and one[1] == "ba" for one in given], dtype=bool)
    problem = _problems(data, table, rows, turned)
    labels = _labels(data, table, rows, turned)
    kept = problem.isna().to_numpy(copy=True)
    _refuse_judges(data, labels["annotator"][kept], name)
    again = _there(data, labels, _KEY) & kept
    problem = problem.mask(again, CHANGED)
    problem = problem.mask(again & _there(data, labels, [*_KEY, "preference"]), THERE)
    report = _report(data, table, problem, name, notes)
    kept &= ~again
    if not kept.any() and not again.any():
        raise DataError(
            "No answer can be used.",
            where=name,
            found=report.notes[-1],
            expected="answers to tasks that were written from these data",
            fix="Check that the tasks are of these data, and that task_id was exported.",
        )
    added = complete_labels(labels[kept].reset_index(drop=True))
    # the same person on the same task again within the file: a repeat
    result = replace(
        data, labels=pd.concat([data.labels, added], ignore_index=True), load_report=report
    )
    result.check()
    return result


def _problems(
    data: PreferenceData, table: pd.DataFrame, rows: np.ndarray, turned: np.ndarray
) -> pd.Series:
    """Return why each answer is left out; missing where it is kept."""
    problem = table["problem"].astype("object")
    silent = problem.isna() & table["preference"].isna() & table["reason"].isna()
    problem = problem.mask(silent, "no judgement")
    known = np.flatnonzero(rows >= 0)
    expected = shown_texts(data, rows[known], turned[known])["left"] if len(known) else []
    other = np.zeros(len(table), dtype=bool)
    shown = table["left"].iloc[known]
    other[known] = [not same_text(one, text) for one, text in zip(shown, expected, strict=True)]
    return problem.mask(other, OTHER_TEXT).mask(rows < 0, UNKNOWN)


def _labels(
    data: PreferenceData, table: pd.DataFrame, rows: np.ndarray, turned: np.ndarray
) -> pd.DataFrame:
    said = table["preference"].to_numpy("float64")
    criterion = data.criteria[0] if len(data.criteria) == 1 else OVERALL
    return pd.DataFrame(
        {
            "pair_id": data.pairs["pair_id"].to_numpy()[np.maximum(rows, 0)],
            "annotator": table["annotator"].astype("object").fillna(UNNAMED),
            "kind": "human",
            "criterion": criterion,
            "preference": np.where(turned, 1 - said, said),
            "reason": table["reason"],
            "order_shown": np.where(turned, "ba", "ab"),
            "raw": table["raw"],
        }
    )


def _refuse_judges(data: PreferenceData, names: pd.Series, source: str) -> None:
    table = data.annotators
    judges = set(table.loc[table["kind"].ne("human"), "annotator"]) - {UNNAMED}
    taken = sorted(judges & set(names))
    if taken:
        raise DataError(
            "A person has the name of an annotator who is none.",
            where=source,
            found=", ".join(taken[:6]),
            expected="people named otherwise than the judges of the data",
            fix="Rename the person in the answers.",
        )


def _there(data: PreferenceData, labels: pd.DataFrame, key: list[str]) -> np.ndarray:
    """Tell which answers the data have: the same person, pair and order."""
    known, said = (pd.MultiIndex.from_frame(table[key].astype("object"))
                   for table in (data.labels, labels))  # fmt: skip
    return np.asarray(said.isin(known), dtype=bool)


def _report(
    data: PreferenceData, table: pd.DataFrame, problem: pd.Series, name: str, notes: list[str]
) -> LoadReport:
    """Return the load report with the answers among its rows."""
    old = data.load_report
    if old is None:
        n = len(data.labels)
        old = LoadReport("tables", "tables", n, n, len(data), n)
    left_out = dict(old.left_out)
    reasons = sorted(problem.dropna().unique())
    for reason in reasons:
        at = np.flatnonzero(problem.eq(reason).to_numpy())
        before = left_out.get(reason, LeftOut(0))
        told = [{**one, "file": name} for one in examples_of(table, at[:_EXAMPLES].tolist())]
        left_out[reason] = LeftOut(
            before.count + len(at), (*told, *before.examples)[:_EXAMPLES]
        )  # fmt: skip
    kept = int(problem.isna().sum())
    parts = [f"{int(problem.eq(reason).sum()):,} {reason}" for reason in reasons]
    note = f"answers from {name}: {kept:,} kept"
    note += f"; left out: {', '.join(parts)}" if parts else ""
    return replace(
        old,
        rows_read=old.rows_read + len(problem),
        rows_kept=old.rows_kept + kept,
        n_labels=len(data.labels) + kept,
        left_out=left_out,
        notes=(*old.notes, *(f"answers from {name}: {one}" for one in notes), note),
    )
