"""Who said A, tie or B of which pair: the ratings in preference data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.columns import POOLS
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.intervals import Array, Codes
from workbench.structure.labels import chosen_labels, under_other_criteria
from workbench.structure.named import people_coded
from workbench.structure.raters.counts import Counts

SIDES = np.array([0.0, 0.5, 1.0])
"""Values of a rating: B, tie, A."""

REPEATED = "another label of the same rater on the pair: the majority is one rating"
ALONE = "the only rating of its pair"
NO_VOTE = "weight 0"

_DENSE = 8
"""Places a label up to which every rater has one on every pair."""

_NOTHING = 9
"""What stands in a place without a label."""


@dataclass(frozen=True, eq=False)
class Ratings:
    """Ratings of pairs with two or more, pairs in the order of their ids.

    Attributes
    ----------
    cluster : ndarray of int, shape (units,)
    counts : ndarray, shape (units, 3)
        Ratings B, tie, A.
    unit, rater, value : ndarray of int, shape (ratings of named raters,)
        Position of the pair, of the rater in ``names``, and of the value in :data:`SIDES`.
    names : list of str
        The named raters.
    votes : float
        Ratings whose rater has no name.
    n_labels : int
        Labels of those who were chosen.
    exclusions : DataFrame
        Labels that are no rating of their own: ``reason, n``.
    """

    cluster: Codes
    counts: Array
    unit: NDArray[np.int64]
    rater: NDArray[np.int16] | NDArray[np.int32]
    value: NDArray[np.int8]
    names: list[str]
    votes: float
    n_labels: int
    exclusions: pd.DataFrame

    @property
    def complete(self) -> bool:
        """Whether every rater has a name and rated every pair."""
        return not self.votes and len(self.unit) == len(self.counts) * len(self.names)

    @property
    def both_ways(self) -> Counts:
        """Each pair as it is and with its sides exchanged."""
        return Counts(np.concatenate([self.counts, self.counts[:, ::-1]]), SIDES)

    def matrix(self) -> Array:
        """Return ratings, pairs by raters, NaN where there is none."""
        table = np.full((len(self.counts), len(self.names)), np.nan)
        table[self.unit, self.rater] = SIDES[self.value]
        return table


def ratings_of(
    data: PreferenceData, annotators: str | Iterable[str] | None = None, by: str = "annotator"
) -> Ratings:
    """Return the ratings of the chosen annotators.

    Parameters
    ----------
    data : PreferenceData
    annotators : str or iterable of str, optional
        Names or one kind; people where the data have some, else everybody.
    by : str
        Column of labels or pairs that names the rater.

    Raises
    ------
    DesignError
        No such column, or no pair with two ratings.

    Notes
    -----
    A label above one half is for A, below for B. Several labels of one rater on a pair are one
    rating: their majority, or a tie. A label that stands for several votes, and one of a name
    that stands for many people (``crowd``), are ratings of raters without a name.

    Examples
    --------
    >>> import workbench as wb
    >>> found = ratings_of(wb.load("sample"))
    >>> len(found.counts), len(found.names), found.counts.sum(axis=1).max()
    (2000, 12, np.float64(3.0))
    """
    chosen = chosen_labels(data, annotators)
    labels, people = chosen.labels, people_coded(chosen, by)
    gone: dict[str, int] = {}
    p = labels["preference"].to_numpy("float64")
    undecided = ~np.isfinite(p)
    for reason, n in labels.loc[undecided, "reason"].fillna("no verdict").value_counts().items():
        gone[f"no verdict: {reason}" if reason != "no verdict" else "no verdict"] = int(n)
    weightless = ~undecided & ~(labels["weight"].to_numpy("float64") > 0)
    nameless = ~undecided & ~weightless & (people.codes < 0)
    gone |= {NO_VOTE: int(weightless.sum()), f"no value in {by}": int(nameless.sum())}
    kept = ~(undecided | weightless | nameless)
    rows = slice(None) if kept.all() else kept
    order = np.argsort(chosen.coded("pairs", "pair_id").codes, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    at, share = place[chosen.pair_rows[rows]], p[rows]
    who, count = people.codes[rows], _numbers(labels, "n_votes", rows)
    pooled = (count > 1) | people.names.isin(POOLS)[who]
    counts = _votes(at[pooled], share[pooled], count[pooled],
                    _numbers(labels, "n_ties", rows)[pooled], len(order))  # fmt: skip
    votes = counts.sum(axis=1)
    alone = slice(None) if not pooled.any() else ~pooled
    lean = np.sign(np.round(share[alone] - 0.5, 9)).astype(np.int8)
    unit, rater, value = _one_each(at[alone], who[alone], lean, len(order), len(people.names))
    gone[REPEATED] = int((~pooled).sum()) - len(unit)
    counts += np.bincount(unit * 3 + value, minlength=3 * len(order)).reshape(-1, 3)
    n = counts.sum(axis=1)
    used = n > 1
    gone[ALONE] = int((n == 1).sum())
    gone |= under_other_criteria(data, chosen).set_index("reason")["n"].to_dict()
    _refuse_none(used, int(kept.sum()), by)
    if not used.all():
        inside = used[unit]
        unit, rater, value = (np.cumsum(used) - 1)[unit[inside]], rater[inside], value[inside]
    named = np.bincount(rater, minlength=len(people.names)) > 0
    clusters = chosen.coded("pairs", "cluster").codes[order][used]
    return Ratings(
        cluster=np.asarray(np.unique(clusters, return_inverse=True)[1], dtype=np.int64),
        counts=counts[used],
        unit=unit,
        rater=(np.cumsum(named) - 1).astype(people.codes.dtype)[rater],
        value=value,
        names=[str(name) for name in people.names[named]],
        votes=float(votes[used].sum()),
        n_labels=len(labels),
        exclusions=pd.DataFrame(
            [{"reason": reason, "n": n} for reason, n in sorted(gone.items()) if n],
            columns=["reason", "n"],
        ),
    )


def _one_each(
    at: NDArray[np.int64], who: NDArray[Any], lean: NDArray[np.int8], units: int, raters: int
) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.int8]]:
    """Return the pair, rater and value of one rating a rater and pair, in this order."""
    key = at * raters + who
    if units * raters <= _DENSE * len(key):
        # most raters judged most pairs: a place for each, in order, costs less than to sort
        said = np.full(units * raters, _NOTHING, dtype=np.int8)
        said[key] = lean
        distinct = np.flatnonzero(said != _NOTHING)
        total: NDArray[Any] = said[distinct]
        if len(distinct) < len(key):
            total = np.bincount(key, lean)[distinct]
    else:
        distinct, place = np.unique(key, return_inverse=True)
        total = np.bincount(place, lean, len(distinct))
    unit = distinct // raters
    rater = (distinct - unit * raters).astype(who.dtype)
    return unit, rater, (np.sign(total) + 1).astype(np.int8)


def _votes(at: NDArray[np.int64], share: Array, count: Array, ties: Array, size: int) -> Array:
    """Return votes B, tie, A of each pair, of labels that stand for several or for nobody."""
    one = count <= 1
    ties = np.where(one, (share == 0.5).astype(float), ties)
    to_a = np.where(one, (share > 0.5).astype(float), count * share - ties / 2)
    total = np.where(one, 1.0, count)
    parts = (np.maximum(np.round(part), 0.0) for part in (total - ties - to_a, ties, to_a))
    # counted without any label, bins are whole numbers
    counts = np.column_stack([np.bincount(at, part, size) for part in parts])
    return counts.astype(np.float64)


def _numbers(labels: pd.DataFrame, column: str, rows: NDArray[np.bool_] | slice) -> Array:
    if column not in labels:
        return np.zeros(len(labels))[rows]
    return np.asarray(labels[column].fillna(0.0).to_numpy("float64")[rows])


def _refuse_none(used: NDArray[np.bool_], n_labels: int, by: str) -> None:
    if not used.any():
        raise DesignError(
            "No pair has two ratings, so nobody can agree.",
            found=f"{n_labels:,} labels with a verdict, each alone on its pair",
            expected="pairs that two raters judged",
            fix=f"Have some pairs judged twice, or name other raters: annotators=..., by={by!r}.",
        )
