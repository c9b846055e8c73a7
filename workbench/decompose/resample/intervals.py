"""Intervals and tests of statistics from their bootstrap draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from workbench.decompose.kernel import Array

_ENOUGH = 0.5
"""Share of the replicates that must have a value for an interval to be given."""


def bias_corrected(
    estimate: Array, draws: Array, level: float, clusters: int | None
) -> tuple[Array, Array, Array]:
    r"""Return the ends of bias-corrected percentile intervals, and the p-values of 0.

    With :math:`F` the share of draws below a value and :math:`z_0 = \Phi^{-1}(F(\hat\theta))`,
    the ends are the quantiles :math:`\Phi(2 z_0 \pm q)` of the draws, where

    .. math:: q = \sqrt{G / (G - 1)}\; t_{G - 1, (1 + level) / 2},

    and the p-value is that of the level at which an end is 0. In small samples the draws of a
    logit's weights lie as far beyond the estimate as the estimate lies beyond the truth:
    plain percentiles (:math:`z_0 = 0`) go twice as far off.

    Parameters
    ----------
    estimate : ndarray, shape (k,)
    draws : ndarray, shape (S, k)
        Finite.
    level : float
    clusters : int or None
        G, the clusters that were resampled. None for plain percentiles: where draws are even
        about the estimate by construction, a correction would add its noise.

    Returns
    -------
    low, high : ndarray, shape (k,)
        An end never passes the estimate, as that of a strongly biased statistic would.
    p_value : ndarray, shape (k,)
        Two-sided, at least ``2 / (S + 1)``.

    References
    ----------
    Efron (1981), "Nonparametric standard errors and confidence intervals"; Hesterberg (2015),
    "What teachers should know about the bootstrap", section 5.3, for the quantile.

    Examples
    --------
    >>> draws = np.arange(101.0)[:, None]
    >>> [end.round(9).tolist() for end in bias_corrected(np.array([50.0]), draws, 0.9, None)[:2]]
    [[5.0], [95.0]]
    """
    shift = np.zeros(len(estimate)) if clusters is None else ndtri(_share(draws, estimate))
    width = 1.0 if clusters is None else np.sqrt(clusters / (clusters - 1))
    degrees = np.inf if clusters is None else clusters - 1
    q = float(width * stdtrit(degrees, 0.5 + level / 2))
    ordered = np.sort(draws, axis=0)
    low = np.minimum(_quantile(ordered, ndtr(2 * shift - q)), estimate)
    high = np.maximum(_quantile(ordered, ndtr(2 * shift + q)), estimate)
    least = 1 / (len(draws) + 1)
    below = np.minimum(least * (1 + (draws <= 0).sum(axis=0)), 0.5)
    above = np.minimum(least * (1 + (draws >= 0).sum(axis=0)), 0.5)
    # where no draw lies beyond 0, the p-value is known to be small, not how small
    at_zero = np.where(below < above, ndtri(below), -ndtri(above))
    p = 2 * stdtr(degrees, -np.abs(at_zero - 2 * shift) / width)
    return low, high, np.clip(p, 2 * least, 1.0)


def _share(draws: Array, value: Array) -> Array:
    """Return the share of draws below a value, those equal by half; never 0 or 1."""
    times = len(draws)
    less = (draws < value).sum(axis=0) + 0.5 * (draws == value).sum(axis=0)
    return np.asarray(np.clip(less / times, 1 / (times + 1), times / (times + 1)))


def _quantile(ordered: Array, share: Array) -> Array:
    """Return a quantile of each sorted column, as numpy interpolates it."""
    place = share * (len(ordered) - 1)
    first = np.minimum(place.astype(np.int64), len(ordered) - 2)
    column = np.arange(ordered.shape[1])
    a, b = ordered[first, column], ordered[first + 1, column]
    return np.asarray(a + (place - first) * (b - a))


def tidy_draws(estimate: Array, draws: Array, level: float, clusters: int | None) -> pd.DataFrame:
    """Return a table of statistics and their draws.

    Parameters
    ----------
    estimate : ndarray, shape (k,)
    draws : ndarray, shape (S, k)
        NaN where a replicate has no value.
    level : float
    clusters : int or None
        See :func:`bias_corrected`.

    Returns
    -------
    DataFrame
        ``estimate, std_error, conf_low, conf_high, p_value, n_draws, n_failed, reason``.

    Examples
    --------
    >>> tidy_draws(np.array([np.nan]), np.ones((4, 1)), 0.9, 30)["reason"].tolist()
    ['undefined in the full fit']
    """
    finite = np.isfinite(draws)
    n = finite.sum(axis=0)
    usable = (n >= max(2, _ENOUGH * len(draws))) & np.isfinite(estimate)
    table = pd.DataFrame({"estimate": estimate})
    for column in ("std_error", "conf_low", "conf_high", "p_value"):
        table[column] = np.nan
    # statistics that failed on the same replicates are summed up together
    patterns, which = np.unique(finite, axis=1, return_inverse=True)
    for pattern in range(patterns.shape[1]):
        mine = np.flatnonzero((which == pattern) & usable)
        if not len(mine):
            continue
        own = draws[np.ix_(patterns[:, pattern], mine)]
        found = bias_corrected(estimate[mine], own, level, clusters)
        table.loc[mine, "std_error"] = own.std(axis=0, ddof=1)
        for column, values in zip(("conf_low", "conf_high", "p_value"), found, strict=True):
            table.loc[mine, column] = values
    table["n_draws"], table["n_failed"] = n, len(draws) - n
    few = pd.Series(["too few replicates have weights"] * len(table), dtype="str")
    undefined = pd.Series(["undefined in the full fit"] * len(table), dtype="str")
    reason = few.where(np.isfinite(estimate), undefined)
    table["reason"] = reason.mask(usable, None)
    return table
