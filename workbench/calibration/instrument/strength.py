"""How strongly people prefer: the scale against which judges are measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.special import log_expit

from workbench.clustered import Array, Codes
from workbench.curate.margins import clusters_and_folds, factor_matrix, fit_ridge
from workbench.curate.votes import Votes, votes_of
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.structure.shared_prompts import refuse_few_prompts

Source = Literal["votes", "models", "factors"]
SOURCES: tuple[Source, ...] = ("votes", "models", "factors")
"""What the strength of people's preference is taken from."""

_NODES = np.linspace(-5.0, 5.0, 61)
_NORMAL = np.exp(-(_NODES**2) / 2) / np.exp(-(_NODES**2) / 2).sum()
_REPEATED = 50
"""Pairs with two votes or more from which people's agreement tells the scale."""

_WIDEST = 20.0
"""Spread of the strengths, in log-odds, beyond which people agree as good as always."""

_NARROWEST = 0.05
"""Spread below which votes are as good as by chance."""

_STEP = 1e-4

HOW = {
    "votes": "votes of the reference on the pair, log-odds ~ N(0, s^2), s by marginal likelihood",
    "models": "Bradley-Terry strengths of the models by the reference's votes on other prompts",
    "factors": "factor weights by the reference's votes on other prompts",
}
"""How each source tells the strength, by its name."""


@dataclass(frozen=True, eq=False)
class Strength:
    r"""What is known of people's log-odds for A, by pair.

    Attributes
    ----------
    source : {"votes", "models", "factors"}
    kind : ndarray of int, shape (pairs,)
        Which row of ``nodes`` a pair has; -1 where nothing is known.
    nodes, weights : ndarray, shape (kinds, Q)
        Points of the log-odds and their posterior probabilities, given people's votes alone.
    spread : float
        Standard deviation of the log-odds over pairs; NaN where points are known.
    slope : ndarray, shape (kinds,)
        Derivative of a kind's log-likelihood by ``log(spread)``.
    counted : tuple of ndarray
        Votes for A and for B of each kind.
    votes : Votes
        Of people.
    """

    source: Source
    kind: Codes
    nodes: Array
    weights: Array
    spread: float
    slope: Array
    counted: tuple[Array, Array]
    votes: Votes = field(repr=False)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which pairs have a strength."""
        return np.asarray(self.kind >= 0)

    def at_spread(self, spread: float) -> Strength:
        """Return the same votes under another spread of the strengths."""
        nodes, weights, slope = _posterior(*self.counted, spread)
        return replace(self, nodes=nodes, weights=weights, spread=spread, slope=slope)

    def within(self, pairs: NDArray[np.bool_]) -> Strength:
        """Return the strength of some pairs: votes have their own spread there.

        Raises
        ------
        DesignError
            No two people differ there.
        """
        kind = np.where(pairs, self.kind, -1)
        if self.source != "votes":
            return replace(self, kind=kind)
        times = np.bincount(kind[kind >= 0], minlength=len(self.slope))
        spread = _spread_or_refuse(*self.counted, times.astype(np.float64))
        return replace(self.at_spread(spread), kind=kind)

    def influence_of_spread(self, cluster: Codes) -> Array:
        """Return what each cluster adds to ``log(spread)``."""
        clusters = int(cluster.max(initial=-1)) + 1
        inside = self.known
        times = np.bincount(self.kind[inside], minlength=len(self.slope)).astype(np.float64)
        up, down = (
            times @ _posterior(*self.counted, self.spread * np.exp(step))[2]
            for step in (_STEP, -_STEP)
        )
        curvature = (down - up) / (2 * _STEP)
        sums = np.bincount(cluster[inside], self.slope[self.kind[inside]], clusters)
        return sums / curvature if curvature > 0 else np.full(clusters, np.nan)


def strength_of(
    data: PreferenceData,
    people: Sequence[str],
    *,
    source: Source | None = None,
    factors: Sequence[str] | None = None,
    folds: int = 5,
    seed: int = 0,
) -> Strength:
    """Return how strongly people prefer A on each pair.

    Parameters
    ----------
    data : PreferenceData
    people : sequence of str
        Annotators that are the reference.
    source : {"votes", "models", "factors"}, optional
        Factors where some are named, else votes where at least fifty pairs have two, else models
        where pairs name them, else factors.
    factors : sequence of str, optional
    folds, seed : int

    Raises
    ------
    DesignError
        Nothing that a strength could be taken from.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> names = data.annotators.loc[data.annotators["kind"] == "human", "annotator"]
    >>> found = strength_of(data, list(names))
    >>> found.source, bool(found.known.all())
    ('votes', True)
    """
    votes = votes_of(data, people)
    chosen = source or _first_source(data, votes, factors)
    if chosen == "votes":
        return _by_votes(votes)
    if chosen == "models":
        models = models_of(data, votes.n > 0)
        X = None if models is None else models.matrix()
    else:
        X = factor_matrix(data, list(factors) if factors else None) if data.factor_names else None
    if X is None:
        raise DesignError(
            f"The reference's strength cannot be taken from {chosen}.",
            found="no pair that names two models and that the reference judged"
            if chosen == "models"
            else "no factor",
            expected="what strength= names",
            fix="Name another source, or score factors first.",
        )
    return _by_columns(chosen, X, data.pairs["cluster"], votes, folds, seed)


def spread_by_likelihood(a: Array, b: Array, times: Array) -> float:
    """Return the spread of log-odds that makes votes likeliest; infinite where all agree.

    Examples
    --------
    >>> spread_by_likelihood(np.array([2.0, 0.0]), np.array([0.0, 2.0]), np.array([9.0, 9.0]))
    inf
    """

    def loss(log_spread: float) -> float:
        return -float(times @ _log_likelihood(a, b, float(np.exp(log_spread))))

    found = minimize_scalar(
        loss, bounds=(-5.0, np.log(_WIDEST)), method="bounded", options={"xatol": 1e-10}
    )
    spread = float(np.exp(found.x))
    return spread if spread < 0.99 * _WIDEST else float("inf")


def _first_source(data: PreferenceData, votes: Votes, factors: Sequence[str] | None) -> Source:
    if factors:
        return "factors"
    if int(votes.repeated.sum()) >= _REPEATED:
        return "votes"
    if models_of(data, votes.n > 0) is not None:
        return "models"
    if data.factor_names:
        return "factors"
    raise DesignError(
        "Nothing tells how strongly the reference prefers.",
        found=f"{int(votes.repeated.sum()):,} pairs with two of its votes, no names of models, "
        "no factors",
        expected=f"{_REPEATED} pairs with two votes, or pairs that name their models, or factors",
        fix="Have pairs judged by two of them, or score factors (workbench.score_factors).",
    )


def _by_votes(votes: Votes) -> Strength:
    use = votes.n > 0
    a, b = votes.a + votes.ties / 2, votes.b + votes.ties / 2
    table = np.round(np.column_stack([a, b])[use], 6)
    kinds, place, times = np.unique(table, axis=0, return_inverse=True, return_counts=True)
    kind = np.full(len(a), -1)
    kind[use] = place.ravel()
    counted = (kinds[:, 0], kinds[:, 1]) if len(kinds) else (np.zeros(0), np.zeros(0))
    spread = _spread_or_refuse(*counted, times.astype(np.float64))
    nodes, weights, slope = _posterior(*counted, spread)
    return Strength("votes", kind, nodes, weights, spread, slope, counted, votes)


def _spread_or_refuse(a: Array, b: Array, times: Array) -> float:
    repeated = (a + b > 1.5) & (times > 0)
    found = "no pair with two votes"
    if repeated.any():
        spread = spread_by_likelihood(a, b, times)
        if spread > _NARROWEST and np.isfinite(spread):
            return spread
        found = "two that never differ on a pair" if np.isinf(spread) else (
            "two that agree no more than by chance")  # fmt: skip
    raise DesignError(
        "Votes do not tell how strongly the reference prefers.",
        found=found,
        expected="pairs that two of the reference judged, some alike and some not",
        fix="Name another source of strength: strength='models' or 'factors'.",
    )


def _by_columns(
    source: Source, X: Array, cluster: pd.Series, votes: Votes, folds: int, seed: int
) -> Strength:
    """Return strengths by a ridge logit that has not seen the pair's cluster."""
    known = np.asarray(np.isfinite(X).all(axis=1))
    if cluster.nunique() < folds:
        refuse_few_prompts(int(cluster[votes.n > 0].nunique()), folds)
    fold = clusters_and_folds(cluster, folds, seed)[1]
    X = np.where(known[:, None], X, 0.0)
    weight = np.where(known, votes.n, 0.0)
    to_a = np.where(known, votes.a + votes.ties / 2, 0.0)
    z = np.full(len(X), np.nan)
    for f in range(folds):
        train = (fold != f).astype(np.float64)
        beta = fit_ridge(X, (weight * train)[:, None], (to_a * train)[:, None])
        z[fold == f] = X[fold == f] @ beta[0]
        if source == "models":
            # of a model without a vote on other prompts nothing is known, not that it is average
            untold = ~(np.abs(X) * (weight * train)[:, None]).any(axis=0)
            known &= ~((fold == f) & X[:, untold].any(axis=1))
    # a pair of which nothing is known but that it is even still tells of ties and of order
    z[~known] = np.nan
    points, place = np.unique(np.round(z[known], 12), return_inverse=True)
    kind = np.full(len(z), -1)
    kind[known] = place
    blank = np.zeros(len(points))
    return Strength(source, kind, points[:, None], np.ones((len(points), 1)), np.nan, blank,
                    (blank, blank), votes)  # fmt: skip


class Models(NamedTuple):
    """Which models wrote the responses of pairs that people's votes join.

    Attributes
    ----------
    names : list of str
    a, b : ndarray of int, shape (pairs,)
        Which of the names; -1 where a pair names none.
    known : ndarray of bool, shape (pairs,)
        Whether a chain of pairs that people judged joins the two: else nothing tells which is the
        stronger, and a ridge would call them equal.
    """

    names: list[str]
    a: Codes
    b: Codes
    known: NDArray[np.bool_]

    def matrix(self) -> Array:
        """Return 1 for the model of A and -1 for that of B, NaN where unknown."""
        X = np.zeros((len(self.a), len(self.names)))
        rows = np.flatnonzero(self.known)
        X[rows, self.a[rows]] += 1.0
        X[rows, self.b[rows]] -= 1.0
        X[~self.known] = np.nan
        return X


def models_of(data: PreferenceData, judged: NDArray[np.bool_]) -> Models | None:
    """Return the models of pairs; None where people judged no pair of two models."""
    a, b = (data.pairs[f"model_{side}"] for side in "ab")
    names = sorted({*a.dropna(), *b.dropna()})
    at = [np.asarray(pd.Index(names).get_indexer(side), dtype=np.int64) for side in (a, b)]
    there = (at[0] >= 0) & (at[1] >= 0)
    rows = np.flatnonzero(there & judged & (at[0] != at[1]))
    if not len(rows):
        return None
    beaten = csr_array((np.ones(len(rows)), (at[0][rows], at[1][rows])), shape=(len(names),) * 2)
    part = connected_components(beaten, directed=False)[1]
    return Models(names, at[0], at[1], there & (part[at[0]] == part[at[1]]))


def _log_likelihood(a: Array, b: Array, spread: float) -> Array:
    z = spread * _NODES
    terms = a[:, None] * log_expit(z) + b[:, None] * log_expit(-z)
    top = terms.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(terms - top) @ _NORMAL) + top[:, 0])


def _posterior(a: Array, b: Array, spread: float) -> tuple[Array, Array, Array]:
    """Return points, their posterior weights, and the derivative by the log of the spread."""
    z = spread * _NODES
    terms = a[:, None] * log_expit(z) + b[:, None] * log_expit(-z)
    weights = np.exp(terms - terms.max(axis=1, keepdims=True)) * _NORMAL
    weights /= weights.sum(axis=1, keepdims=True)
    up, down = (_log_likelihood(a, b, spread * np.exp(step)) for step in (_STEP, -_STEP))
    return np.broadcast_to(z, weights.shape).copy(), weights, (up - down) / (2 * _STEP)
