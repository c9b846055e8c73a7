"""Severity of judges: the many-facet Rasch model by pairwise conditional likelihood."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.calibration.instrument.grades import Grades
from workbench.calibration.instrument.verdicts import sums_by
from workbench.clustered import Array

_PASSES = 100
_NOTHING = 1e-12
"""Information for each label below which a step cannot be told."""

_LEAST = 1e-5
"""Information of a pair of grades below which they do not tell."""

Upper = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The two judges of each pair of judges."""


class Severity(NamedTuple):
    """Severities of judges, their mean 0.

    Attributes
    ----------
    value : ndarray, shape (judges,)
    influence : ndarray, shape (clusters, judges)
    infit, outfit : ndarray, shape (judges,)
    fit_influence : ndarray, shape (clusters, 2, judges)
    """

    value: Array
    influence: Array
    infit: Array
    outfit: Array
    fit_influence: Array


def severities(grades: Grades, counts: Array) -> Severity | None:
    r"""Return how severe judges are, in log-odds from one grade to the next.

    .. math:: \log \frac{P(x_{ij} = k)}{P(x_{ij} = k - 1)} = \theta_i - s_j - \tau_k

    Given the sum of the grades of two judges for an item, its quality :math:`\theta_i` drops
    out, and each grade has a distribution of :math:`s_j - s_l` and the thresholds alone; the
    product over items and pairs of judges is maximised.

    Parameters
    ----------
    grades : Grades
    counts : ndarray, shape (judges, judges, K, K)

    Returns
    -------
    Severity, or None
        None where grades differ too little to tell.

    Notes
    -----
    Joint maximum likelihood is biased by the number of judges (for two, twofold); the conditional
    likelihood is not, asks for no distribution of qualities, and grades may lack. Errors are
    over clusters, of the composite likelihood (Varin, Reid and Firth 2011).

    References
    ----------
    Linacre (1989), Many-facet Rasch measurement; Zwinderman (1995), pairwise estimation.
    """
    J, K = counts.shape[0], counts.shape[2]
    x = np.arange(K, dtype=np.float64)
    total = np.add.outer(np.arange(K), np.arange(K))
    inner = np.zeros((K, K, max(K - 2, 0)))
    for k in range(1, K - 1):
        inner[k, :, k - 1] -= 1
        inner[:, k, k - 1] -= 1
    theta = np.zeros(J + max(K - 2, 0))
    first, second = np.triu_indices(J, 1)
    upper: Upper = (first.astype(np.int64), second.astype(np.int64))
    N = counts[upper]
    n_r = _by_total(N, total)
    for _ in range(_PASSES):
        P = _given_total(theta, J, upper, x, inner, total)
        gradient, information = _moments(P, N, n_r, J, upper, x, inner, total)
        size = np.trace(information) / len(theta)
        # grades that run to infinity leave no information on anything
        if not size > _NOTHING * N.sum():
            return None
        ridge = 1e-9 * size * np.eye(len(theta))
        ridge[:J, :J] += size / J
        step = np.clip(np.linalg.solve(information + ridge, gradient), -2, 2)
        theta = theta + step
        if np.abs(step).max() < 1e-10:
            break
    # one direction is free by design: all severities and qualities may move together
    told = np.linalg.eigvalsh(information)[1] if len(theta) > 1 else 0.0
    if told < _LEAST * N.sum() / len(theta) or np.abs(step).max() > 1e-3:
        return None
    theta[:J] -= theta[:J].mean()
    inverse = np.linalg.inv(information + ridge)
    scores, squares, spreads, ratios, times = _scores(grades, P, J, upper, x, inner, total)
    rows, share = grades.sample()
    clusters = grades.clusters
    sums = np.column_stack([sums_by(grades.cluster[rows], col, clusters) for col in scores.T])
    influence = (sums @ inverse)[:, :J] / np.sqrt(share)
    influence -= influence.mean(axis=1, keepdims=True)
    infit = _ratio(squares.sum(axis=0), spreads.sum(axis=0))
    outfit = _ratio(ratios.sum(axis=0), times.sum(axis=0))
    pulls = [_ratio(squares - infit * spreads, spreads.sum(axis=0)),
             _ratio(ratios - outfit * times, times.sum(axis=0))]  # fmt: skip
    fit = np.stack([
        np.column_stack([sums_by(grades.cluster[rows], col, clusters) for col in pull.T])
        for pull in pulls
    ], axis=1)  # fmt: skip
    return Severity(theta[:J], influence, infit, outfit, fit * np.sqrt(share))


def _ratio(a: Array, b: Array) -> Array:
    return np.asarray(np.divide(a, b, out=np.full(a.shape, np.nan), where=b > 0))


def _given_total(theta: Array, J: int, upper: Upper, x: Array, inner: Array, total: Array) -> Array:
    """Return P(x, y | x + y) of each pair of judges, shape (pairs, K, K)."""
    s = theta[:J]
    A = -s[upper[0]][:, None, None] * x[:, None] - s[upper[1]][:, None, None] * x
    A = A + inner @ theta[J:]
    A = np.exp(A - A.max(axis=(1, 2), keepdims=True))
    return np.asarray(A / _by_total(A, total)[:, total])


def _by_total(table: Array, total: Array) -> Array:
    """Return sums of cells by the sum of both grades, shape (pairs, 2 K - 1)."""
    found = np.zeros((len(table), int(total.max()) + 1))
    for r in range(found.shape[1]):
        found[:, r] = table[:, total == r].sum(axis=1)
    return found


def _moments(
    P: Array, N: Array, n_r: Array, J: int, upper: Upper, x: Array, inner: Array,
    total: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """Return gradient and information of the composite likelihood."""
    W = P * n_r[:, total]
    left = N - W
    gradient = np.zeros(J + inner.shape[2])
    by_x = -(left * x[:, None]).sum(axis=(1, 2))
    by_y = -(left * x).sum(axis=(1, 2))
    np.add.at(gradient, upper[0], by_x)
    np.add.at(gradient, upper[1], by_y)
    gradient[J:] = np.einsum("pxy,xyk->k", left, inner)
    mean_x = _by_total(P * x[:, None], total)
    spread = (W * x[:, None] ** 2).sum(axis=(1, 2)) - (n_r * mean_x**2).sum(axis=1)
    information = np.zeros((len(gradient), len(gradient)))
    np.add.at(information, (upper[0], upper[0]), spread)
    np.add.at(information, (upper[1], upper[1]), spread)
    np.add.at(information, (upper[0], upper[1]), -spread)
    np.add.at(information, (upper[1], upper[0]), -spread)
    if inner.shape[2]:
        means = np.stack([_by_total(P * inner[:, :, k], total) for k in range(inner.shape[2])], -1)
        weighted = n_r[:, :, None] * means
        information[J:, J:] = np.einsum("pxy,xyk,xyl->kl", W, inner, inner, optimize=True) - (
            np.einsum("prk,prl->kl", weighted, means)
        )
        cross = np.einsum("pxy,x,xyk->pk", W, x, inner, optimize=True) - np.einsum(
            "prk,pr->pk", weighted, mean_x
        )
        # given the sum, what one grade gains the other loses
        block = np.zeros((J, inner.shape[2]))
        np.add.at(block, upper[0], -cross)
        np.add.at(block, upper[1], cross)
        information[:J, J:], information[J:, :J] = block, block.T
    return gradient, information


def _scores(
    grades: Grades, P: Array, J: int, upper: Upper, x: Array, inner: Array,
    total: Array,
) -> tuple[Array, Array, Array, Array, Array]:  # fmt: skip
    """Return scores of items, and squares, variances, ratios and pairs of each judge."""
    rows, _ = grades.sample()
    category = grades.category[rows]
    mean = _by_total(P * x[:, None], total)
    spread = np.maximum(_by_total(P * x[:, None] ** 2, total) - mean**2, 0.0)
    means = np.stack(
        [_by_total(P * inner[:, :, k], total) for k in range(inner.shape[2])], -1
    ) if inner.shape[2] else np.zeros((*mean.shape, 0))  # fmt: skip
    scores = np.zeros((len(rows), J + inner.shape[2]))
    squares, spreads, ratios, times = (np.zeros((len(rows), J)) for _ in range(4))
    for p, (j, k) in enumerate(zip(*upper, strict=True)):
        both = np.flatnonzero((category[:, j] >= 0) & (category[:, k] >= 0))
        a, b = category[both, j], category[both, k]
        r = a + b
        off = x[a] - mean[p, r]
        scores[both, j] -= off
        scores[both, k] += off
        scores[both, J:] += inner[a, b] - means[p, r]
        free = spread[p, r] > 1e-12
        near = np.divide(off**2, spread[p, r], out=np.zeros(len(both)), where=free)
        for one in (j, k):
            squares[both, one] += np.where(free, off**2, 0.0)
            spreads[both, one] += spread[p, r]
            ratios[both, one] += near
            times[both, one] += free
    return scores, squares, spreads, ratios, times
