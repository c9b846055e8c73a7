"""From judgements to preference data: what is kept, what is left out, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.data.dataset import (
    LABEL_COLUMNS,
    PAIR_COLUMNS,
    PreferenceData,
    complete_labels,
    complete_pairs,
)
from workbench.data.formats.records import excerpt
from workbench.data.load_report import LeftOut, LoadReport
from workbench.errors import DataError

_LABEL_ONLY = {*LABEL_COLUMNS, "row", "problem", "found"} - {"pair_id"}
_EXAMPLES = 5


def assemble(
    judgements: pd.DataFrame,
    *,
    source: str,
    format: str,
    settings: Mapping[str, Any] | None = None,
    notes: tuple[str, ...] = (),
) -> PreferenceData:
    """Build preference data of judgements.

    Parameters
    ----------
    judgements : DataFrame
        See :data:`workbench.data.formats.JUDGEMENT_COLUMNS`.
    source, format : str
        Names for the report.
    settings : mapping, optional
        What the reader decided.
    notes : tuple of str

    Returns
    -------
    PreferenceData
        One pair for every distinct content, one label for every kept judgement. Verdicts
        of one annotator on one pair are numbered as replicates.

    Raises
    ------
    DataError
        No judgement is usable.
    """
    judgements = judgements.reset_index(drop=True)
    problem, found = _problems(judgements)
    good = problem.isna().to_numpy()
    usable = judgements if good.all() else judgements[good].reset_index(drop=True)
    table = complete_pairs(_pair_part(usable))
    pair_id = table["pair_id"]
    labels = _label_part(usable, pair_id)
    again = _repeated(labels)
    duplicates = judgements.loc[np.flatnonzero(good)[again], "row"]
    problem[duplicates.index] = "duplicate"
    found[duplicates.index] = "pair " + pair_id[again].str.slice(0, 12).to_numpy()
    left_out = _left_out(judgements, problem, found)
    labels = labels[~again] if again.any() else labels
    if labels.empty:
        raise _nothing_usable(source, left_out, notes)
    labels, renumbered = _numbered(labels)
    labels = complete_labels(labels)
    first = ~table["pair_id"].duplicated().to_numpy()
    if not first.all():
        notes = (*notes, *_differing(table, first))
        table = table[first].reset_index(drop=True)
    report = LoadReport(
        source=source,
        format=format,
        rows_read=len(judgements),
        rows_kept=len(labels),
        n_pairs=len(table),
        n_labels=len(labels),
        left_out=left_out,
        settings=dict(settings or {}),
        notes=(*notes, *renumbered),
    )
    empty = table[["pair_id"]]
    data = PreferenceData(table, labels, empty, empty, load_report=report)
    data.check()
    return data


def _problems(judgements: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the reason to leave out each judgement (or missing), and what was found."""
    n = len(judgements)
    problem = _text_column(judgements, "problem", n)
    found = _text_column(judgements, "found", n)
    side_a, side_b = (_text_column(judgements, f"response_{side}", n) for side in "ab")
    if side_a.isna().all() and side_b.isna().all():
        # data without text: its columns describe the pairs
        return problem, found
    blank_a, blank_b = _is_blank(side_a), _is_blank(side_b)
    same = np.asarray((side_a == side_b).fillna(False))
    for reason, hit, text in (
        ("empty", blank_a | blank_b, np.where(blank_a, "response_a", "response_b")),
        ("identical", same & ~blank_a, None),
    ):
        new = hit & problem.isna().to_numpy()
        if not new.any():
            continue
        problem = problem.mask(new, reason)
        at = np.flatnonzero(new)
        shown = side_a.iloc[at] if text is None else text[at]
        found[at] = [excerpt(_or_none(value)) for value in shown]
    return problem, found


def _pair_part(judgements: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that describe the pair; metadata of empty columns is dropped."""
    keep = [
        c
        for c in judgements.columns
        if c not in _LABEL_ONLY and (c in PAIR_COLUMNS or judgements[c].notna().any())
    ]
    return judgements[keep]


def _label_part(judgements: pd.DataFrame, pair_id: pd.Series) -> pd.DataFrame:
    keep = [c for c in LABEL_COLUMNS if c in judgements and c != "pair_id"]
    labels = judgements[keep].assign(pair_id=pair_id.to_numpy())
    if "annotator" not in labels:
        labels["annotator"] = "annotator"
    labels["annotator"] = labels["annotator"].astype("str").fillna("annotator")
    if "weight" in labels:
        labels["weight"] = labels["weight"].fillna(1.0)
    if "kind" in labels:
        labels["kind"] = labels["kind"].fillna("human")
    if "reason" in labels:
        preference = labels["preference"].astype("float64")
        default = pd.Series([None] * len(labels), dtype="str", index=labels.index)
        default = default.mask(preference == 0.5, "tie").mask(preference.isna(), "failed")
        labels["reason"] = labels["reason"].astype("str").fillna(default)
    return labels


def _numbered(labels: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return labels whose given replicate numbers are distinct, and a note where they were not."""
    key = ["pair_id", "annotator", "replicate"]
    if "replicate" not in labels or not labels.duplicated(key).any():
        return labels, ()
    note = "replicate: numbers occur twice for one pair and annotator; numbered in file order"
    return labels.drop(columns="replicate"), (note,)


def _differing(table: pd.DataFrame, first: NDArray[np.bool_]) -> tuple[str, ...]:
    """Name the columns that differ between rows of one pair, of which the first is kept."""
    place = pd.Index(table["pair_id"][first]).get_indexer(table["pair_id"][~first])
    differing = []
    for name in table.columns.drop(["pair_id", "prompt", "response_a", "response_b"]):
        kept = table[name][first].iloc[place].reset_index(drop=True)
        other = table[name][~first].reset_index(drop=True)
        if not kept.equals(other):
            differing.append(str(name))
    names = ", ".join(differing)
    return (f"differ between rows of one pair, the first kept: {names}",) if differing else ()


def _nothing_usable(source: str, left_out: dict[str, LeftOut], notes: tuple[str, ...]) -> DataError:
    hints = "".join(f". Note: {note}" for note in notes)
    return DataError(
        "No row of the file is usable.",
        where=source,
        found="; ".join(f"{e.count:,} {name}" for name, e in left_out.items()) or "no rows",
        expected="two different responses and a known label in at least one row",
        fix="Look at the first rows: " + _first_examples(left_out) + hints,
    )


def _repeated(labels: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the repeats: the same pair, annotator, verdict, order and weight (and replicate)."""
    key = ["pair_id", "annotator", "preference", "order_shown", "reason", "weight", "replicate"]
    return np.asarray(labels.duplicated([c for c in key if c in labels]))


def _left_out(judgements: pd.DataFrame, problem: pd.Series, found: pd.Series) -> dict[str, LeftOut]:
    left_out = {}
    for reason, rows in problem.dropna().groupby(problem.dropna()).groups.items():
        examples = tuple(
            {"row": int(judgements["row"][i]), "found": excerpt(_or_none(found[i]))}
            for i in rows[:_EXAMPLES]
        )
        left_out[str(reason)] = LeftOut(len(rows), examples)
    return left_out


def _first_examples(left_out: dict[str, LeftOut]) -> str:
    shown = [
        f"row {entry.examples[0]['row']} {reason} ({entry.examples[0]['found']})"
        for reason, entry in left_out.items()
        if entry.examples
    ]
    return "; ".join(shown) or "there are none"


def _or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _text_column(frame: pd.DataFrame, name: str, n: int) -> pd.Series:
    column = frame[name] if name in frame else pd.Series([None] * n)
    return column.astype("str")


def _is_blank(column: pd.Series) -> NDArray[np.bool_]:
    """Return which texts are empty or only white space; a missing one is blank."""
    texts = pa.array(column, pa.large_string(), from_pandas=True)
    empty = pc.equal(pc.binary_length(texts), 0)
    blank = pc.fill_null(pc.or_(empty, pc.utf8_is_space(texts)), True)
    return np.asarray(blank.to_numpy(zero_copy_only=False), dtype=bool)
