"""What a score may vary by: judge, wording, seed, order, item, and any column of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.preferences import judges_beside
from workbench.clustered import Array, Codes
from workbench.data.alike.overlap import overlap_of
from workbench.data.columns import prompt_of
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, listed
from workbench.structure.named import person_column

ITEM = "item"
ORDER = "order"
FACETS = ("judge", "wording", "seed", ORDER, ITEM)
_COLUMNS = {"judge": "annotator", "wording": "wording", "seed": "replicate", ORDER: "order_shown"}

ONE_LEVEL = "one level: nothing varies"
NOT_THERE = "no such column in the data"
NO_SCORE = "no score that counts"
ALONE = "no item has scores under two of them"
SAME_AS = "tells the same as {}"
TWICE = "the same score of a response in another pair"


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores and what they may vary by, one row each.

    Attributes
    ----------
    y : ndarray, shape (n,)
        Less one half where scores are verdicts, else less their mean.
    codes : dict of str to ndarray of int
        Level of each facet that varies, the item last.
    sign : ndarray, shape (n,), or None
        Where scores are verdicts: 1 where A was shown first, -1 where B was; None else.
    cluster : ndarray of int, shape (n,)
    facets : DataFrame
        ``facet, column, levels, used, reason`` of every facet that was asked for.
    exclusions : DataFrame
        ``reason, n``.
    mean : float
    judges : list of str
    components : int
        Groups of judges that share no item.
    """

    y: Array
    codes: dict[str, Codes]
    sign: Array | None
    cluster: Codes
    facets: pd.DataFrame
    exclusions: pd.DataFrame
    mean: float
    judges: list[str]
    components: int

    @property
    def verdicts(self) -> bool:
        """Whether scores are verdicts, which turn where A and B are exchanged."""
        return self.sign is not None


def scores_of(
    data: PreferenceData, judges: str | Sequence[str] | None, facets: Sequence[str],
    score: str | None,
) -> Scores:  # fmt: skip
    """Return the scores of judges with the levels of every facet that varies.

    Raises
    ------
    DesignError
        No such score, one item, or nothing that varies beside the item.

    Examples
    --------
    >>> import workbench as wb
    >>> found = scores_of(wb.load("sample"), None, FACETS, None)
    >>> list(found.codes)
    ['judge', 'order', 'item']
    """
    wanted = list(dict.fromkeys(listed("facets", facets)))
    data = data.decided()
    names = judges_beside(data, judges, np.zeros(len(data.labels), dtype=bool))
    read, gone = read_scores(data, names, [one for one in wanted if one != ITEM], score)
    item, levels = compressed(read.item)
    rows: list[dict[str, Any]] = []
    codes: dict[str, Codes] = {}
    for facet, code in read.codes.items():
        row, kept = _facet(facet, code, item, codes, verdicts=score is None)
        rows.append(row)
        if kept is not None:
            codes[facet] = kept
    rows.append({"facet": ITEM, "column": "pair_id" if read.of_pairs else "response",
                 "used": True, "levels": levels, "reason": None})  # fmt: skip
    once = levels == len(read.y)
    if levels < 2 or not codes or once:
        raise DesignError(
            "The score cannot be split.",
            found=f"{levels:,} items{', each scored once' * once}; " + "; ".join(
                f"{row['facet']}: {row['reason']}" for row in rows if row["reason"]),
            expected="two items or more, scored by two judges, wordings, seeds or orders",
            fix="Name other columns in facets=, or have items scored more than once.",
        )  # fmt: skip
    middle = 0.5 if score is None else float(np.sort(read.y).mean())
    sign = None if score is not None else read.sign
    parts = overlap_of(codes["judge"], item).components if "judge" in codes else 1
    return Scores(
        read.y - middle, {**codes, ITEM: item}, sign, compressed(read.cluster)[0],
        pd.DataFrame(rows),
        pd.DataFrame([{"reason": why, "n": n} for why, n in sorted(gone.items()) if n],
                     columns=["reason", "n"]),
        float(np.sort(read.y).mean()), names, parts,
    )  # fmt: skip


def compressed(code: Codes) -> tuple[Codes, int]:
    """Return levels without gaps, and how many there are.

    Examples
    --------
    >>> compressed(np.array([7, 2, 7]))
    (array([1, 0, 1]), 2)
    """
    if not len(code):
        return code, 0
    if int(code.max()) < 8 * len(code) + 1000:
        # counting is quicker than sorting
        present = np.bincount(code) > 0
        return (np.cumsum(present) - 1)[code], int(present.sum())
    names, place = np.unique(code, return_inverse=True)
    return np.asarray(place.ravel(), dtype=np.int64), len(names)


def crossed(one: Codes, other: Codes) -> Codes:
    """Return one number for each combination of two levels."""
    return np.asarray(one * (int(other.max(initial=0)) + 1) + other, dtype=np.int64)


class Read(NamedTuple):
    """Scores as they are read, one row each.

    Attributes
    ----------
    codes : dict of str to ndarray of int
        Level of each facet, a judge's its place among the names; below 0 where a value lacks.
    item, cluster, pair, side : ndarray of int
        The row of the pair, and 1 where the score is of its response B.
    y, sign : ndarray
        The score, and 1 where A was shown first, -1 where B was.
    of_pairs : bool
        Whether scores are of pairs, not of responses.
    """

    codes: dict[str, Codes]
    item: Codes
    cluster: Codes
    pair: Codes
    side: Codes
    y: Array
    sign: Array
    of_pairs: bool

    def take(self, rows: NDArray[np.bool_]) -> Read:
        """Return some of the scores."""
        codes = {name: code[rows] for name, code in self.codes.items()}
        return Read(codes, self.item[rows], self.cluster[rows], self.pair[rows], self.side[rows],
                    self.y[rows], self.sign[rows], self.of_pairs)  # fmt: skip


def read_scores(
    data: PreferenceData, names: Sequence[str], wanted: Sequence[str], score: str | None
) -> tuple[Read, dict[str, int]]:
    """Return the scores of judges, sorted by name, with what is left out by reason."""
    labels = data.labels
    sides = [f"{score}_{side}" for side in "ab"]
    if score is not None and score not in labels and not set(sides) <= set(labels.columns):
        raise DesignError(
            f"There is no score {score!r}.",
            found=", ".join(map(str, labels.columns)),
            expected=f"{score}, or {' and '.join(sides)}, in the labels",
            fix="Name a column of numbers in score=, or leave it out for verdicts.",
        )
    of_pairs = score is None or score in labels.columns
    mine = np.flatnonzero(labels["annotator"].isin(names).to_numpy(bool))
    at = data.pair_rows[mine]
    codes = {one: _codes(_column(data, one).take(mine)) for one in wanted}
    if "judge" in codes:
        place, found = pd.factorize(labels["annotator"].take(mine))
        codes["judge"] = pd.Index(names).get_indexer(pd.Index(found).astype("str"))[place]
    cluster = _codes(data.pairs["cluster"])[at]
    first = labels["order_shown"].take(mine)
    sign = _is(first, "ab") - _is(first, "ba")
    weight = labels["weight"].to_numpy("float64")[mine]
    pair, turned = at, np.zeros(len(at), dtype=np.int64)
    if of_pairs:
        y, item = _numbers(labels["preference" if score is None else score], mine), at
    else:
        # a response is an item, whichever pair it stands in
        y = np.concatenate([_numbers(labels[side], mine) for side in sides])
        item = np.concatenate([side[at] for side in _responses(data)])
        codes = {one: np.concatenate([code, code]) for one, code in codes.items()}
        cluster, pair = np.concatenate([cluster, cluster]), np.concatenate([at, at])
        sign, weight = np.concatenate([sign, sign]), np.concatenate([weight, weight])
        turned = np.repeat([0, 1], len(at))
    if score is None:
        y = np.where(np.isfinite(y), (np.sign(np.round(y - 0.5, 9)) + 1) / 2, np.nan)
    fine = np.isfinite(y) & (weight > 0)
    gone = {"no score, or no weight": int((~fine).sum())}
    for one, code in codes.items():
        lacking = (code < 0) & fine
        if 0 < lacking.sum() < fine.sum():
            gone[f"no value in {one}"] = int(lacking.sum())
            fine &= ~lacking
    if not of_pairs:
        again = fine & _repeated(fine, item, codes, y)
        gone[TWICE] = int(again.sum())
        fine &= ~again
    return Read(codes, item, cluster, pair, turned, y, sign, of_pairs).take(fine), gone


def _repeated(
    fine: NDArray[np.bool_], item: Codes, codes: dict[str, Codes], y: Array
) -> NDArray[np.bool_]:
    """Return which grades of a response are those of another pair once more."""
    table = pd.DataFrame({"item": item, "y": y, **codes})
    found = np.zeros(len(y), dtype=bool)
    found[fine] = table[fine].duplicated().to_numpy()
    return found


def _codes(column: pd.Series) -> Codes:
    return np.asarray(pd.factorize(column)[0], dtype=np.int64)


def _is(column: pd.Series, value: str) -> Array:
    return np.asarray(column.eq(value).fillna(False).to_numpy(bool), dtype=np.float64)


def _numbers(column: pd.Series, rows: NDArray[np.int64]) -> Array:
    return np.asarray(pd.to_numeric(column, errors="coerce").to_numpy("float64")[rows])


def _responses(data: PreferenceData) -> tuple[Codes, Codes]:
    """Return a number for the response of each side: of its prompt and text, else its own."""
    n = len(data.pairs)
    both = pd.concat([data.pairs["response_a"], data.pairs["response_b"]], ignore_index=True)
    text = _codes(both)
    prompts = pd.concat([prompt_of(data.pairs, side) for side in "ab"], ignore_index=True)
    prompt = _codes(prompts) + 1
    own = compressed(crossed(prompt, text + 1))[0]
    found = np.where(text < 0, int(own.max(initial=0)) + 1 + np.arange(2 * n), own)
    return found[:n], found[n:]


def _column(data: PreferenceData, facet: str) -> pd.Series:
    column = _COLUMNS.get(facet, facet)
    if facet == "wording" and column not in data.labels and column not in data.pairs:
        return pd.Series([None] * len(data.labels), dtype="object")
    return person_column(data, column)


def _facet(
    facet: str, code: Codes, item: Codes, codes: dict[str, Codes], *, verdicts: bool
) -> tuple[dict[str, Any], Codes | None]:
    row = {"facet": facet, "column": _COLUMNS.get(facet, facet), "used": False, "levels": 0}
    if not len(code):
        return {**row, "reason": NO_SCORE}, None
    if (code < 0).all():
        return {**row, "reason": NOT_THERE}, None
    code, levels = compressed(code)
    row["levels"] = levels
    if levels < 2:
        return {**row, "reason": ONE_LEVEL}, None
    for other, known in codes.items():
        if _cells(code, known) == levels == int(known.max()) + 1:
            return {**row, "reason": SAME_AS.format(other)}, None
    if _cells(item, code) == int(item.max()) + 1 and not (verdicts and facet == ORDER):
        return {**row, "reason": ALONE}, None
    return {**row, "used": True, "reason": None}, code


def _cells(one: Codes, other: Codes) -> int:
    return compressed(crossed(one, other))[1]
