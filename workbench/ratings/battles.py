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
from workbench.errors import DesignError

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
    a, b, models = model_codes(data.coded("pairs", "model_a"), data.coded("pairs", "model_b"))
    values = _covariate_values(data, covariates)
    row = data.pair_rows
    labels = data.labels
    wanted = _chosen(data, annotator)
    complete = np.asarray(np.isfinite(values).all(axis=1))
    why = _reasons(labels, a[row], b[row], complete[row], ties)
    exclusions = _count(labels["reason"], np.where(wanted, why, 0))
    kept = wanted & (why == 0)
    if not kept.any():
        found = "; ".join(f"{r.n:,} {r.reason}" for r in exclusions.itertuples()) or "no labels"
        raise DesignError(
            "No label can be rated.",
            found=found,
            expected="at least one verdict on a pair of two named models",
            fix="Check model_a and model_b, the annotator, the covariates and ties=.",
        )
    row = row[kept]
    cluster, n_clusters = _clusters(data, row, named=bool(covariates))
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
    if "n_votes" not in labels:
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


def comparable(battles: Battles) -> tuple[Codes, dict[str, str]]:
    """Return the models whose ratings are finite and comparable, and why others are not.

    Parameters
    ----------
    battles : Battles

    Returns
    -------
    models : ndarray of int
        The largest set in which each model has won or tied, directly or through others,
        against each other one (by models, then by battles).
    reasons : dict of str to str
        By model outside of it.

    Notes
    -----
    A Bradley-Terry fit has a finite maximum on the models of one strongly connected
    component of the graph of wins, and only there (Ford 1957).
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    M = len(battles.models)
    wins = win_matrix(battles)
    graph = csr_array(wins > 0)
    parts, part = connected_components(graph, connection="strong")
    size = np.bincount(part, minlength=parts)
    inside = part[battles.a] == part[battles.b]
    fought = np.bincount(part[battles.a][inside], minlength=parts)
    # of equals, the one that holds the first name
    order = np.lexsort((-np.unique(part, return_index=True)[1], fought, size))
    best = int(order[-1])
    rated = np.flatnonzero(part == best)
    outside = np.flatnonzero(part != best)
    beaten = (_reach(graph, rated, M), _reach(csr_array(graph.T), rated, M))
    reasons = {battles.models[m]: _why(beaten[0][m], beaten[1][m]) for m in outside.tolist()}
    return rated, reasons


def win_matrix(battles: Battles) -> Array:
    """Return the weight of wins of the row's model over the column's, ties half, (M, M)."""
    M = len(battles.models)
    key = battles.a * M + battles.b
    won = np.bincount(key, battles.weight * battles.preference, M * M).reshape(M, M)
    lost = np.bincount(key, battles.weight * (1 - battles.preference), M * M).reshape(M, M)
    return np.asarray(won + lost.T)


def _why(lost: bool, won: bool) -> str:
    if lost and not won:
        return "never won against the rated models, even through others: no lower bound"
    if won and not lost:
        return "never lost against the rated models, even through others: no upper bound"
    return "no chain of battles connects it with the rated models"


def _reach(graph: object, start: Codes, M: int) -> NDArray[np.bool_]:
    """Return which models a chain of edges leads to from the rated ones."""
    from scipy.sparse.csgraph import breadth_first_order

    reached = np.zeros(M, dtype=bool)
    # the rated ones reach each other, so any one of them leads to all
    found = breadth_first_order(graph, int(start[0]), return_predecessors=False)
    reached[found] = True
    return reached


def model_codes(left: Coded, right: Coded) -> tuple[Codes, Codes, list[str]]:
    """Return the codes of both models of each pair (-1: not named) and their sorted names.

    Parameters
    ----------
    left, right : Coded
        Names of the models of A and of B.

    Raises
    ------
    DesignError
        Fewer than two names.
    """
    names = left.names.union(right.names)
    if len(names) < 2:
        raise DesignError(
            "The data do not say which models wrote the responses.",
            found=f"{len(names)} model names in model_a and model_b",
            expected="at least two",
            fix="Give the file columns model_a and model_b (or map them when loading).",
        )
    # the last place is that of a missing name, code -1
    a, b = (np.append(names.get_indexer(own), -1)[codes] for codes, own in (left, right))
    return a, b, [str(name) for name in names]


def _covariate_values(data: PreferenceData, covariates: Sequence[str]) -> Array:
    known = data.factor_names
    missing = [name for name in covariates if name not in known]
    if missing:
        raise DesignError(
            f"The data have no factor {missing[0]!r}.",
            found=", ".join(known) or "no factor columns",
            expected="names of scored factors",
            fix="Score them first: data = workbench.score_factors(data).",
        )
    if len(set(covariates)) < len(covariates):
        raise DesignError(
            "A covariate is named twice.",
            found=", ".join(covariates),
            expected="each factor once",
            fix="Drop the repeated name from covariates=.",
        )
    return np.asarray(data.factors[list(covariates)].to_numpy("float64"))


def _chosen(data: PreferenceData, annotator: str | Iterable[str] | None) -> NDArray[np.bool_]:
    if annotator is None:
        return np.ones(len(data.labels), dtype=bool)
    names = [annotator] if isinstance(annotator, str) else list(annotator)
    table = data.annotators
    if len(names) == 1 and names[0] not in set(table["annotator"]):
        kind = data.coded("labels", "kind").among(names)
        if kind.any():
            return kind
    known = set(table["annotator"])
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise DesignError(
            f"The data have no annotator {unknown[0]!r}." if unknown else "No annotator is named.",
            found=", ".join(table["annotator"].head(12)),
            expected="names of annotators, or one kind such as 'human'",
            fix="Check the spelling; names are case-sensitive.",
        )
    return data.coded("labels", "annotator").among(names)


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
