"""Who said A, tie or B of which pair: the ratings in preference data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.columns import POOLS, as_text
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.intervals import Array, Codes
from workbench.structure.labels import chosen_labels, under_other_criteria
from workbench.structure.named import person_column
from workbench.structure.raters.counts import Counts

SIDES = np.array([0.0, 0.5, 1.0])
"""Values of a rating: B, tie, A."""

REPEATED = "another label of the same rater on the pair: the majority is one rating"
ALONE = "the only rating of its pair"
NO_VOTE = "weight 0"


@dataclass(frozen=True, eq=False)
class Ratings:
    """Ratings of pairs with two or more, pairs in the order of their ids.

    Attributes
    ----------
    pair_ids : ndarray of str, shape (units,)
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

    pair_ids: NDArray[np.str_]
    cluster: Codes
    counts: Array
    unit: NDArray[np.int64]
    rater: NDArray[np.int64]
    value: NDArray[np.int64]
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
        """Return ratings, pairs by raters; where one is missing, by their place alone."""
        if self.complete:
            table = np.full((len(self.counts), len(self.names)), np.nan)
            table[self.unit, self.rater] = SIDES[self.value]
            return table
        n = self.counts.sum(axis=1)
        place = np.arange(int(n.max(initial=0)))
        upto = np.cumsum(self.counts, axis=1)
        table = np.where(place < upto[:, [0]], SIDES[0], SIDES[2])
        table[(place >= upto[:, [0]]) & (place < upto[:, [1]])] = SIDES[1]
        table[place >= n[:, None]] = np.nan
        return np.asarray(table)


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
    labels, name = chosen.labels, as_text(person_column(chosen, by))
    gone: dict[str, int] = {}
    p = labels["preference"].to_numpy("float64")
    undecided = ~np.isfinite(p)
    for reason, n in labels.loc[undecided, "reason"].fillna("no verdict").value_counts().items():
        gone[f"no verdict: {reason}" if reason != "no verdict" else "no verdict"] = int(n)
    weightless = ~undecided & ~(labels["weight"].to_numpy("float64") > 0)
    nameless = ~undecided & ~weightless & name.isna().to_numpy()
    gone |= {NO_VOTE: int(weightless.sum()), f"no value in {by}": int(nameless.sum())}
    rows = ~(undecided | weightless | nameless)
    order = np.argsort(chosen.pairs["pair_id"].to_numpy(str), kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    at, share = place[chosen.pair_rows[rows]], p[rows]
    name, count = name[rows].reset_index(drop=True), _numbers(labels, "n_votes", rows)
    pooled = (count > 1) | name.isin(POOLS).to_numpy()
    counts = _votes(at[pooled], share[pooled], count[pooled],
                    _numbers(labels, "n_ties", rows)[pooled], len(order))  # fmt: skip
    votes = counts.sum(axis=1)
    one = _one_each(at[~pooled], name[~pooled], np.sign(np.round(share[~pooled] - 0.5, 9)))
    gone[REPEATED] = int((~pooled).sum()) - len(one)
    np.add.at(counts, (one["unit"], one["value"]), 1.0)
    n = counts.sum(axis=1)
    used = n > 1
    gone[ALONE] = int((n == 1).sum())
    gone |= under_other_criteria(data, chosen).set_index("reason")["n"].to_dict()
    _refuse_none(used, int(rows.sum()), by)
    kept = one[used[one["unit"].to_numpy()]]
    rater, names = pd.factorize(kept["name"], sort=True)
    clusters = chosen.pairs["cluster"].astype("str").to_numpy(str)[order][used]
    return Ratings(
        pair_ids=chosen.pairs["pair_id"].to_numpy(str)[order][used],
        cluster=np.asarray(np.unique(clusters, return_inverse=True)[1], dtype=np.int64),
        counts=counts[used],
        unit=(np.cumsum(used) - 1)[kept["unit"].to_numpy()],
        rater=np.asarray(rater, dtype=np.int64),
        value=kept["value"].to_numpy(np.int64),
        names=[str(who) for who in names],
        votes=float(votes[used].sum()),
        n_labels=len(labels),
        exclusions=pd.DataFrame(
            [{"reason": reason, "n": n} for reason, n in sorted(gone.items()) if n],
            columns=["reason", "n"],
        ),
    )


def _one_each(at: NDArray[np.int64], name: pd.Series, lean: Array) -> pd.DataFrame:
    """Return one row a rater and pair, sorted: ``unit, name, value``."""
    said = pd.DataFrame({"unit": at, "name": name.astype("str").to_numpy(), "lean": lean})
    one = said.groupby(["unit", "name"], sort=True)["lean"].sum().reset_index()
    return one.assign(value=np.sign(one["lean"]).astype(np.int64) + 1)


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


def _numbers(labels: pd.DataFrame, column: str, rows: NDArray[np.bool_]) -> Array:
    if column not in labels:
        return np.zeros(int(rows.sum()))
    return np.asarray(labels[column].fillna(0.0).to_numpy("float64")[rows])


def _refuse_none(used: NDArray[np.bool_], n_labels: int, by: str) -> None:
    if not used.any():
        raise DesignError(
            "No pair has two ratings, so nobody can agree.",
            found=f"{n_labels:,} labels with a verdict, each alone on its pair",
            expected="pairs that two raters judged",
            fix=f"Have some pairs judged twice, or name other raters: annotators=..., by={by!r}.",
        )
