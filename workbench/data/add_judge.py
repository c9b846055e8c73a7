"""Add a judge: its verdicts on the pairs of the data become labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.alike.pair_keys import match_pairs
from workbench.data.columns import KINDS, LABEL_KEY, complete_labels
from workbench.data.dataset import PreferenceData
from workbench.data.formats.plain.columns import propose
from workbench.data.formats.records import excerpt
from workbench.data.formats.verdicts import read_labels
from workbench.data.load_report import FAILED, LeftOut, LoadReport, summed
from workbench.data.reading.verdict_tables import Verdicts, read_verdicts
from workbench.errors import DataError

_BESIDE = ("order_shown", "criterion", "replicate", "raw")
_EXAMPLES = 5


def add_judge(
    data: PreferenceData,
    verdicts: str | Path | pd.DataFrame | pd.Series | Mapping[str, object] | Sequence[object],
    *,
    name: str,
    kind: str = "llm",
    in_order: bool = False,
    labels: Mapping[str, str] | None = None,
) -> PreferenceData:
    """Return the data with the verdicts of one more annotator.

    Parameters
    ----------
    data : PreferenceData
    verdicts : str, Path, DataFrame, Series, mapping or sequence
        A file (CSV, TSV, JSON, JSONL or Parquet, also .gz or .zst) or a table with a column
        of verdicts and one that names the pair: ``pair_id``, or a column of the pairs' own
        metadata with another value for each pair, such as ``id``. A mapping (in a file, a
        JSON object), or a Series with such an index, gives a verdict by pair. A sequence (in
        a file, a JSON list, or one verdict a line) is in the order of ``data.pairs``.
        A verdict speaks of A and B as the data have them: ``a``, ``b``, ``tie`` and what
        else :func:`workbench.data.formats.verdict_words.meaning_of` knows, or P(A preferred)
        from 0 to 1. Further columns that count: ``order_shown`` (``ab`` or ``ba``), ``criterion``,
        ``replicate``, ``raw``. Verdicts again on one pair are repeats, and all are kept.
    name : str
        What the annotator is to be called.
    kind : str
        Of :data:`workbench.data.columns.KINDS`.
    in_order : bool
        One verdict for each pair in the order of ``data.pairs``: no column names the pairs.
    labels : mapping, optional
        Meaning of verdicts, of :data:`workbench.data.formats.verdicts.MEANINGS`, such as
        ``{"1": "a", "2": "b"}``; words keep theirs.

    Returns
    -------
    PreferenceData
        ``load_report`` counts the verdicts among the rows read, and those left out by
        reason: ``unknown pair``, ``unknown label`` and ``no verdict``. A note sums them up,
        with the pairs that got no verdict.

    Raises
    ------
    DataError
        The name is taken or empty; the file cannot be read; nothing names the pairs; in
        order, there are not as many verdicts as pairs; or no verdict is usable.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> ids = data.pairs["pair_id"]
    >>> more = add_judge(data, {ids[0]: "A", ids[1]: "tie", "?": "B"}, name="my-judge")
    >>> more.labels.query("annotator == 'my-judge'")["preference"].tolist()
    [1.0, 0.5]
    >>> more.load_report.left_out["unknown pair"].count
    1
    """
    _check_name(data, name, kind)
    given = read_verdicts(verdicts)
    if in_order:
        label, rows = _in_order(data, given)
    else:
        label, rows = _by_pair(data, given)
    table = given.table
    read = read_labels(table[label], labels)
    found = pd.DataFrame(
        {
            "row": rows,
            "preference": read["preference"].to_numpy(),
            "reason": read["reason"].array,
            "strength": read["strength"].to_numpy(),
            **_beside(table),
        }
    )
    problem = _problems(found, read, table[label])
    report = _report(data, given, table[label], found, problem, name, read.attrs["notes"])
    kept = found[problem.isna().to_numpy()]
    if kept.empty:
        raise _nothing(given, report)
    added = _labels(data, kept, name, kind)
    unread = int(added["reason"].eq("failed").sum())
    if unread:
        report = replace(report, kept_oddly=summed([report.kept_oddly, {FAILED: unread}]))
    result = replace(
        data, labels=pd.concat([data.labels, added], ignore_index=True), load_report=report
    )
    result.check()
    return result


def _check_name(data: PreferenceData, name: str, kind: str) -> None:
    known = data.annotators["annotator"].tolist()
    if not name.strip() or name in known:
        raise DataError(
            f"There is an annotator {name!r} already."
            if name.strip()
            else "The judge has no name.",
            found=excerpt(", ".join(known)),
            expected="a name of its own",
            fix="Give another name=; data.filter(annotators=[...]) takes annotators out.",
        )
    if kind not in KINDS:
        raise DataError(
            "Unknown kind of annotator.",
            found=excerpt(kind),
            expected=", ".join(KINDS),
            fix="Name one of these kinds.",
        )


def _in_order(data: PreferenceData, given: Verdicts) -> tuple[str, NDArray[np.int64]]:
    label = _label_column(given, key=None)
    n = len(given.table) + len(given.bad)
    if n != len(data) or given.bad:
        raise DataError(
            "The verdicts do not stand in the order of the pairs.",
            where=given.source,
            found=f"{n:,} rows" + (f", {len(given.bad):,} of them unreadable" if given.bad else ""),
            expected=f"{len(data):,} verdicts, one for each pair",
            fix="Leave a verdict empty where there is none, or name the pairs by pair_id.",
        )
    return label, np.arange(n)


def _by_pair(data: PreferenceData, given: Verdicts) -> tuple[str, NDArray[np.int64]]:
    if not given.keyed:
        raise DataError(
            "The verdicts do not say which pairs they are of.",
            where=given.source,
            found=f"a list of {len(given.table):,} verdicts",
            expected="a pair_id for each verdict",
            fix="If they stand in the order of the pairs, say so: in_order=True (--in-order).",
        )
    label = propose(list(given.table.columns)).get("label")
    skip = {*_BESIDE} if label is None else {*_BESIDE, label}
    rows, key = match_pairs(data, given.table, skip=skip, where=given.source)
    return label or _label_column(given, key), rows


def _label_column(given: Verdicts, key: str | None) -> str:
    columns = [str(c) for c in given.table.columns]
    rest = [c for c in columns if c != key and c not in _BESIDE]
    label = propose(columns).get("label") or (rest[0] if len(rest) == 1 else None)
    if label is None:
        raise DataError(
            "No column holds the verdicts.",
            where=given.source,
            found="columns " + ", ".join(columns),
            expected="a column such as verdict, preference, winner or label",
            fix="Rename the column of verdicts to verdict.",
        )
    return label


def _beside(table: pd.DataFrame) -> dict[str, pd.Series]:
    """Return order, replicate and raw reply where the table has them."""
    beside = {}
    if "order_shown" in table:
        order = table["order_shown"].astype("str").str.strip().str.lower()
        beside["order_shown"] = order.where(order.isin(["ab", "ba"])).reset_index(drop=True)
    if "replicate" in table:
        number = pd.to_numeric(table["replicate"], errors="coerce").astype("float64")
        beside["replicate"] = number.fillna(0.0).reset_index(drop=True)
    for name in ("raw", "criterion"):
        if name in table:
            beside[name] = table[name].astype("str").reset_index(drop=True)
    return beside


def _problems(found: pd.DataFrame, read: pd.DataFrame, label: pd.Series) -> pd.Series:
    """Return why each verdict is left out; missing where it is kept."""
    problem = pd.Series(read["problem"].array, dtype="str")
    blank = label.astype("str").str.strip().fillna("") == ""
    problem = problem.mask(blank.to_numpy(), "no verdict")
    return problem.mask((found["row"] < 0).to_numpy(), "unknown pair")


def _labels(data: PreferenceData, kept: pd.DataFrame, name: str, kind: str) -> pd.DataFrame:
    labels = kept.drop(columns="row").reset_index(drop=True)
    labels["pair_id"] = data.pairs["pair_id"].to_numpy()[kept["row"].to_numpy()]
    labels["annotator"] = name
    labels["kind"] = kind
    if "criterion" not in labels and len(data.criteria) == 1:
        labels["criterion"] = data.criteria[0]
    if labels.duplicated([c for c in LABEL_KEY if c in labels]).any():
        labels = labels.drop(columns="replicate", errors="ignore")
    return complete_labels(labels)


def _report(
    data: PreferenceData,
    given: Verdicts,
    label: pd.Series,
    found: pd.DataFrame,
    problem: pd.Series,
    name: str,
    notes: list[str],
) -> LoadReport:
    """Return the load report with the verdicts among its rows."""
    old = data.load_report
    if old is None:
        n = len(data.labels)
        old = LoadReport("tables", "tables", n, n, len(data), n)
    kept = int(problem.isna().sum())
    left_out = dict(old.left_out)
    counts = dict.fromkeys(sorted(problem.dropna().unique()), 0)
    if given.bad:
        counts["unparseable"] = 0
    for reason in counts:
        at = np.flatnonzero((problem == reason).to_numpy())
        shown = [(given.rows[i], given.describe(i, label)) for i in at[:_EXAMPLES].tolist()]
        counts[reason] = len(at)
        if reason == "unparseable":
            shown, counts[reason] = given.bad[:_EXAMPLES], len(given.bad)
        examples = tuple({"row": row, "found": f"{name}: {text}"} for row, text in shown)
        before = left_out.get(reason, LeftOut(0))
        left_out[reason] = LeftOut(
            before.count + counts[reason], (*examples, *before.examples)[:_EXAMPLES]
        )
    without = len(data) - found["row"][problem.isna().to_numpy()].nunique()
    parts = [f"{count:,} {reason}" for reason, count in counts.items()]
    note = f"judge {name} from {given.source}: {kept:,} verdicts kept"
    note += f"; left out: {', '.join(parts)}" if parts else ""
    note += f"; {without:,} of {len(data):,} pairs have none" if without else ""
    return replace(
        old,
        rows_read=old.rows_read + len(problem) + len(given.bad),
        rows_kept=old.rows_kept + kept,
        n_labels=len(data.labels) + kept,
        left_out=left_out,
        notes=(*old.notes, note, *(f"judge {name}: {text}" for text in notes)),
    )


def _nothing(given: Verdicts, report: LoadReport) -> DataError:
    return DataError(
        "No verdict can be used.",
        where=given.source,
        found=report.notes[-1] if report.notes else "no rows",
        expected="at least one verdict such as A, B or tie on a pair of the data",
        fix="Check ids and verdicts; say what unusual verdicts mean with labels={...}.",
    )
