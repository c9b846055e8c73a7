"""From judgements to preference data: what is kept, what is left out, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.data.alike.merged import examples_of, merged_prompts, note_of
from workbench.data.alike.one_row import clusters_of_pairs, one_row_a_pair
from workbench.data.alike.overlap import overlap_note
from workbench.data.alike.repeats import Repeats, pasted, same_row_id
from workbench.data.columns import (
    CATEGORY,
    LABEL_COLUMNS,
    LABEL_KEY,
    PAIR_COLUMNS,
    POOLS,
    complete_labels,
    complete_pairs,
)
from workbench.data.dataset import PreferenceData
from workbench.data.formats.records import excerpt
from workbench.data.identity import BESIDE, one_side_first, pair_ids
from workbench.data.load_report import FAILED, REPEATED, LeftOut, LoadReport
from workbench.errors import DataError

_OF_LABELS = ("n_votes", "n_ties", "row_id", "file", CATEGORY)
"""What a reader may give of single judgements beside the columns of every labels table."""

_LABEL_ONLY = {*LABEL_COLUMNS, *_OF_LABELS, "row", "problem", "found"} - {"pair_id"}
_EXAMPLES = 5

RENUMBERED = "replicate: numbers occur twice for one pair and annotator; numbered in file order"

_ORDERS_NOTE = (
    "both orders: {n:,} judgements are of pairs that their annotator judged with the sides "
    "exchanged; the columns A, B are taken for the order shown"
)


class NothingUsableError(DataError):
    """No judgement of a source can become a label.

    Attributes
    ----------
    left_out : dict of str to LeftOut
        By reason.
    """

    def __init__(
        self, source: str, left_out: dict[str, LeftOut], notes: tuple[str, ...] = ()
    ) -> None:
        self.left_out = left_out
        hints = "".join(f". Note: {note}" for note in notes)
        super().__init__(
            "No row of the file is usable.",
            where=source,
            found="; ".join(f"{e.count:,} {name}" for name, e in left_out.items()) or "no rows",
            expected="two responses, models or items, and a known label in at least one row",
            fix="Look at the first rows: " + _first_examples(left_out) + hints,
        )


def assemble(
    judgements: pd.DataFrame,
    *,
    source: str,
    format: str,
    settings: Mapping[str, Any] | None = None,
    notes: tuple[str, ...] = (),
    exchanged: bool = False,
    drop_duplicates: bool = False,
    shared: Mapping[str, str] | None = None,
    has_texts: bool | None = None,
    repeats: list[Repeats] | None = None,
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
    exchanged : bool
        Where one annotator judged a pair both ways, A and B are the order shown.
    drop_duplicates : bool
        Leave out rows that repeat an earlier one in every column.
    shared : mapping, optional
        Of a part of a set: the cluster of each prompt that is near-equal to another of the
        whole, by their ids. What can be said of the whole alone is then not noted.
    has_texts : bool, optional
        Of a part of a set: whether any response of the whole has a text.
    repeats : list of Repeats, optional
        Of a part of a set: takes how many of its rows repeat others, which then is not noted.

    Returns
    -------
    PreferenceData
        One pair for every distinct content, one label for every kept judgement: none is
        dropped because another says the same. Only a judgement whose own id in the file
        came before with the same content is a duplicate. Repeats of one annotator on one
        pair, criterion and order are numbered.

    Raises
    ------
    DataError
        No judgement is usable.
    """
    judgements = judgements.reset_index(drop=True)
    problem, found = _problems(judgements, has_texts)
    rows = np.flatnonzero(problem.isna().to_numpy())
    sound = judgements.iloc[rows]
    again = np.zeros(len(judgements), dtype=bool)
    again[rows] = pasted(sound) if drop_duplicates else same_row_id(sound)
    problem[again] = "duplicate"
    found[again] = _named(judgements, again)
    left_out = _left_out(judgements, problem, found)
    good = problem.isna().to_numpy()
    if not good.any():
        raise NothingUsableError(source, left_out, notes)
    usable = judgements if good.all() else judgements[good].reset_index(drop=True)
    usable = _with_empty_texts(usable)
    ids, turned = pair_ids(_pair_part(usable), _telling(usable))
    usable, both_ways = one_side_first(usable, ids, turned)
    labels = _label_part(usable, ids)
    told: list[str] = []
    if exchanged and both_ways.any():
        told += _orders(labels, both_ways, turned)
    labels, at = _with_criteria(labels, usable)
    beside = len(labels) - len(usable)
    told += _numbered(labels)
    labels = complete_labels(labels)
    own = ((settings or {}).get("mapping") or {}).get("cluster")
    described, several = clusters_of_pairs(_pair_part(usable), ids, own)
    table = complete_pairs(described.assign(pair_id=ids), shared)
    table, labels, differing = one_row_a_pair(table, labels, at)
    told += several + differing
    merged = merged_prompts(table) if shared is None else table.iloc[:0]
    if shared is None:
        told += filter(None, [note_of(merged), overlap_note(table, labels)])
    oddly = {FAILED: int(labels["reason"].eq("failed").sum())}
    twofold = not drop_duplicates and len(table) < len(labels)
    twice = _repeats(usable, ids, turned) if twofold else Repeats(rows=len(usable))
    if repeats is not None:
        repeats.append(twice)
    else:
        oddly[REPEATED], pasted_note = twice.told(nobody=_names_nobody(usable))
        told += pasted_note
    report = LoadReport(
        source=source,
        format=format,
        rows_read=len(judgements) + beside,
        rows_kept=len(labels),
        n_pairs=len(table),
        n_labels=len(labels),
        left_out=left_out,
        settings=dict(settings or {}),
        notes=(*notes, *told),
        kept_oddly={what: count for what, count in oddly.items() if count},
        near_equal=examples_of(merged),
    )
    empty = table[["pair_id"]]
    data = PreferenceData(table, labels, empty, empty, load_report=report)
    data.check()
    return data


def any_text(judgements: pd.DataFrame) -> bool:
    """Tell whether any response of judgements has a text.

    Examples
    --------
    >>> any_text(pd.DataFrame({"response_a": ["x", None]})), any_text(pd.DataFrame({"n": [1]}))
    (True, False)
    """
    sides = (name for name in ("response_a", "response_b") if name in judgements)
    return any(bool(judgements[name].notna().any()) for name in sides)


def _problems(judgements: pd.DataFrame, has_texts: bool | None) -> tuple[pd.Series, pd.Series]:
    """Return the reason to leave out each judgement (or missing), and what was found.

    Equal responses, and one empty response, are battles that were fought; only where both
    are empty and nothing else names what was compared, there is no pair.
    """
    n = len(judgements)
    problem = _text_column(judgements, "problem", n)
    found = _text_column(judgements, "found", n)
    side_a, side_b = (_text_column(judgements, f"response_{side}", n) for side in "ab")
    if not (any_text(judgements) if has_texts is None else has_texts):
        # data without text: its columns describe the pairs
        return problem, found
    empty = _is_blank(side_a) & _is_blank(side_b) & problem.isna().to_numpy()
    for name in ("model_a", "model_b", "item", "media_a", "media_b"):
        if name in judgements and empty.any():
            empty &= judgements[name].isna().to_numpy()
    problem[empty] = "empty"
    found[empty] = "response_a, response_b"
    return problem, found


def _with_empty_texts(judgements: pd.DataFrame) -> pd.DataFrame:
    """Return judgements whose missing response is the empty text where the other is a text."""
    if not {"response_a", "response_b"} <= set(judgements.columns):
        return judgements
    lacking = {name: judgements[name].isna() for name in ("response_a", "response_b")}
    one = lacking["response_a"] ^ lacking["response_b"]
    if not one.any():
        return judgements
    texts = {name: judgements[name].astype("str").mask(lacking[name] & one, "") for name in lacking}
    return judgements.assign(**texts)


def _named(judgements: pd.DataFrame, rows: NDArray[np.bool_]) -> Any:
    if "row_id" not in judgements:
        return "the whole row"
    return "id " + judgements["row_id"][rows].astype("str").fillna("none").str.slice(0, 40)


def _pair_part(judgements: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that describe the pair; metadata of empty columns is dropped."""
    keep = [
        c
        for c in judgements.columns
        if c not in _LABEL_ONLY
        and not str(c).startswith((BESIDE, "strength["))
        and (c in PAIR_COLUMNS or judgements[c].notna().any())
    ]
    return judgements[keep]


def _telling(judgements: pd.DataFrame) -> list[pd.Series]:
    """Return what tells rows without content apart, whatever their order in the file."""
    columns = ("annotator", "criterion", "preference", "order_shown", "reason", "row_id", "weight")
    return [judgements[name] for name in columns if name in judgements]


def _label_part(judgements: pd.DataFrame, pair_id: pd.Series) -> pd.DataFrame:
    keep = [c for c in LABEL_COLUMNS if c in judgements and c != "pair_id"]
    keep += [c for c in _OF_LABELS if c in judgements and judgements[c].notna().any()]
    labels = judgements[keep].assign(pair_id=pair_id.to_numpy())
    if "weight" in labels:
        labels["weight"] = labels["weight"].fillna(1.0)
    if "n_votes" in labels:
        labels["n_votes"] = labels["n_votes"].fillna(1.0)
    if "reason" in labels:
        preference = labels["preference"].astype("float64")
        default = pd.Series([None] * len(labels), dtype="str", index=labels.index)
        default = default.mask(preference == 0.5, "tie").mask(preference.isna(), "failed")
        if "n_votes" in labels:
            # half of the votes each is no tie
            default = default.mask((preference == 0.5) & (labels["n_votes"] > 1))
        labels["reason"] = labels["reason"].astype("str").fillna(default)
    return labels


def _with_criteria(
    labels: pd.DataFrame, judgements: pd.DataFrame
) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """Return the labels with those of further criteria, and the judgement that each is of."""
    parts, at = [labels], [np.arange(len(labels))]
    for name in judgements.columns:
        if not str(name).startswith(BESIDE):
            continue
        criterion = name[len(BESIDE) : -1]
        answer = judgements[name].astype("float64")
        rows = np.flatnonzero(answer.notna().to_numpy())
        strength = judgements.get(f"strength[{criterion}]")
        more = labels.iloc[rows].assign(criterion=criterion, preference=answer.iloc[rows].array)
        more["strength"] = np.nan if strength is None else strength.iloc[rows].array
        tie = pd.Series([None] * len(rows), dtype="str").mask(
            (more["preference"] == 0.5).to_numpy(), "tie"
        )
        parts.append(more.assign(reason=tie.array).drop(columns="raw", errors="ignore"))
        at.append(rows)
    joined = labels if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    return joined, np.concatenate(at)


def _orders(
    labels: pd.DataFrame, both_ways: NDArray[np.bool_], turned: NDArray[np.bool_]
) -> list[str]:
    """Set the order of judgements that their annotator made with the sides exchanged, in place."""
    order = labels.get("order_shown")
    rows = both_ways & (True if order is None else order.isna().to_numpy())
    if "annotator" not in labels or not rows.any():
        return []
    rows &= labels["annotator"].notna().to_numpy() & ~labels["annotator"].isin(POOLS).to_numpy()
    key = [c for c in ("pair_id", "annotator", "criterion") if c in labels]
    some = labels.loc[rows, key].assign(turned=turned[rows])
    ways = some.groupby(key, dropna=False, sort=False)["turned"].transform("nunique")
    rows[rows] = (ways == 2).to_numpy()
    if not rows.any():
        return []
    seen = pd.Series(np.where(turned, "ba", "ab"), dtype="str", index=labels.index).where(rows)
    labels["order_shown"] = seen if order is None else order.astype("str").fillna(seen)
    return [_ORDERS_NOTE.format(n=int(rows.sum()))]


def _numbered(labels: pd.DataFrame) -> list[str]:
    """Drop a file's own numbers of repeats where they are not distinct, in place; say so."""
    key = [c for c in LABEL_KEY if c in labels]
    if "replicate" not in labels or not labels.duplicated(key).any():
        return []
    labels.drop(columns="replicate", inplace=True)
    return [RENUMBERED]


def _repeats(usable: pd.DataFrame, ids: pd.Series, turned: NDArray[np.bool_]) -> Repeats:
    """Return how many judgements repeat an earlier one in every column."""
    texts = [c for c in usable if str(c).startswith(("prompt", "response_"))]
    # the id stands for the texts
    return Repeats.of(
        usable.drop(columns=texts).assign(pair=ids.array, turned=turned.astype(float))
    )


def _names_nobody(judgements: pd.DataFrame) -> bool:
    return "annotator" not in judgements or bool(judgements["annotator"].isna().any())


def _left_out(judgements: pd.DataFrame, problem: pd.Series, found: pd.Series) -> dict[str, LeftOut]:
    left_out = {}
    for reason, rows in problem.dropna().groupby(problem.dropna()).groups.items():
        examples = tuple(_example(judgements, i, found) for i in rows[:_EXAMPLES])
        left_out[str(reason)] = LeftOut(len(rows), examples)
    return left_out


def _example(judgements: pd.DataFrame, row: int, found: pd.Series) -> dict[str, Any]:
    shown = {"row": int(judgements["row"][row]), "found": excerpt(_or_none(found[row]))}
    file = judgements["file"][row] if "file" in judgements else None
    return {"file": file, **shown} if isinstance(file, str) else shown


def _first_examples(left_out: dict[str, LeftOut]) -> str:
    shown = []
    for reason, entry in left_out.items():
        for one in entry.examples[:1]:
            place = f"{one['file']}, row" if "file" in one else "row"
            shown.append(f"{place} {one['row']} {reason} ({one['found']})")
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
