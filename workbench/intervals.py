"""Intervals of quantities between 0 and 1 from the influence of every row."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, stdtr, stdtrit

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

MID_P = "mid-P interval at the size that the clusters leave"
"""What a table calls :func:`mid_p` at :func:`effective_size`."""

_NOTHING = 1e-12
"""Errors of rounding."""

ONE_CLUSTER = "one cluster: the error is not known"
NO_VARIATION = "no variation: the error is not known"


class Size(NamedTuple):
    """How much independent rows would have to number to say as much.

    Attributes
    ----------
    error : float
        Leave-one-cluster-out standard error.
    size : float
        Effective number of rows at the level; NaN with one cluster.
    clusters : float
        Effective number of clusters: as many of equal weight.
    alone : float
        Standard error if every row stood alone.
    """

    error: float
    size: float
    clusters: float
    alone: float


def mid_p(mean: float, size: float, level: float = 0.95) -> tuple[float, float]:
    r"""Return the mid-P interval of a share: Clopper and Pearson's, half of the point counted.

    The lower end :math:`l` solves :math:`\tfrac12 P_l(X \ge x) + \tfrac12 P_l(X > x) =
    \alpha / 2` for :math:`x = \text{mean} \times \text{size}`; the upper end is that of
    ``1 - mean``, turned round. The binomial tails are incomplete beta functions, which do not
    ask for whole numbers.

    Parameters
    ----------
    mean : float
        In [0, 1].
    size : float
        Rows, or as many as the rows are worth.
    level : float

    Notes
    -----
    Lancaster (1961); Agresti and Gottard (2005). It stays in [0, 1], is never a point, and
    covers about as often as it says, where Clopper and Pearson's covers more often.

    Examples
    --------
    >>> low, high = mid_p(1.0, 30)
    >>> round(low, 4), high  # 0.05 ** (1 / 30)
    (0.905, 1.0)
    """
    tail = (1 - level) / 2
    low, high = _lower(mean, size, tail), 1 - _lower(1 - mean, size, tail)
    return min(low, mean), max(high, mean)


def _lower(mean: float, size: float, tail: float) -> float:
    hits, rest = mean * size, (1 - mean) * size
    if hits <= 1e-12:
        return 0.0

    def excess(p: float) -> float:
        beyond = betainc(hits + 1, rest, p) if rest > 1e-12 else 0.0
        return float(betainc(hits, rest + 1, p) + beyond) / 2 - tail

    # it loads what no plain fit needs
    from scipy.optimize import brentq

    return float(brentq(excess, 0.0, 1.0, xtol=1e-14))


def effective_rows(pull: Array, weight: Array, cluster: Codes, level: float) -> Size:
    r"""Return what rows in clusters are worth as independent rows, for a mean.

    .. math:: n^* = n \frac{\widehat{se}_{alone}^2}{\widehat{se}^2}
              \Big(\frac{t_{n - 1}}{t_{G^* - 1}}\Big)^2,\qquad
              \widehat{se}^2 = \frac{G - 1}{G} \sum_g \Big(\frac{u_g}{1 - h_g}\Big)^2

    with the sums :math:`u_g` of the rows' influence, the clusters' shares :math:`h_g` of the
    weight, :math:`G^* = 1 / \sum_g h_g^2`, and the error that the rows would have if each
    stood alone; at most their number.

    Parameters
    ----------
    pull : ndarray, shape (n,)
        First-order change of the mean due to each row; they sum to about 0.
    weight : ndarray, shape (n,)
        Not below 0.
    cluster : ndarray of int, shape (n,)
    level : float
        Of the interval, whose quantiles of t are compared.

    Notes
    -----
    Korn and Graubard (1998) adjust the size of a survey's share by the two quantiles; the
    error is the jackknife's, which few or unequal clusters leave large enough. Where nothing
    varies, whole clusters count, since rows of one may be copies.

    Examples
    --------
    >>> pull = np.array([0.1, 0.1, 0.1, -0.3])
    >>> round(effective_rows(pull, np.ones(4), np.arange(4), 0.95).size, 6)
    4.0
    """
    share: Array = np.bincount(cluster, weight).astype(np.float64)
    rows = float(weight.sum() ** 2 / (weight**2).sum())
    sums: Array = np.bincount(cluster, pull, len(share)).astype(np.float64)
    return size_of_sums(sums, share, rows, float((pull**2).sum()), level)


def size_of_sums(
    sums: Array, share: Array, rows: float, squares: float, level: float, times: Array | None = None
) -> Size:
    """Return what :func:`effective_rows` does, of sums over clusters.

    Parameters
    ----------
    sums, share : ndarray, shape (clusters,)
        Influence and weight of each cluster; clusters without weight do not count.
    rows : float
        How many rows of equal weight the rows are.
    squares : float
        Sum of the squared influence of the rows.
    level : float
    times : ndarray, shape (clusters,), optional
        How many clusters are like each; one where None.

    Examples
    --------
    >>> round(size_of_sums(np.array([0.1, 0.1, 0.1, -0.3]), np.ones(4), 4.0, 0.12, 0.95).size, 6)
    4.0
    """
    number = np.ones(len(share)) if times is None else times
    used = share > 0
    if not used.all():
        sums, share, number = sums[used], share[used], number[used]
    share = share / (number * share).sum()
    clusters, g = float(1 / (number * share**2).sum()), float(number.sum())
    alone = float(np.sqrt(rows / (rows - 1) * squares)) if rows > 1 else np.nan
    if g < 2:
        return Size(np.nan, np.nan, clusters, alone)
    error = float(np.sqrt((g - 1) / g * (number * (sums / (1 - share)) ** 2).sum()))
    if alone <= _NOTHING:
        return Size(error, clusters, clusters, alone)
    ratio = _t(level, rows) / _t(level, clusters)
    size = rows if error <= _NOTHING else rows * min((ratio * alone / error) ** 2, 1.0)
    return Size(error, size, clusters, alone)


def effective_size(
    mean: float, pull: Array, weight: Array, cluster: Codes, level: float, certain: float = 1.0
) -> Size:
    r"""Return what rows are worth as rows of 0 and 1 that are independent.

    .. math:: n^* \frac{p (1 - p)}{s^2}

    with :func:`effective_rows` and the variance of a row's influence.

    Parameters
    ----------
    mean : float
        In [0, 1].
    pull, weight, cluster, level
        As :func:`effective_rows` takes them.
    certain : float
        What one cluster is worth where no row differs from another.

    Notes
    -----
    Rows that vary less than 0 and 1 do are worth more than one each, but a third of their
    number at most: a few may differ among those that were not drawn.

    Examples
    --------
    >>> values = np.array([1.0, 1, 1, 0])
    >>> found = effective_size(0.75, (values - 0.75) / 4, np.ones(4), np.arange(4), 0.95)
    >>> round(found.size, 6), round(found.clusters, 6)
    (4.0, 4.0)
    """
    rows = float(weight.sum() ** 2 / (weight**2).sum())
    return as_binomial(effective_rows(pull, weight, cluster, level), mean, rows, certain)


def as_binomial(found: Size, mean: float, rows: float, certain: float = 1.0) -> Size:
    """Return a size in rows as one in rows of 0 and 1; see :func:`effective_size`.

    Parameters
    ----------
    found : Size
        Of :func:`effective_rows`, or of :func:`size_of_sums`.
    mean : float
        In [0, 1].
    rows : float
    certain : float

    Examples
    --------
    >>> as_binomial(Size(0.25, 4.0, 4.0, 0.25), 0.75, 4.0).size
    4.0
    """
    if np.isnan(found.size):
        return found
    binomial = mean * (1 - mean)
    if found.alone <= _NOTHING:
        worth = certain if binomial <= 1e-12 else max(1.0, found.clusters / 3)
        return found._replace(size=found.clusters * worth)
    worth = min(binomial / found.alone**2 / (rows - 1), max(certain, rows / 3))
    return found._replace(size=max(found.size * worth, 1.0))


def unit_interval(
    mean: float, pull: Array, weight: Array, cluster: Codes, level: float, certain: float = 1.0,
    spread: float = 1.0,
) -> dict[str, Any]:  # fmt: skip
    """Return ``std_error, conf_low, conf_high, reason`` of a quantity in [0, 1].

    Parameters
    ----------
    mean, pull, weight, cluster, level, certain
        As :func:`effective_size` takes them.
    spread : float
        Variance as a multiple of what the clusters tell: 1 unless they depend.

    Examples
    --------
    >>> unit_interval(1.0, np.zeros(3), np.ones(3), np.zeros(3, int), 0.95)["reason"]
    'one cluster: the error is not known'
    """
    found = effective_size(mean, pull, weight, cluster, level, certain)
    return interval_of_size(mean, found, level, spread)


def interval_of_size(mean: float, found: Size, level: float, spread: float = 1.0) -> dict[str, Any]:
    """Return what :func:`unit_interval` does, of rows whose effective size is known.

    Parameters
    ----------
    mean : float
        In [0, 1].
    found : Size
        Of :func:`effective_size` or :func:`as_binomial`.
    level, spread : float

    Examples
    --------
    >>> round(interval_of_size(1.0, Size(0.0, 30.0, 30.0, 0.0), 0.95)["conf_low"], 3)
    0.905
    """
    if np.isnan(found.size):
        nothing = dict.fromkeys(("std_error", "conf_low", "conf_high"), np.nan)
        return {**nothing, "reason": ONE_CLUSTER}
    low, high = mid_p(mean, found.size / spread, level)
    error = found.error * float(np.sqrt(spread))
    return {"std_error": error, "conf_low": low, "conf_high": high, "reason": None}


def ends_text(low: float, high: float, reason: object, sign: str = "+") -> str:
    """Return an interval as text, or why there is none.

    Parameters
    ----------
    low, high : float
    reason : str, or whatever a table holds where there is no reason
    sign : str
        ``"+"`` where a positive number gets its sign, else ``""``.

    Examples
    --------
    >>> ends_text(0.25, 0.5, None, ""), ends_text(float("nan"), float("nan"), "one cluster")
    ('[0.250, 0.500]', '(no interval: one cluster)')
    """
    if np.isnan(low) or np.isnan(high):
        return f"(no interval: {str(reason).removeprefix('no interval: ')})"
    return f"[{low:{sign}.3f}, {high:{sign}.3f}]"


def positive_mean(values: Array, cluster: Codes, level: float) -> dict[str, Any]:
    """Return ``estimate, std_error, conf_low, conf_high, reason`` of a mean above 0: a loss.

    Student's t at the effective number of clusters, on the log scale, so that no end is below 0.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Not below 0.
    cluster : ndarray of int, shape (n,)
    level : float

    Examples
    --------
    >>> found = positive_mean(np.array([0.1, 0.2, 2.0]), np.arange(3), 0.95)
    >>> found["conf_low"] > 0
    True
    """
    mean = float(values.mean())
    blank = dict.fromkeys(("std_error", "conf_low", "conf_high"), np.nan)
    found = effective_rows((values - mean) / len(values), np.ones(len(values)), cluster, level)
    if np.isnan(found.size):
        return {"estimate": mean, **blank, "reason": ONE_CLUSTER}
    if found.error <= _NOTHING or mean <= 0:
        return {"estimate": mean, **blank, "reason": NO_VARIATION}
    half = _t(level, found.clusters) * found.error / mean
    with np.errstate(over="ignore"):
        low, high = float(mean * np.exp(-half)), float(mean * np.exp(half))
    return {"estimate": mean, "std_error": found.error, "conf_low": low, "conf_high": high,
            "reason": None}  # fmt: skip


def correlation_ends(rho: float, error: float, clusters: float, level: float) -> tuple[float, ...]:
    """Return the ends of a correlation and its p-value: Student's t of Fisher's z.

    Parameters
    ----------
    rho : float
        Within (-1, 1).
    error : float
        Its standard error, above 0.
    clusters : float
    level : float

    Examples
    --------
    >>> low, high, p = correlation_ends(0.9, 0.2, 5, 0.95)
    >>> -1 < low < 0.9 < high < 1
    True
    """
    z, scaled = float(np.arctanh(rho)), error / (1 - rho**2)
    half = _t(level, clusters) * scaled
    p = 2 * float(stdtr(max(clusters - 1, 1), -abs(z) / scaled))
    return float(np.tanh(z - half)), float(np.tanh(z + half)), p


def _t(level: float, clusters: float) -> float:
    return float(stdtrit(max(clusters - 1, 1), 0.5 + level / 2))
