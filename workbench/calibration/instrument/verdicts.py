"""Verdicts of a judge as an ordered logit of people's strength: slope, ties, order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from workbench.calibration.instrument.strength import Strength
from workbench.clustered import Array, Codes

ALL_TIES = "every verdict is a tie"
ALWAYS_FIRST = "every verdict is for the same place in the order"
SEPARATED = "the strength separates the verdicts: the slope has no end"
NO_ORDER = "the order shown is not recorded"
NO_TIE = "no verdict is a tie"
NO_LABEL = "no verdict on a pair of which the reference's strength is known"
FLAT = "the verdicts do not tell it"

_PASSES = 100
_FAR = 30.0
_STEP = 1e-5
_TINY = 1e-300


class Said(NamedTuple):
    """Verdicts, one row each.

    Attributes
    ----------
    pair : ndarray of int
        Row of the pair.
    order : ndarray of int
        1 where A was shown first, -1 where B, 0 where nobody says.
    side : ndarray of int
        0 for B, 1 for a tie, 2 for A.
    weight : ndarray
    """

    pair: Codes
    order: Codes
    side: Codes
    weight: Array

    def take(self, rows: NDArray[np.bool_]) -> Said:
        """Return some of the verdicts."""
        return Said(self.pair[rows], self.order[rows], self.side[rows], self.weight[rows])


@dataclass(frozen=True, eq=False)
class Fit:
    """What the verdicts of one judge say.

    Attributes
    ----------
    value : ndarray, shape (3,)
        Slope on people's log-odds, log of the threshold of a tie, log-odds of the first shown; NaN
        where undefined.
    influence : ndarray, shape (clusters, 3)
        First-order change of each value due to a cluster.
    reasons : tuple of str or None
        Why a value is undefined.
    share : ndarray, shape (clusters,)
        Labels of each cluster, by weight.
    n : float
        Labels.
    misfit : dict of str to tuple
        Infit and outfit: value and influence by cluster.
    """

    value: Array
    influence: Array
    reasons: tuple[str | None, ...]
    share: Array
    n: float
    misfit: dict[str, tuple[float, Array]]


def fit_verdicts(said: Said, strength: Strength, cluster: Codes) -> Fit:
    r"""Fit the ordered logit of a judge's verdicts on people's log-odds z.

    .. math:: P(A) = \sigma(\eta - \tau),\quad P(B) = \sigma(-\eta - \tau),\quad
              \eta = a z + b\,o

    with o = 1 where A was shown first and -1 where B was, averaged over the posterior of z.

    Parameters
    ----------
    said : Said
    strength : Strength
    cluster : ndarray of int, shape (pairs,)

    Notes
    -----
    Exchanging A and B turns z, o and the verdict, and changes nothing. Verdicts of one pair count
    as independent given z in the estimate, and not in the error, which is over clusters and
    holds that of the spread of z.
    """
    known = strength.known[said.pair]
    if not known.all():
        said = said.take(known)
    clusters = int(cluster.max(initial=-1)) + 1
    code = cluster[said.pair]
    share = sums_by(code, said.weight, clusters)
    reason = _undefined(said)
    if reason is not None:
        return _no_fit(reason, share, len(said.pair))
    kind = strength.kind[said.pair]
    own = 3 * kind + said.order + 1
    # counted, not sorted: kinds are few, or one a pair
    present = np.bincount(own, minlength=3 * len(strength.nodes)) > 0
    units, unit = np.flatnonzero(present), (np.cumsum(present) - 1)[own]
    counts = sums_by(3 * unit + said.side, said.weight, 3 * len(units)).reshape(-1, 3)
    at, order = units // 3, (units % 3 - 1).astype(np.float64)
    z, w = strength.nodes[at], strength.weights[at]
    active = np.array([True, counts[:, 1].any(), bool((order != 0).any())])
    value = _maximum(z, w, order, counts, active)
    if value is None:
        return _no_fit(SEPARATED, share, len(said.pair))
    scores = _scores(value, z, w, order)[1]
    information = _information(value, z, w, order, counts, active)
    if information is None:
        return _no_fit(FLAT, share, len(said.pair))
    cell = 3 * unit + said.side
    sums = np.column_stack(
        [sums_by(code, said.weight * scores.reshape(-1, 3)[cell, k], clusters)
         for k in range(3)]
    )  # fmt: skip
    if strength.source == "votes":
        sums = (
            sums
            + _by_spread(value, strength, at, order, counts)[None, :]
            * (strength.influence_of_spread(cluster)[:, None])
        )
    influence = np.zeros((clusters, 3))
    influence[:, active] = sums[:, active] @ np.linalg.inv(information)
    reasons = (None, None if active[1] else NO_TIE, None if active[2] else NO_ORDER)
    misfit = _misfit(value, z, w, order, said, unit, code, clusters)
    return Fit(np.where(active, value, np.nan), influence, reasons, share, float(len(said.pair)),
               misfit)  # fmt: skip


def sums_by(codes: Codes, values: Array, size: int) -> Array:
    """Return sums of values by code, shape (size,).

    Examples
    --------
    >>> sums_by(np.array([0, 2, 0]), np.array([1.0, 2.0, 3.0]), 3).tolist()
    [4.0, 0.0, 2.0]
    """
    return np.asarray(np.bincount(codes, values, size), dtype=np.float64)


def _undefined(said: Said) -> str | None:
    if not len(said.pair):
        return NO_LABEL
    if (said.side == 1).all():
        return ALL_TIES
    place = (said.side - 1) * said.order
    if (
        (said.order != 0).all()
        and len(np.unique(place[said.side != 1])) == 1
        and (len(np.unique(said.order)) > 1)
    ):
        return ALWAYS_FIRST
    return None


def _no_fit(reason: str, share: Array, n: int) -> Fit:
    nothing = np.full(len(share), np.nan)
    return Fit(np.full(3, np.nan), np.full((len(share), 3), np.nan), (reason,) * 3, share,
               float(n), dict.fromkeys(("infit", "outfit"), (np.nan, nothing)))  # fmt: skip


def _chances(value: Array, z: Array, w: Array, order: Array) -> tuple[Array, Array]:
    """Return P(B, tie, A) of each unit, and its derivatives: shapes (units, 3), (units, 3, 3)."""
    slope, tau = value[0], np.exp(value[1]) if np.isfinite(value[1]) else 0.0
    eta = slope * z + (value[2] * order)[:, None]
    up, down = expit(eta - tau), expit(-eta - tau)
    f_up, f_down = up * (1 - up), down * (1 - down)
    chance = np.empty((len(z), 3))
    chance[:, 2], chance[:, 0] = (w * up).sum(axis=1), (w * down).sum(axis=1)
    # a difference of large and nearly equal numbers would lose the tie
    between = (1 - np.exp(-2 * tau)) * expit(eta + tau) * expit(tau - eta)
    chance[:, 1] = (w * between).sum(axis=1)
    by = np.empty((len(z), 3, 3))
    for k, d_eta, d_tau in ((2, f_up, -f_up), (0, -f_down, -f_down)):
        by[:, k, 0] = (w * d_eta * z).sum(axis=1)
        by[:, k, 1] = tau * (w * d_tau).sum(axis=1)
        by[:, k, 2] = order * (w * d_eta).sum(axis=1)
    # without a threshold no verdict is a tie, and rounding must not say that one might be
    by[:, 1] = -by[:, 0] - by[:, 2] if tau > 0 else 0.0
    return np.maximum(chance, _TINY), by


def _scores(value: Array, z: Array, w: Array, order: Array) -> tuple[Array, Array]:
    chance, by = _chances(value, z, w, order)
    return chance, by / chance[:, :, None]


def _maximum(
    z: Array, w: Array, order: Array, counts: Array, active: NDArray[np.bool_]
) -> Array | None:
    """Return the likeliest values by Fisher scoring; None where there is no maximum."""
    total = counts.sum()
    tied = counts[:, 1].sum() / total
    value = np.array([0.5, np.log(2 * np.arctanh(min(tied, 0.999))) if active[1] else -np.inf, 0.0])
    chance, scores = _scores(value, z, w, order)
    reached = float((counts * np.log(chance)).sum())
    farthest = float(np.abs(z).max(initial=0.0)) or 1.0
    for _ in range(_PASSES):
        gradient = np.einsum("uc,uck->k", counts, scores)[active]
        expected = np.einsum("u,uck,ucl,uc->kl", counts.sum(axis=1), scores, scores, chance)
        inside = expected[np.ix_(active, active)]
        ridge = 1e-10 * np.trace(inside) * np.eye(len(inside))
        step = np.zeros(3)
        step[active] = np.linalg.solve(inside + ridge, gradient)
        size = 1.0
        while size > 1e-6:
            tried = value + size * np.where(active, step, 0.0)
            chance, scores = _scores(tried, z, w, order)
            likely = float((counts * np.log(chance)).sum())
            if likely >= reached - 1e-9 * abs(reached):
                break
            size /= 2
        value, reached = tried, likely
        if abs(value[0]) * farthest > 10 * _FAR or abs(value[2]) > _FAR or value[1] > 4:
            return None
        if np.abs(step[active]).max() < 1e-8:
            return value
    return value if np.abs(step[active]).max() < 1e-4 else None


def _gradient(value: Array, z: Array, w: Array, order: Array, counts: Array) -> Array:
    return np.asarray(np.einsum("uc,uck->k", counts, _scores(value, z, w, order)[1]))


def _information(
    value: Array, z: Array, w: Array, order: Array, counts: Array, active: NDArray[np.bool_]
) -> Array | None:
    """Return the observed information on the active values; None where it is not positive."""
    rows = []
    for k in np.flatnonzero(active):
        moved = np.zeros(3)
        moved[k] = _STEP
        up, down = (_gradient(value + s * moved, z, w, order, counts)[active] for s in (1, -1))
        rows.append((down - up) / (2 * _STEP))
    matrix = np.array(rows)
    matrix = (matrix + matrix.T) / 2
    values = np.linalg.eigvalsh(matrix)
    return matrix if values[0] > 1e-9 * max(values[-1], 1.0) else None


def _by_spread(value: Array, strength: Strength, at: Codes, order: Array, counts: Array) -> Array:
    """Return the derivative of the sum of scores by the log of the spread of strengths."""
    up, down = (strength.at_spread(strength.spread * np.exp(s * 1e-4)) for s in (1, -1))
    sums = [_gradient(value, s.nodes[at], s.weights[at], order, counts) for s in (up, down)]
    return np.asarray((sums[0] - sums[1]) / 2e-4)


def _misfit(
    value: Array, z: Array, w: Array, order: Array, said: Said, unit: Codes, code: Codes,
    clusters: int,
) -> dict[str, tuple[float, Array]]:  # fmt: skip
    r"""Return infit :math:`\sum (y - E)^2 / \sum V` and outfit, the mean of the ratios."""
    chance = _chances(value, z, w, order)[0]
    expected = chance[:, 2] + chance[:, 1] / 2
    variance = np.maximum(chance[:, 2] + chance[:, 1] / 4 - expected**2, 1e-12)
    square = (said.side / 2 - expected[unit]) ** 2
    spread, weight = variance[unit], said.weight
    infit = float((weight * square).sum() / (weight * spread).sum())
    outfit = float((weight * square / spread).sum() / weight.sum())
    pulls = (weight * (square - infit * spread) / (weight * spread).sum(),
             weight * (square / spread - outfit) / weight.sum())  # fmt: skip
    return {
        name: (found, sums_by(code, pull, clusters))
        for name, found, pull in zip(("infit", "outfit"), (infit, outfit), pulls, strict=True)
    }
