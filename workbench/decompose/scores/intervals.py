"""Intervals of scores that stay where a score can be."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

import numpy as np
from scipy.special import ndtri, stdtrit

from workbench.decompose.kernel import Array

Number = TypeVar("Number", float, Array)


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
    return float(ndtri(upper) if n_clusters == n else stdtrit(n_clusters - 1, upper))


def wilson(mean: Number, size: Number, z: float) -> tuple[Number, Number]:
    r"""Return Wilson's interval (1927) of shares, which holds them and stays in [0, 1].

    Parameters
    ----------
    mean, size : float or ndarray
        Shares, and of how many rows; NaN where a size is.
    z : float
        Quantile.

    Notes
    -----
    :func:`workbench.intervals.mid_p` is for counts at a size that rows and clusters leave, and is
    exact for a few of them. This one takes means of which a standard error is known by other ways
    (folds that share training data, a bootstrap), and whose values lie anywhere in the range.

    Examples
    --------
    >>> [round(float(end), 3) for end in wilson(0.5, 10.0, 1.96)]
    [0.237, 0.763]
    """
    part = z**2 / size
    centre = (mean + part / 2) / (1 + part)
    half = np.sqrt(part * mean * (1.0 - mean) + part**2 / 4) / (1 + part)
    # rounding must not push an end past the mean, nor out of the range
    low = np.minimum(np.maximum(centre - half, 0.0), mean)
    return low, np.maximum(np.minimum(centre + half, 1.0), mean)


def share_interval(mean: float, error: float, n_clusters: int, z: float) -> tuple[float, float]:
    r"""Return a score interval of a mean of values in [0, 1], from its standard error.

    :func:`wilson` for the effective size :math:`n^* = m (1 - m) / e^2`; for the
    number of clusters where the mean is 0 or 1 or nothing varies. It stays in [0, 1], holds
    the mean, and has a width.

    Examples
    --------
    >>> [round(end, 3) for end in share_interval(1.0, 0.0, 50, 1.96)]
    [0.929, 1.0]
    """
    spread = mean * (1.0 - mean)
    size = spread / error**2 if spread > 0 and error > 0 else float(n_clusters)
    low, high = wilson(mean, size, z)
    return float(low), float(high)


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
