"""A family that a judge favours beyond what its slope on people's ratings of others explains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from workbench.calibration.instrument.judged import Judged
from workbench.calibration.instrument.strength import models_of
from workbench.calibration.instrument.verdicts import Said, sums_by
from workbench.clustered import Array, Codes, count_clusters, jackknife_error
from workbench.curate.margins import fit_ridge
from workbench.curate.votes import Votes
from workbench.intervals import NO_VARIATION, ONE_CLUSTER, correlation_ends

METHOD = (
    "mean of verdict minus that of a judge of its slope, in pairs of other models, on the "
    "reference's Bradley-Terry ratings; jackknife over groups of clusters, t"
)
NO_PAIR = "no pair of the family that both judged"
NO_SLOPE = "no pair of other models that tells its slope"

_GROUPS = 60
"""Clusters are left out in at most as many groups."""

_FEWEST_GROUPS = 10
_SHARPEST = 5.0
"""Slope beyond which ratings by people are noise beside those by the judge."""

_PASSES = 60
_STILL = 1e-10
_NOTHING = 1e-8
"""Error that is of Newton's method alone."""


class Sums(NamedTuple):
    """Verdicts of a judge, of all pairs and without each group: shapes (cells, 1 + groups).

    Attributes
    ----------
    pair : ndarray of int
        Row of the pair of each verdict.
    weight, score : ndarray
        Of verdicts, and of those for the first model.
    """

    pair: Codes
    weight: Array
    score: Array


class Favours:
    """People's ratings without each group of clusters, and what judges say beside them.

    Parameters
    ----------
    judged : Judged
    votes : Votes
        Of people.
    """

    def __init__(self, judged: Judged, votes: Votes) -> None:
        models = models_of(judged.data, votes.n > 0)
        self.reason: str | None = None
        if models is None:
            self.reason = "no pair that names two models and that the reference judged"
            return
        self.known = models.known & (votes.n > 0)
        used = np.flatnonzero(self.known)
        size = len(models.names)
        low, high = np.minimum(models.a, models.b), np.maximum(models.a, models.b)
        codes, first, place = np.unique(
            low[used] * size + high[used], return_index=True, return_inverse=True
        )
        self._first, self._turned = used[first], models.a > models.b
        self._cell = np.full(len(self.known), -1)
        self._cell[used] = place.ravel()
        self._cluster = judged.cluster
        own = np.unique(judged.cluster[used])
        self.groups = min(len(own), _GROUPS)
        self._group = np.searchsorted(own, judged.cluster) % max(self.groups, 1)
        cells = np.zeros((len(codes), size))
        np.add.at(cells, (np.arange(len(codes)), codes // size), 1.0)
        np.add.at(cells, (np.arange(len(codes)), codes % size), -1.0)
        share = (votes.a + votes.ties / 2)[used] / votes.n[used]
        beta = fit_ridge(cells, *self._both(used, votes.n[used], share))
        self._ratings = cells @ beta.T
        if (np.abs(cells).sum(axis=0) > 0).sum() < 3:
            self.reason = "two models: their distance is the slope"
        elif self.groups < _FEWEST_GROUPS:
            self.reason = f"fewer than {_FEWEST_GROUPS} clusters that the reference judged"

    def sums(self, said: Said) -> Sums | None:
        """Return the verdicts of a judge by cell; None where nothing can be told of any judge."""
        if self.reason is not None:
            return None
        rows = self.known[said.pair]
        pair = said.pair[rows]
        return Sums(pair, *self._both(pair, said.weight[rows], said.side[rows] / 2))

    def row(self, sums: Sums | None, side: Array, level: float) -> dict[str, Any]:
        """Return by how much a judge favours a family.

        Parameters
        ----------
        sums : Sums
            Of this judge (:meth:`sums`).
        side : ndarray, shape (pairs,)
            1 where A alone is of the family, -1 where B alone is, else 0.
        level : float
        """
        blank = {"estimate": np.nan, "n": 0, "method": METHOD}
        if sums is None:
            return {**blank, "reason": self.reason}
        inside = sums.pair[side[sums.pair] != 0]
        if not len(inside):
            return {**blank, "reason": NO_PAIR}
        clusters = count_clusters(self._cluster[inside])
        # pairs, as in the plain difference, not verdicts
        blank |= {"n": count_clusters(inside), "n_clusters": clusters}
        touched = count_clusters(self._group[inside])
        if touched < 2:
            return {**blank, "reason": ONE_CLUSTER}
        turned = np.where(self._turned, -side, side)[self._first]
        # the family's own pairs would take its favour for a part of the slope
        ratings, weight, score = (one[turned == 0] for one in (self._ratings, *sums[1:]))
        if not (((ratings != 0) * weight).sum(axis=0) > _NOTHING).all():
            return {**blank, "reason": NO_SLOPE}
        held = expit(_slopes(ratings, weight, score) * self._ratings)
        values = turned @ (sums.score - sums.weight * held) / (np.abs(turned) @ sums.weight)
        return {**blank, **_jackknifed(values, touched, level)}

    def _both(self, pair: Codes, weight: Array, for_a: Array) -> tuple[Array, Array]:
        """Return weights, and those for the first of the two models, by cell and group."""
        for_first = np.where(self._turned[pair], 1 - for_a, for_a)
        return self._without(pair, weight), self._without(pair, weight * for_first)

    def _without(self, pair: Codes, values: Array) -> Array:
        """Return sums by cell of all rows, then without each group, shape (cells, 1 + groups)."""
        cells = len(self._first)
        at = self._cell[pair] * self.groups + self._group[pair]
        parts = sums_by(at, values, cells * self.groups).reshape(cells, self.groups)
        whole = parts.sum(axis=1, keepdims=True)
        return np.hstack([whole, whole - parts])


def sides_of(members: Sequence[str], names: Sequence[Any]) -> Array:
    """Return 1 where A alone is of a family, -1 where B alone is, else 0; both have to be named."""
    a, b = (side.isin(members).to_numpy(bool) for side in names)
    both = (names[0].notna() & names[1].notna()).to_numpy(bool)
    return np.where(both, a.astype(np.float64) - b.astype(np.float64), 0.0)


def _slopes(ratings: Array, weight: Array, score: Array) -> Array:
    """Return the likeliest slope of each column between 0 and the sharpest, by Newton's method."""
    # that of all pairs is close to those without a group
    whole = _newton(np.ones(1), ratings[:, :1], weight[:, :1], score[:, :1])
    return _newton(np.full(ratings.shape[1], whole[0]), ratings, weight, score)


def _newton(slope: Array, ratings: Array, weight: Array, score: Array) -> Array:
    for _ in range(_PASSES):
        p = expit(slope * ratings)
        gradient = (ratings * (score - weight * p)).sum(axis=0)
        curvature = (weight * p * (1 - p) * ratings**2).sum(axis=0) + 1e-9
        new = np.clip(slope + np.clip(gradient / curvature, -1.0, 1.0), 0.0, _SHARPEST)
        if np.abs(new - slope).max() < _STILL:
            break
        slope = new
    return np.asarray(slope)


def _jackknifed(values: Array, touched: int, level: float) -> dict[str, Any]:
    """Return the first value with the error that the others, each without a group, tell."""
    estimate, error = float(values[0]), float(jackknife_error(values[1:]))
    if not error > _NOTHING or abs(estimate) >= 1:
        return {"estimate": estimate, "reason": NO_VARIATION}
    # groups without a pair of the family tell next to nothing of the error
    low, high, p = correlation_ends(estimate, error, touched, level)
    return {"estimate": estimate, "std_error": error, "conf_low": low, "conf_high": high,
            "p_value": p, "reason": None}  # fmt: skip
