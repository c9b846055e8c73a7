"""Intervals of scores that stay where a score can be."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.stats import norm, t


@lru_cache
def quantile(level: float, n: int, n_clusters: int) -> float:
    """Return the quantile of an interval: Student's where clusters hold several labels.

    The error of a mean over clusters is then estimated from as many values as there are
    clusters; that of single labels follows from the mean itself.

    Examples
    --------
    >>> round(quantile(0.95, 40, 40), 2), round(quantile(0.95, 40, 10), 2)
    (1.96, 2.26)
    """
    if n_clusters < 2:
        return float("nan")
    upper = 0.5 + level / 2
    return float(norm.ppf(upper) if n_clusters == n else t.ppf(upper, n_clusters - 1))


def share_interval(mean: float, error: float, n_clusters: int, z: float) -> tuple[float, float]:
    r"""Return a score interval of a mean of values in [0, 1], from its standard error.

    Wilson's interval (1927) for the effective size :math:`n^* = m (1 - m) / e^2`; for the
    number of clusters where the mean is 0 or 1 or nothing varies. It stays in [0, 1], holds
    the mean, and has a width.

    Examples
    --------
    >>> [round(end, 3) for end in share_interval(1.0, 0.0, 50, 1.96)]
    [0.929, 1.0]
    """
    spread = mean * (1.0 - mean)
    size = spread / error**2 if spread > 0 and error > 0 else float(n_clusters)
    centre = (mean + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * np.sqrt(spread / size + z**2 / (4 * size**2))
    # rounding must not push an end past the mean, nor out of the range
    return float(min(max(centre - half, 0.0), mean)), float(max(min(centre + half, 1.0), mean))


def difference_interval(
    mean: float, error: float, n_clusters: int, z: float
) -> tuple[float, float]:
    """Return the score interval of a mean of differences in [-1, 1].

    Examples
    --------
    >>> [round(end, 2) for end in difference_interval(0.5, 0.1, 50, 1.96)]
    [0.28, 0.67]
    """
    low, high = share_interval((mean + 1.0) / 2.0, error / 2.0, n_clusters, z)
    return 2.0 * low - 1.0, 2.0 * high - 1.0


def positive_interval(mean: float, error: float, z: float) -> tuple[float, float]:
    """Return an interval of a mean above 0, even on the scale of its logarithm.

    Undefined where nothing varies.

    Examples
    --------
    >>> [round(end, 2) for end in positive_interval(0.5, 0.1, 1.96)]
    [0.34, 0.74]
    """
    if not (mean > 0 and error > 0):
        return float("nan"), float("nan")
    factor = float(np.exp(z * error / mean))
    return mean / factor, mean * factor
