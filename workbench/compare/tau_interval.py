"""Errors and intervals of taus: means between -1 and 1, over clusters."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr, stdtrit

from workbench.decompose.kernel import Array
from workbench.decompose.scores.intervals import wilson


def interval(draws: Array, level: float) -> tuple[Array, Array, Array]:
    """Return the error and both percentiles of replicates along the first axis.

    Replicates that are undefined are left out; all three are NaN with fewer than two.

    Examples
    --------
    >>> error, low, high = interval(np.linspace(0, 1, 101)[:, None], 0.9)
    >>> round(float(low[0]), 2), round(float(high[0]), 2)
    (0.05, 0.95)
    """
    flat = draws.reshape(len(draws), -1)
    out = np.full((3, flat.shape[1]), np.nan)
    enough = np.isfinite(flat).sum(axis=0) >= 2
    if enough.any():
        part = flat[:, enough]
        out[0, enough] = np.nanstd(part, axis=0, ddof=1)
        out[1:, enough] = np.nanquantile(part, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    error, low, high = out.reshape(3, *draws.shape[1:])
    return error, low, high


def score_interval(
    tau: Array, error: Array, n_clusters: int, level: float
) -> tuple[Array, Array, Array]:
    r"""Return both ends of Wilson's interval of taus, and p-values of 0.

    That of the share :math:`(1 + \tau) / 2`, on the scale of tau:

    .. math:: \frac{\tau \pm t \sqrt{(1 - \tau^2) / m + t^2 / m^2}}{1 + t^2 / m},
              \quad m = (1 - \tau^2) / v

    Parameters
    ----------
    tau, error : ndarray
        Estimates between -1 and 1, and their errors; an error of 0 counts each cluster once.
    n_clusters : int
    level : float

    Examples
    --------
    >>> low, high, p = score_interval(np.array([1.0]), np.zeros(1), 9, 0.95)
    >>> round(float(low[0]), 2), float(high[0]), round(float(p[0]), 3)
    (0.26, 1.0, 0.017)
    """
    df = max(n_clusters - 1, 1)
    t = float(stdtrit(df, 0.5 + level / 2))
    # the bootstrap's variance is that of G - 1 clusters
    room, v = 1.0 - tau**2, error**2 * n_clusters / df
    told = (v > 1e-15) & (room > 1e-12)
    m = np.divide(room, v, out=np.where(np.isnan(v), np.nan, float(n_clusters)), where=told)
    low, high = (2.0 * end - 1.0 for end in wilson((1.0 + tau) / 2.0, m, t))
    # rounding on the other scale must not push an end past the tau
    low, high = np.minimum(low, tau), np.maximum(high, tau)
    p = 2.0 * stdtr(df, -np.abs(tau) * np.sqrt(m))
    return low, high, np.asarray(p)
