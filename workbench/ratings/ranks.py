"""Ranks of estimates with confidence sets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array

Ranks = NDArray[np.float64]


def ranks(values: Array) -> Ranks:
    """Return ranks along the last axis, 1 for the highest; NaN has none, ties share the best.

    Examples
    --------
    >>> ranks(np.array([0.5, 2.0, np.nan, 0.5])).tolist()
    [2.0, 1.0, nan, 2.0]
    """
    with np.errstate(invalid="ignore"):
        above = (values[..., None, :] > values[..., :, None]).sum(axis=-1)
    return np.where(np.isnan(values), np.nan, above + 1.0)


def rank_sets(estimate: Array, draws: Array, level: float) -> tuple[Ranks, Ranks]:
    r"""Return confidence limits of each rank.

    Parameters
    ----------
    estimate : ndarray, shape (M,)
    draws : ndarray, shape (R, M)
        Joint draws around the estimates.
    level : float
        Each rank is within its limits with at least this probability.

    Returns
    -------
    low, high : ndarray, shape (M,)
        One more than the number of items surely above; M less the number surely below.

    Notes
    -----
    For item j, the differences to all others get simultaneous intervals
    :math:`d_{jk} \pm c_j s_{jk}`, with :math:`c_j` the quantile of
    :math:`\max_k |d^*_{jk} - d_{jk}| / s_{jk}` over the draws; items whose interval lies on
    one side of 0 are surely above or below (Mogstad, Romano, Shaikh and Wilhelm 2024).
    Quantiles of the ranks of draws themselves do not cover where estimates are close.

    Examples
    --------
    >>> draws = np.random.default_rng(0).normal([0.0, 0.1, 9.0], 1.0, (500, 3))
    >>> low, high = rank_sets(np.array([0.0, 0.1, 9.0]), draws, 0.95)
    >>> low.tolist(), high.tolist()
    ([2.0, 2.0, 1.0], [3.0, 3.0, 1.0])
    """
    M = len(estimate)
    low, high = np.ones(M), np.full(M, float(M))
    for j in range(M):
        others = np.arange(M) != j
        gap = estimate[others] - estimate[j]
        moved = draws[:, others] - draws[:, [j]] - gap
        spread = np.sqrt((moved**2).mean(axis=0))
        size = np.abs(moved) / np.where(spread > 0, spread, 1.0)
        critical = np.quantile(size.max(axis=1), level) if M > 1 else 0.0
        low[j] += (gap > critical * spread).sum()
        high[j] -= (gap < -critical * spread).sum()
    return low, high


def arena_ranks(low: Array, high: Array) -> Ranks:
    """Return one more than the number of items whose lower limit is above one's upper limit.

    The rule of Chatbot Arena's leaderboard: it looks at single intervals, not differences.

    Examples
    --------
    >>> arena_ranks(np.array([1.0, 0.5, -1.0]), np.array([2.0, 1.5, 0.0])).tolist()
    [1.0, 1.0, 3.0]
    """
    with np.errstate(invalid="ignore"):
        above = (low[None, :] > high[:, None]).sum(axis=1)
    return np.where(np.isnan(high), np.nan, above + 1.0)
