"""A score interval for the mean of paired flips: the variance is that of the tested mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from workbench.clustered import Array, Codes, no_value
from workbench.intervals import ONE_CLUSTER, effective_rows

_EDGE = 1e-12
"""What 1 + v is taken for at v = -1, where nothing is divided by it."""

_SAME = 1e-12
"""Means as near as this are the same."""

_LEAST = -80.0
"""Logarithm of the least rest of a tilt that is looked at."""

_MOST_STEPS = 100

_TOLERANCE = 1e-11


class Flips(NamedTuple):
    """Paired differences of several comparisons, counted by value: R rows, V values.

    Attributes
    ----------
    values : ndarray, shape (V,)
        In [-1, 1].
    share : ndarray, shape (R, V)
        What share of a row's differences has each value.
    size : ndarray, shape (R,)
        Effective number of differences; NaN where it is not known.
    n : ndarray, shape (R,)
        Differences.
    """

    values: Array
    share: Array
    size: Array
    n: Array

    @property
    def mean(self) -> Array:
        """Mean difference of each row."""
        return np.asarray(self.share @ self.values)

    def turned(self) -> Flips:
        """Return the same with the other sign."""
        return self._replace(values=-self.values)


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
    found, _ = counted(difference, cluster, level, spread)
    if np.isnan(found.size[0]):
        return None
    low, high = score_ends(found, level)
    return float(low[0]), float(high[0])


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
    found, error = counted(values, cluster, level, spread)
    if np.isnan(found.size[0]):
        return row | {"estimate": mean, "reason": ONE_CLUSTER}
    low, high = (float(end[0]) for end in score_ends(found, level))
    score = abs(float(score_at(found, np.zeros(1))[0]))
    return row | {
        "estimate": mean, "std_error": error, "conf_low": min(low, mean),
        "conf_high": max(high, mean), "p_value": 2 * float(stdtr(n - 1, -score)), "reason": None,
    }  # fmt: skip


def counted(
    difference: Array, cluster: Codes, level: float = 0.95, spread: float = 1.0
) -> tuple[Flips, float]:
    """Return differences of one comparison counted by value, and the error of their mean.

    Parameters
    ----------
    difference : ndarray, shape (n,)
        At least one.
    cluster : ndarray of int, shape (n,)
    level : float
    spread : float
        As :func:`score_interval` takes it.

    Examples
    --------
    >>> found, error = counted(np.array([1.0, 0.0, 0.0, -1.0]), np.arange(4))
    >>> found.values.tolist(), found.share.tolist(), round(error, 3)
    ([-1.0, 0.0, 1.0], [[0.25, 0.5, 0.25]], 0.408)
    """
    n, mean = len(difference), difference.mean()
    found = effective_rows((difference - mean) / n, np.ones(n), cluster, level)
    values, counts = np.unique(difference, return_counts=True)
    size = np.array([found.size / spread])
    flips = Flips(values, counts[None, :] / n, size, np.array([float(n)]))
    return flips, found.error * float(np.sqrt(spread))


def score_ends(flips: Flips, level: float) -> tuple[Array, Array]:
    """Return both ends of the score interval of every row, each of shape (R,).

    Parameters
    ----------
    flips : Flips
    level : float

    Notes
    -----
    See :func:`score_interval`. The likeliest shares are followed from the mean outwards by their
    tilt, of which the tested mean is an explicit function, so that nothing is searched inside a
    search.

    Examples
    --------
    >>> flips = Flips(np.array([0.0, 1.0]), np.array([[0.95, 0.05]]), np.ones(1) * 100, np.ones(1))
    >>> low, high = score_ends(flips._replace(n=flips.size), 0.95)
    >>> low.round(3), high.round(3)
    (array([0.01]), array([0.113]))
    """
    quantile = stdtrit(np.maximum(flips.n - 1, 1), 0.5 + level / 2)
    return _low_end(flips, quantile), -_low_end(flips.turned(), quantile)


def score_at(flips: Flips, delta: Array) -> Array:
    """Return the score statistic of the mean against a tested mean, of every row.

    Parameters
    ----------
    flips : Flips
    delta : ndarray, shape (R,)
        Within (-1, 1).

    Returns
    -------
    ndarray, shape (R,)
        0 where the mean is the tested one; NaN where the size is not known.

    Examples
    --------
    >>> flips = Flips(np.array([-1.0, 0, 1]), np.array([[0.05, 0.81, 0.14]]), *np.full((2, 1), 100))
    >>> score_at(flips, np.zeros(1)).round(4)  # McNemar's: (14 - 5) / sqrt(19)
    array([2.0647])
    """
    away = flips.mean - delta
    variance, above = np.full(len(away), np.nan), away >= 0
    for side, mine in ((1.0, above), (-1.0, ~above)):
        if mine.any():
            turned = Flips(side * flips.values, *(part[mine] for part in flips[1:]))
            variance[mine] = _variance(turned, side * delta[mine])
    error = np.sqrt(variance / flips.size)
    apart = (np.abs(away) > _SAME) & (error > 0)
    return np.divide(away, error, out=np.where(np.isnan(error), np.nan, 0.0), where=apart)


class _Tilted(NamedTuple):
    """The likeliest shares of one tilt: their mean and variance, shape (R,)."""

    mean: Array
    variance: Array


def _tilted(flips: Flips, rest: Array) -> _Tilted:
    r"""Return the likeliest shares at tilt 1 - rest: their mean is below what was seen.

    Shares are :math:`\hat p_j / (1 + r v_j)`, divided by their sum; r = 1 - rest.
    """
    # 1 + r v without cancellation at v = -1
    weight = flips.share / ((1 + flips.values) - rest[:, None] * flips.values)
    total = weight.sum(axis=1)
    mean = weight @ flips.values / total
    return _Tilted(mean, (weight * (flips.values - mean[:, None]) ** 2).sum(axis=1) / total)


def _with_rest_below(flips: Flips, delta: Array) -> Array:
    """Return the variance with mean delta where the full tilt leaves a rest, which is at -1."""
    weight = flips.share / np.maximum(1 + flips.values, _EDGE)
    kept = (1 + delta)[:, None] * weight
    inside = (kept * (flips.values - delta[:, None]) ** 2).sum(axis=1)
    return np.asarray(inside + np.maximum(1 - kept.sum(axis=1), 0.0) * (1 + delta) ** 2)


def _full_tilt(flips: Flips) -> Array:
    """Return the mean at the full tilt: -1 where a difference of -1 was seen."""
    seen = (flips.share * (flips.values <= _EDGE - 1)).sum(axis=1) > 0
    with np.errstate(over="ignore"):
        weight = flips.share / np.maximum(1 + flips.values, _EDGE)
    return np.where(seen, -1.0, weight @ flips.values / weight.sum(axis=1))


def _low_end(flips: Flips, quantile: Array) -> Array:
    mean, edge = flips.mean, _full_tilt(flips)

    def excess(delta: Array, variance: Array) -> Array:
        return (mean - delta) ** 2 * flips.size - quantile**2 * variance

    def tilted(log_rest: Array) -> Array:
        return excess(*_tilted(flips, np.exp(log_rest)))

    def below(delta: Array) -> Array:
        return excess(delta, _with_rest_below(flips, delta))

    found, outside = edge, (edge > -1) & (below(edge) <= 0)
    if outside.any():
        found = _root(below, np.full(len(mean), -1.0), edge)
    if not outside.all():
        rest = np.exp(_root(tilted, np.full(len(mean), _LEAST), np.zeros(len(mean))))
        found = np.where(outside, found, _tilted(flips, rest).mean)
    return np.where(np.isnan(flips.size), np.nan, np.clip(found, -1.0, mean))


def _variance(flips: Flips, delta: Array) -> Array:
    """Return the variance of the likeliest shares with means delta, not above what was seen."""
    delta = np.minimum(delta, flips.mean)

    def above(log_rest: Array) -> Array:
        return delta - _tilted(flips, np.exp(log_rest)).mean

    rest = np.exp(_root(above, np.full(len(delta), _LEAST), np.zeros(len(delta))))
    beyond = delta < _full_tilt(flips)
    return np.where(beyond, _with_rest_below(flips, delta), _tilted(flips, rest).variance)


def _root(excess: Callable[[Array], Array], far: Array, near: Array) -> Array:
    """Return where each row turns from above 0 (far) to below 0 (near): Chandrupatla (1997)."""
    a, b = near, far
    fa, fb = excess(a), excess(b)
    part = np.full(len(a), 0.5)
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(_MOST_STEPS):
            x = a + part * (b - a)
            fx = excess(x)
            same = (fx > 0) == (fa > 0)
            c, fc = np.where(same, a, b), np.where(same, fa, fb)
            b, fb = np.where(same, b, a), np.where(same, fb, fa)
            a, fa = x, fx
            least = _TOLERANCE / np.abs(b - a)
            # what is not known, and what is found, asks for no more steps
            if ((least > 0.5) | (fa == 0) | np.isnan(fa)).all():
                break
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            curved = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
            bent = fa / (fb - fa) * fc / (fb - fc)
            bent = bent + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
            part = np.where(curved & np.isfinite(bent), bent, 0.5)
            part = np.clip(part, least, np.maximum(1 - least, least))
            part = np.where((least > 0.5) | (fa == 0), 0.0, part)
    return a
