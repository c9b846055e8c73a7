"""A family that a judge favours beyond what its own slope on people's ratings explains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import t

from workbench.calibration.instrument.judged import Judged
from workbench.calibration.instrument.strength import model_matrix
from workbench.calibration.instrument.verdicts import Said, sums_by
from workbench.clustered import Array, Codes
from workbench.curate.margins import fit_ridge
from workbench.curate.votes import Votes

METHOD = (
    "mean of verdict minus that of a judge of its own slope on people's Bradley-Terry ratings; "
    "jackknife over groups of clusters, t"
)
_GROUPS = 60
"""Clusters are left out in at most as many groups."""

_FEWEST_GROUPS = 10
_SHARPEST = 5.0
"""Slope beyond which ratings by people are noise beside those by the judge."""

_PASSES = 60
_STILL = 1e-10


class Favours:
    """People's ratings without each group of clusters, and what judges say beside them.

    Parameters
    ----------
    judged : Judged
    votes : Votes
        Of people.
    """

    def __init__(self, judged: Judged, votes: Votes) -> None:
        matrix = model_matrix(judged.data, votes.n > 0)
        self.reason: str | None = None
        if matrix is None:
            self.reason = "no pair that names two models and that people judged"
            return
        self.known: NDArray[np.bool_] = np.isfinite(matrix).all(axis=1) & (votes.n > 0)
        cells, place = np.unique(matrix[self.known], axis=0, return_inverse=True)
        self._cell = np.full(len(matrix), -1)
        self._cell[self.known] = place.ravel()
        own = np.unique(judged.cluster[self.known])
        self.groups = min(len(own), _GROUPS)
        self._group = np.searchsorted(own, judged.cluster) % max(self.groups, 1)
        used = np.flatnonzero(self.known)
        weight, to_a = votes.n[used], (votes.a + votes.ties / 2)[used]
        self._cells = len(cells)
        beta = fit_ridge(cells, self._without(used, weight), self._without(used, to_a))
        self._ratings = cells @ beta.T
        if (np.abs(cells).sum(axis=0) > 0).sum() < 3:
            self.reason = "two models: their distance is the slope"
        elif self.groups < _FEWEST_GROUPS:
            self.reason = f"fewer than {_FEWEST_GROUPS} clusters that people judged"

    def expected(self, said: Said) -> Array:
        """Return the mean verdict by people's ratings and the judge's slope on them, by cell."""
        if self.reason is not None:
            return np.zeros((0, 0))
        rows = self.known[said.pair]
        pair, weight = said.pair[rows], said.weight[rows]
        score = weight * said.side[rows] / 2
        slope = _slopes(self._ratings, self._without(pair, weight), self._without(pair, score))
        return np.asarray(expit(slope * self._ratings))

    def row(self, said: Said, expected: Array, side: Array, level: float) -> dict[str, Any]:
        """Return by how much a judge favours a family.

        Parameters
        ----------
        said : Said
        expected : ndarray
            Of this judge (:meth:`expected`).
        side : ndarray, shape (pairs,)
            1 where A alone is of the family, -1 where B alone is, else 0.
        level : float
        """
        blank = {"estimate": np.nan, "n": 0, "method": METHOD}
        if self.reason is not None:
            return {**blank, "reason": self.reason}
        rows = self.known[said.pair] & (side[said.pair] != 0)
        pair, weight = said.pair[rows], said.weight[rows]
        n = len(pair)
        if not n:
            return {**blank, "reason": "no pair of the family that both judged"}
        score, turned = weight * said.side[rows] / 2, side[pair]
        total = self._without(pair, weight).sum(axis=0)
        if not (total > 0).all():
            return {**blank, "n": n, "reason": "all pairs of the family are in one group"}
        mine, held = (self._without(pair, turned * part) for part in (score, weight))
        return {**_jackknifed((mine - held * expected).sum(axis=0) / total, level), "n": n,
                "method": METHOD}  # fmt: skip

    def _without(self, pair: Codes, values: Array) -> Array:
        """Return sums by cell of all rows, then without each group, shape (cells, 1 + groups)."""
        at = self._cell[pair] * self.groups + self._group[pair]
        parts = sums_by(at, values, self._cells * self.groups).reshape(self._cells, self.groups)
        whole = parts.sum(axis=1, keepdims=True)
        return np.hstack([whole, whole - parts])


def sides_of(members: Sequence[str], names: Sequence[Any]) -> Array:
    """Return 1 where A alone is of a family, -1 where B alone is, else 0."""
    a, b = (side.isin(members).to_numpy(bool) for side in names)
    return np.asarray(a.astype(np.float64) - b.astype(np.float64))


def _slopes(ratings: Array, weight: Array, score: Array) -> Array:
    """Return the likeliest slope of each column between 0 and the sharpest, by Newton's method."""
    slope = np.ones(ratings.shape[1])
    for _ in range(_PASSES):
        p = expit(slope * ratings)
        gradient = (ratings * (score - weight * p)).sum(axis=0)
        curvature = (weight * p * (1 - p) * ratings**2).sum(axis=0) + 1e-9
        new = np.clip(slope + np.clip(gradient / curvature, -1.0, 1.0), 0.0, _SHARPEST)
        if np.abs(new - slope).max() < _STILL:
            break
        slope = new
    return np.asarray(slope)


def _jackknifed(values: Array, level: float) -> dict[str, Any]:
    """Return the first value with the error that the others, each without a group, tell."""
    estimate, without = float(values[0]), values[1:]
    g = len(without)
    error = float(np.sqrt((g - 1) / g * ((without - without.mean()) ** 2).sum()))
    if not error > 1e-12 or abs(estimate) >= 1:
        return {"estimate": estimate, "reason": "no variation between clusters"}
    # on Fisher's scale an interval stays between -1 and 1
    reach = float(t.ppf(0.5 + level / 2, g - 1)) * error / (1 - estimate**2)
    middle = np.arctanh(estimate)
    return {
        "estimate": estimate, "std_error": error, "conf_low": float(np.tanh(middle - reach)),
        "conf_high": float(np.tanh(middle + reach)),
        "p_value": 2 * float(t.sf(abs(middle) / (error / (1 - estimate**2)), g - 1)),
        "n_clusters": g, "reason": None,
    }  # fmt: skip
