"""A score interval for the mean of paired flips: the variance is that of the tested mean."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import t

from workbench.clustered import Array, Codes, no_value
from workbench.intervals import ONE_CLUSTER, effective_rows

_EDGE = 1e-9


class _Flips(NamedTuple):
    """Values of paired differences, and what share of the rows has each."""

    values: Array
    share: Array


def score_interval(
    difference: Array, cluster: Codes, level: float = 0.95, spread: float = 1.0
) -> tuple[float, float] | None:
    r"""Return the means that a score test does not reject, of values in [-1, 1].

    .. math:: \frac{|\bar d - \delta|}{\sqrt{\sigma^2_\delta / n^*}} \le t,\qquad
              \sigma^2_\delta = \sum_j p_j (v_j - \delta)^2

    where p are the likeliest shares of the values among those with mean :math:`\delta`.

    Parameters
    ----------
    difference : ndarray, shape (n,)
    cluster : ndarray of int, shape (n,)
    level : float
    spread : float
        Variance of the mean as a multiple of what the clusters tell: 1 unless they depend.

    Returns
    -------
    tuple of float, or None
        None with fewer than two clusters.

    Notes
    -----
    Tango (1998), for any values between -1 and 1: the likeliest shares are
    :math:`p_j = \hat p_j / (1 + \lambda (v_j - \delta))`, and what they leave is at -1 or 1. With
    flips one way the end away from 0 is Wilson's; a variance estimated from few flips is too small
    where they are few by chance, and calls judges equivalent that are not. Rows in clusters
    count as :func:`workbench.intervals.effective_rows`; the quantile is Student's t.

    Examples
    --------
    >>> low, high = score_interval(np.repeat([1.0, 0.0], [5, 95]), np.arange(100))
    >>> round(low, 3), round(high, 3)  # the end away from 0 is Wilson's
    (0.01, 0.113)
    """
    mean = float(difference.mean())
    weight = np.ones(len(difference))
    found = effective_rows((difference - mean) / len(difference), weight, cluster, level)
    if np.isnan(found.size):
        return None
    values, counts = np.unique(difference, return_counts=True)
    flips = _Flips(values, counts / len(difference))
    quantile = float(t.ppf(0.5 + level / 2, len(difference) - 1))

    def excess(delta: float) -> float:
        return (mean - delta) ** 2 * found.size / spread - quantile**2 * _variance(flips, delta)

    def end(sign: float) -> float:
        # at the mean itself nothing may vary: the search starts beside it
        near, far = mean + sign * _EDGE, sign * (1 - _EDGE)
        if sign * (far - near) <= 0 or excess(far) <= 0:
            return sign
        return float(brentq(excess, near, far, xtol=1e-9))

    return end(-1.0), end(1.0)


def paired_difference(
    values: Array, cluster: Codes, level: float = 0.95, spread: float = 1.0
) -> dict[str, Any]:
    """Return a mean of paired differences in [-1, 1] with its score interval and test.

    Parameters
    ----------
    values : ndarray, shape (n,)
    cluster : ndarray of int, shape (n,)
    level : float
    spread : float
        As :func:`score_interval` takes it.

    Returns
    -------
    dict
        ``estimate, std_error, conf_low, conf_high, p_value, n, n_clusters, reason``.

    Examples
    --------
    >>> found = paired_difference(np.zeros(40), np.arange(40))
    >>> found["p_value"], round(found["conf_high"], 3)
    (1.0, 0.093)
    """
    n, row = len(values), {**no_value(cluster), "p_value": np.nan}
    if not n:
        return row
    mean = float(values.mean())
    ends = score_interval(values, cluster, level, spread)
    if ends is None:
        return row | {"estimate": mean, "reason": ONE_CLUSTER}
    found = effective_rows((values - mean) / n, np.ones(n), cluster, level)
    size, counts = np.unique(values, return_counts=True)
    variance = _variance(_Flips(size, counts / n), 0.0)
    score = abs(mean) * float(np.sqrt(found.size / spread / variance)) if variance > 0 else 0.0
    return row | {
        "estimate": mean, "std_error": found.error * float(np.sqrt(spread)),
        "conf_low": min(ends[0], mean), "conf_high": max(ends[1], mean),
        "p_value": 2 * float(t.sf(score, n - 1)), "reason": None,
    }  # fmt: skip


def _variance(flips: _Flips, delta: float) -> float:
    """Return the variance of the likeliest shares with a given mean."""
    away = flips.values - delta

    def slope(tilt: float) -> float:
        return float((flips.share * away / (1 + tilt * away)).sum())

    # every value from -1 to 1 keeps a share above 0
    low, high = -(1 - _EDGE) / (1 - delta), (1 - _EDGE) / (1 + delta)
    if slope(low) <= 0:
        tilt = low
    elif slope(high) >= 0:
        tilt = high
    else:
        tilt = float(brentq(slope, low, high))
    share = flips.share / (1 + tilt * away)
    left = max(1 - float(share.sum()), 0.0)
    end = (1 - delta) if tilt < 0 else (1 + delta)
    return float(share @ away**2) + left * end**2
