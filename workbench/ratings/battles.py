"""From preference data to battles: which model met which, who won, and what is comparable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.clustered import dense_codes
from workbench.data.dataset import PreferenceData
from workbench.data.rows import Coded
from workbench.decompose.kernel import Array, Codes
from workbench.ratings.whose import (
    no_battle,
    refuse_covariates,
    refuse_nameless,
    whose,
)
from workbench.standardised import difference_sd

BattleTies = Literal["half", "davidson", "drop"]


_WHY = (
    "", "missing covariate value", "a model against itself", "no model name",
    "no positive weight", "tie", "no verdict",
)  # fmt: skip
"""Why labels are left out, a later reason before an earlier one; those of ties and of verdicts
that there are not give way to what the label says itself."""


@dataclass(frozen=True, eq=False)
class Battles:
    """Labels on pairs of named models.

    Attributes
    ----------
    models : list of str
        Sorted names of the M models.
    a, b : ndarray of int, shape (n,)
        The two models of each battle.
    preference, weight : ndarray, shape (n,)
        P(A preferred), 0.5 a tie; and the label's weight.
    X : ndarray, shape (n, K)
        Covariates, A minus B.
    covariates : list of str
        Names of the K columns.
    cluster : ndarray of int, shape (n,)
        Cluster code of each battle, in the order of the clusters' names.
    n_clusters : int
    exclusions : DataFrame
        Labels left out: ``reason, n``.
    label : ndarray of int, shape (n,)
        Position in ``data.labels`` of each battle's label; empty where battles are not of data.
    """

    models: list[str]
    a: Codes
    b: Codes
    preference: Array
    weight: Array
    X: Array
    covariates: list[str]
    cluster: Codes
    n_clusters: int
    exclusions: pd.DataFrame
    label: Codes = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.a)

    @property
    def all_tied(self) -> bool:
        """Whether every battle is a tie."""
        return bool((self.preference == 0.5).all())

    @property
    def any_tied(self) -> bool:
        """Whether some battle is a tie."""
        return bool((self.preference == 0.5).any())

    @property
    def sd(self) -> Array:
        """Standard deviation of each covariate among the battles, shape (K,)."""
        return difference_sd(self.X, self.weight)

    def times_met(self) -> Codes:
        """Return how many battles the row's model as A had with the column's, (M, M)."""
        M = len(self.models)
        return np.bincount(self.a * M + self.b, minlength=M * M).reshape(M, M)

    def wins(self) -> Array:
        """Return the weight of wins of the row's model over the column's, ties half, (M, M)."""
        M = len(self.models)
        key = self.a * M + self.b
        won = np.bincount(key, self.weight * self.preference, M * M).reshape(M, M)
        lost = np.bincount(key, self.weight * (1 - self.preference), M * M).reshape(M, M)
        return np.asarray(won + lost.T)

    def tally(self) -> pd.DataFrame:
        """Return battles (``n``), and the weight of wins, losses and ties of each model."""
        M = len(self.models)
        w, y = self.weight, self.preference
        tied = y == 0.5
        won = np.where(tied, 0.0, w * y)
        lost = np.where(tied, 0.0, w * (1 - y))
        tie = np.where(tied, w, 0.0)
        sides = np.r_[self.a, self.b]

        def count(first: Array, second: Array) -> Array:
            return np.asarray(np.bincount(sides, np.r_[first, second], M))

        return pd.DataFrame(
            {
                "n": np.bincount(sides, minlength=M),
                "wins": count(won, lost),
                "losses": count(lost, won),
                "ties": count(tie, tie),
            }
        )

    def take(self, rows: NDArray[np.bool_]) -> Battles:
        """Return some battles, with all the models; clusters are numbered anew."""
        present, cluster = np.unique(self.cluster[rows], return_inverse=True)
        return replace(
            self,
            a=self.a[rows],
            b=self.b[rows],
            preference=self.preference[rows],
            weight=self.weight[rows],
            X=self.X[rows],
            cluster=cluster,
            n_clusters=len(present),
            label=self.label[rows] if len(self.label) else self.label,
        )

    def with_covariates(self, names: list[str]) -> Battles:
        """Return the battles with some of the covariates."""
        at = [self.covariates.index(name) for name in names]
        return replace(self, X=np.ascontiguousarray(self.X[:, at]), covariates=names)

    def subset(self, models: Codes) -> Battles:
        """Return the battles among some models, which are numbered anew."""
        if len(models) == len(self.models):
            return self
        place = np.full(len(self.models), -1)
        place[models] = np.arange(len(models))
        part = self.take((place[self.a] >= 0) & (place[self.b] >= 0))
        return replace(
            part,
            models=[self.models[m] for m in models],
            a=place[part.a],
            b=place[part.b],
        )


def collect(
    data: PreferenceData,
    *,
    annotator: str | Iterable[str] | None,
    covariates: Sequence[str],
    ties: BattleTies,
) -> Battles:
    """Lay out the usable labels of named models.

    Raises
    ------
    DesignError
        No model names, an unknown annotator or covariate, or no usable label.
    """
    data = data.decided()
    left, right = data.coded("pairs", "model_a"), data.coded("pairs", "model_b")
    refuse_nameless(len(left.names.union(right.names)))
    wanted = _chosen(data, annotator)
    refuse_covariates(data.factor_names, covariates)
    values = np.asarray(data.factors[list(covariates)].to_numpy("float64"))
    battles = laid_out(data, wanted, values, covariates, ties)
    if not len(battles):
        raise no_battle(battles.exclusions)
    return battles


def laid_out(
    data: PreferenceData, wanted: NDArray[np.bool_], values: Array, covariates: Sequence[str],
    ties: BattleTies,
) -> Battles:  # fmt: skip
    """Lay out those of the labels that can be rated: perhaps none.

    Parameters
    ----------
    data : PreferenceData
        Labels of one criterion.
    wanted : ndarray of bool, shape (labels,)
    values : ndarray, shape (pairs, K)
        Of the covariates.
    covariates : sequence of str
    ties : {"half", "davidson", "drop"}
    """
    a, b, models = model_codes(data.coded("pairs", "model_a"), data.coded("pairs", "model_b"))
    row = data.pair_rows
    labels = data.labels
    complete = np.asarray(np.isfinite(values).all(axis=1))
    why = _reasons(labels, a[row], b[row], complete[row], ties)
    exclusions = _count(labels["reason"], np.where(wanted, why, 0))
    kept = wanted & (why == 0)
    row = row[kept]
    cluster, n_clusters = _clusters(data, row, named=bool(len(covariates)))
    seen = np.bincount(a[row], minlength=len(models)) + np.bincount(b[row], minlength=len(models))
    present, place = np.flatnonzero(seen), np.cumsum(seen > 0) - 1
    battles = Battles(
        models=[models[m] for m in present],
        a=place[a[row]],
        b=place[b[row]],
        preference=labels["preference"].to_numpy()[kept],
        weight=labels["weight"].to_numpy()[kept],
        X=values[row],
        covariates=list(covariates),
        cluster=cluster,
        n_clusters=n_clusters,
        exclusions=exclusions,
        label=np.flatnonzero(kept),
    )
    if "n_votes" not in labels or not len(battles):
        return battles
    votes = single_votes(battles, labels[kept], _counted(data.pairs)[row])
    return votes.take(votes.preference != 0.5) if ties == "drop" else votes


def _counted(pairs: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which pairs are rows of a count table: their votes have nothing else in common."""
    text = pairs[["prompt", "response_a", "response_b"]].notna().any(axis=1)
    return np.asarray(~text & (pairs["cluster"] == pairs["pair_id"]))


def single_votes(battles: Battles, labels: pd.DataFrame, counted: NDArray[np.bool_]) -> Battles:
    """Return battles of which each is one vote, where labels are shares of several.

    Parameters
    ----------
    battles : Battles
        One for each label.
    labels : DataFrame
        ``preference``, ``n_votes`` and perhaps ``n_ties``, in the same order.
    counted : ndarray of bool
        Labels that are rows of a count table: their votes are battles of their own, where
        votes on one prompt are not.

    Returns
    -------
    Battles
        The votes of a count table are clusters of their own: errors equal those of a table
        with one row a battle. Counts that are no whole numbers stay one weighted share.

    Examples
    --------
    >>> import workbench as wb
    >>> counts = {"model_a": ["m"], "model_b": ["n"], "wins_a": [3], "wins_b": [1]}
    >>> data = wb.load(pd.DataFrame(counts))
    >>> battles = collect(data, annotator=None, covariates=[], ties="half")
    >>> battles.preference.tolist(), battles.n_clusters
    ([1.0, 1.0, 1.0, 0.0], 4)
    """
    share = battles.preference
    given = labels["n_votes"].fillna(1.0).to_numpy("float64")
    tied = np.zeros(len(given))
    if "n_ties" in labels:
        tied = labels["n_ties"].fillna(0.0).to_numpy("float64")
    wins = share * given - tied / 2
    whole = (given > 1) & np.all(
        np.abs(np.rint(parts := np.c_[given, tied, wins]) - parts) < 1e-6, 1
    )
    n = np.where(whole, np.rint(given), 1).astype(np.int64)
    ties = np.where(whole, np.rint(tied), 0).astype(np.int64)
    won = np.where(whole, np.rint(wins), 0).astype(np.int64)
    rows = np.repeat(np.arange(len(n)), n)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(n) - n, n)
    vote = np.where(place < won[rows], 1.0, np.where(place < (won + ties)[rows], 0.5, 0.0))
    alone = np.bincount(battles.cluster, minlength=battles.n_clusters)[battles.cluster] == 1
    own = (alone & counted & (n > 1))[rows]
    cluster = battles.cluster[rows]
    later = own & (place > 0)
    cluster[later] = battles.n_clusters + np.arange(int(later.sum()))
    return replace(
        battles,
        a=battles.a[rows],
        b=battles.b[rows],
        preference=np.where(n[rows] > 1, vote, share[rows]),
        weight=(battles.weight / n)[rows],
        X=battles.X[rows],
        cluster=cluster,
        n_clusters=battles.n_clusters + int(later.sum()),
        label=battles.label[rows] if len(battles.label) else battles.label,
    )


def model_codes(left: Coded, right: Coded) -> tuple[Codes, Codes, list[str]]:
    """Return the codes of both models of each pair (-1: not named) and their sorted names.

    Parameters
    ----------
    left, right : Coded
        Names of the models of A and of B.
    """
    names = left.names.union(right.names)
    # the last place is that of a missing name, code -1
    a, b = (np.append(names.get_indexer(own), -1)[codes] for codes, own in (left, right))
    return a, b, [str(name) for name in names]


def _chosen(data: PreferenceData, annotator: str | Iterable[str] | None) -> NDArray[np.bool_]:
    kinds = set(data.coded("labels", "kind").names)
    return whose(annotator, data.annotators["annotator"], kinds).of(data)


def _reasons(
    labels: pd.DataFrame, a: Codes, b: Codes, complete: NDArray[np.bool_], ties: BattleTies
) -> NDArray[np.int8]:
    """Return why each label is left out, as its place in :data:`_WHY`; 0 where it is kept."""
    weight, preference = labels["weight"].to_numpy(), labels["preference"].to_numpy()
    why = np.zeros(len(labels), dtype=np.int8)
    why[~complete] = 1
    why[a == b] = 2
    why[(a < 0) | (b < 0)] = 3
    why[~(np.isfinite(weight) & (weight > 0))] = 4
    if ties == "drop":
        tied = preference == 0.5
        if "n_votes" in labels:
            tied &= ~(labels["n_votes"].to_numpy() > 1)
        why[tied] = 5
    why[np.isnan(preference)] = 6
    return why


def _count(own: pd.Series, why: NDArray[np.int8]) -> pd.DataFrame:
    left = np.flatnonzero(why)
    said = pd.Series(np.array(_WHY)[why[left]], dtype="str")
    given = own.iloc[left].reset_index(drop=True)
    table = given.where((why[left] > 4) & given.notna(), said).value_counts().sort_index()
    return pd.DataFrame({"reason": table.index.astype("str"), "n": table.to_numpy()})


def _clusters(data: PreferenceData, row: Codes, *, named: bool) -> tuple[Codes, int]:
    """Return cluster codes, in the order of their names where that order can matter."""
    codes = data.coded("pairs", "cluster").codes[row].astype(np.int64)
    n = int(np.count_nonzero(np.bincount(codes)))
    return (dense_codes(codes) if named or n < len(row) else np.arange(n)), n
