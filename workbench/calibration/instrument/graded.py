"""Discrimination of judges that grade: graded response by the likelihood of pairs of judges."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from workbench.calibration.instrument.grades import Grades
from workbench.calibration.instrument.verdicts import sums_by
from workbench.clustered import Array

_NODES = np.linspace(-4.5, 4.5, 31)
_NORMAL = np.exp(-(_NODES**2) / 2) / np.exp(-(_NODES**2) / 2).sum()
_STEP = 1e-4
_STEEPEST = 12.0
_AT_END = 1e-3

NO_END = "it follows another judge: the slope has no end"
TWO_ALONE = "which of two judges is the sharper cannot be told without a third"


def discriminations(grades: Grades, counts: Array) -> tuple[Array, Array] | None:
    r"""Return how sharply judges tell qualities apart, and what each cluster adds.

    .. math:: P(x_{ij} \ge k) = \sigma(a_j \theta_i - c_{jk}),\qquad \theta_i \sim N(0, 1)

    The thresholds of a judge are those that give its grades their shares; the slopes maximise
    the product, over pairs of judges and items, of the probability of the two grades, by
    quadrature over 31 points. The table of two judges' grades is all that it needs.

    Parameters
    ----------
    grades : Grades
    counts : ndarray, shape (judges, judges, K, K)

    Returns
    -------
    slopes : ndarray, shape (judges,)
        NaN where the likeliest has no end.
    influence : ndarray, shape (clusters, judges)
        None of both where the pairs of judges cannot tell.

    References
    ----------
    Samejima (1969); Katsikatsou, Moustaki, Yang-Wallentin and Joreskog (2012), CSDA 56.
    """
    J = counts.shape[0]
    shared = (counts.sum(axis=(2, 3)) > 0).astype(np.float64)
    # slopes are told by odd rounds of judges: by products of two alone they are not
    least = np.linalg.eigvalsh(shared + np.diag(shared.sum(axis=1)))[0]
    if J < 3 or least < 1e-9:
        return None
    at_least = _shares(grades)

    def loss(a: Array) -> tuple[float, Array]:
        value, gradient = _composite(a, at_least, counts)
        return -value / counts.sum(), -gradient / counts.sum()

    found = minimize(loss, np.ones(J), jac=True, method="L-BFGS-B",
                     bounds=[(-_STEEPEST, _STEEPEST)] * J,
                     options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-8})  # fmt: skip
    a = found.x if found.x.sum() >= 0 else -found.x
    ends = np.abs(a) < _STEEPEST - _AT_END
    inside, rows = np.flatnonzero(ends), []
    for j in inside:
        moved = np.zeros(J)
        moved[j] = _STEP
        up, down = (_composite(a + s * moved, at_least, counts)[1] for s in (1, -1))
        rows.append((down - up)[inside] / (2 * _STEP))
    information = np.array(rows).reshape(len(inside), len(inside))
    information = (information + information.T) / 2
    if len(inside) and np.linalg.eigvalsh(information)[0] <= 1e-8 * np.trace(information):
        return None
    sums, share = _cluster_sums(grades, a, at_least, counts)
    influence = np.full(sums.shape, np.nan)
    influence[:, inside] = sums[:, inside] @ np.linalg.inv(information) / np.sqrt(share)
    return np.where(ends, a, np.nan), influence


def _shares(grades: Grades) -> Array:
    """Return the share of each judge's grades at or above each, shape (judges, K - 1)."""
    K = len(grades.values)
    found = []
    for col in grades.category.T:
        n = np.bincount(col[col >= 0], minlength=K).astype(np.float64)
        # an empty grade has its place at the edge of its neighbours
        found.append(np.cumsum((n / n.sum())[::-1])[::-1][1:])
    return np.asarray(np.clip(np.array(found), 1e-9, 1 - 1e-9))


def _thresholds(a: Array, at_least: Array) -> Array:
    """Return c with mean of logistic(a theta - c) the shares, by Newton from the odds."""
    spread = np.sqrt(1 + 0.35 * a**2)[:, None]
    c = -np.log(at_least / (1 - at_least)) * spread
    for _ in range(60):
        p = expit(a[:, None, None] * _NODES - c[:, :, None])
        off = p @ _NORMAL - at_least
        slope = np.maximum((p * (1 - p)) @ _NORMAL, 1e-12)
        step = np.clip(off / slope, -3, 3)
        c = c + step
        if np.abs(step).max() < 1e-11:
            break
    return np.asarray(c)


def _chances(a: Array, at_least: Array) -> Array:
    """Return P(grade | quality), shape (judges, K, Q)."""
    c = _thresholds(a, at_least)
    p = expit(a[:, None, None] * _NODES - c[:, :, None])
    edge = np.ones((len(a), 1, len(_NODES)))
    above = np.concatenate([edge, p, 0 * edge], axis=1)
    return np.asarray(np.maximum(above[:, :-1] - above[:, 1:], 1e-300))


def _both(a: Array, at_least: Array) -> tuple[Array, Array, Array]:
    """Return chances, their derivatives by the slope, and those of two grades together."""
    P = _chances(a, at_least)
    D = (_chances(a + _STEP, at_least) - _chances(a - _STEP, at_least)) / (2 * _STEP)
    J, K, Q = P.shape
    flat = P.reshape(J * K, Q)
    joint = ((flat * _NORMAL) @ flat.T).reshape(J, K, J, K).transpose(0, 2, 1, 3)
    return P, D, np.maximum(joint, 1e-300)


def _composite(a: Array, at_least: Array, counts: Array) -> tuple[float, Array]:
    P, D, joint = _both(a, at_least)
    value = float((counts * np.log(joint)).sum()) / 2
    ratio = counts / joint
    J, K, Q = P.shape
    mixed = ratio.transpose(0, 2, 1, 3).reshape(J * K, J * K) @ P.reshape(J * K, Q)
    gradient = (D.reshape(J * K, Q) * mixed * _NORMAL).sum(axis=1).reshape(J, K).sum(axis=1)
    return value, gradient


def _cluster_sums(grades: Grades, a: Array, at_least: Array, counts: Array) -> tuple[Array, float]:
    """Return the scores of clusters with what their grades add to the thresholds."""
    rows, share = grades.sample()
    category, cluster = grades.category[rows], grades.cluster[rows]
    P, D, joint = _both(a, at_least)
    J, K, Q = P.shape
    by_a = ((D * _NORMAL).reshape(J * K, Q) @ P.reshape(J * K, Q).T).reshape(J, K, J, K)
    table = by_a.transpose(0, 2, 1, 3) / joint
    scores = np.zeros((len(rows), J))
    for j in range(J):
        for k in range(J):
            if k == j:
                continue
            both = np.flatnonzero((category[:, j] >= 0) & (category[:, k] >= 0))
            scores[both, j] += table[j, k, category[both, j], category[both, k]]
    for j in range(J):
        n = float((grades.category[:, j] >= 0).sum())
        there = category[:, j] >= 0
        for k in range(K - 1):
            moved = at_least.copy()
            step = 1e-4 * at_least[j, k] * (1 - at_least[j, k])
            if step < 1e-9:
                continue
            moved[j, k] += step
            up = _composite(a, moved, counts)[1]
            moved[j, k] -= 2 * step
            slope = (up - _composite(a, moved, counts)[1]) / (2 * step)
            own = there * ((category[:, j] > k) - at_least[j, k]) / n
            scores += own[:, None] * slope
    clusters = grades.clusters
    return np.column_stack([sums_by(cluster, col, clusters) for col in scores.T]), share
