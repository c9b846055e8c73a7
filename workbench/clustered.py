"""Means, areas and shares with errors that know labels of one cluster depend."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import stdtr, stdtrit

from workbench.intervals import NO_VARIATION, ONE_CLUSTER, Array, Codes, mid_p, unit_interval

__all__ = ["Array", "Codes"]

_NO_ERROR = {0: "no value", 1: ONE_CLUSTER}
"""Why there is no error, by the number of clusters."""

_COUNT_BYTES = 32 * 2**20
"""Counts of clusters held at a time."""

_BLOCKS = 20_000
"""More clusters than this are resampled in random blocks, at most as many."""

_ROUNDING = 1e-10
"""Tail probability from which rounding of the Fourier transform may show."""

_BEYOND = 47.0
"""Sums of signs beyond sqrt(2 x this x their variance) have a chance below 1e-20 (Hoeffding)."""

_NOTHING = 1e-12
"""Error below which values are equal, as a part of the largest of them."""

FEW_CLUSTERS = 40
"""Below this many clusters, cluster-robust errors are known to come out too small."""


def cluster_error(influence: Array, cluster: Codes) -> float:
    r"""Return the standard error of a statistic from its influence values.

    .. math:: \sqrt{\frac{G}{G - 1} \sum_g \Big(\sum_{i \in g} u_i\Big)^2}

    Parameters
    ----------
    influence : ndarray, shape (n,)
        First-order change of the statistic due to each value; they sum to about 0.
    cluster : ndarray of int, shape (n,)

    Returns
    -------
    float
        NaN with fewer than two clusters.

    Examples
    --------
    >>> round(cluster_error(np.array([0.5, -0.5]), np.array([0, 1])), 6)
    1.0
    """
    if len(influence) == 0:
        return float("nan")
    present = np.bincount(cluster) > 0
    g = int(present.sum())
    if g < 2:
        return float("nan")
    sums = np.bincount(cluster, influence)
    return float(np.sqrt(g / (g - 1) * (sums**2).sum()))


def jackknife_error(values: Array) -> Array:
    r"""Return the error of a statistic from its values without each cluster, shape (G, ...).

    .. math:: \sqrt{\tfrac{G - 1}{G} \sum_g (\theta_{(g)} - \bar\theta)^2}

    Returns
    -------
    ndarray
        NaN where the statistic is undefined without some cluster.

    Examples
    --------
    >>> round(float(jackknife_error(np.array([0.5, 0.0, 1.0]))), 3)
    0.577
    """
    g = len(values)
    if not g:
        return np.full(values.shape[1:], np.nan)
    return np.asarray(np.sqrt((g - 1) / g * ((values - values.mean(axis=0)) ** 2).sum(axis=0)))


def count_clusters(cluster: Codes) -> int:
    """Return how many clusters there are, by their codes.

    Examples
    --------
    >>> count_clusters(np.array([2, 0, 2]))
    2
    """
    # counting is ten times as fast as sorting
    return int(np.count_nonzero(np.bincount(cluster))) if len(cluster) else 0


def dense_codes(cluster: Codes) -> Codes:
    """Return the codes of clusters without gaps, in their order.

    Examples
    --------
    >>> dense_codes(np.array([5, 2, 5])).tolist()
    [1, 0, 1]
    """
    if not len(cluster):
        return cluster
    place = np.cumsum(np.bincount(cluster) > 0) - 1
    return np.asarray(place[cluster], dtype=np.int64)


def starts_of(cluster: Codes) -> Codes:
    """Return where each cluster begins, of codes that do not fall.

    Examples
    --------
    >>> starts_of(np.array([0, 0, 2, 5, 5])).tolist()
    [0, 2, 3]
    """
    return np.flatnonzero(np.r_[True, cluster[1:] != cluster[:-1]]) if len(cluster) else cluster


def mean_and_error(values: Array, weight: Array, cluster: Codes) -> tuple[float, float]:
    """Return a weighted mean and its cluster-robust standard error (ratio estimator).

    Examples
    --------
    >>> mean_and_error(np.array([1.0, 0.0]), np.ones(2), np.array([0, 1]))
    (0.5, 0.5...)
    """
    if len(values) == 0:
        return float("nan"), float("nan")
    mean = float(values @ weight / weight.sum())
    return mean, cluster_error(weight * (values - mean) / weight.sum(), cluster)


def share(
    values: Array, cluster: Codes, level: float = 0.95, weight: Array | None = None,
    spread: float = 1.0,
) -> dict[str, Any]:  # fmt: skip
    r"""Return a mean of values in [0, 1] with an interval that knows clusters.

    Parameters
    ----------
    values : ndarray, shape (n,)
    cluster : ndarray of int, shape (n,)
    level : float
    weight : ndarray, shape (n,), optional
    spread : float
        Variance as a multiple of what the clusters tell: 1 unless they depend.

    Returns
    -------
    dict
        ``estimate, std_error, conf_low, conf_high, n, n_clusters, reason``; the reason says
        why the interval, or without values the estimate, is NaN.

    Notes
    -----
    :func:`workbench.intervals.mid_p` at :func:`workbench.intervals.effective_size`: the
    interval lies in [0, 1], holds the estimate, and is not empty at 0 or 1. A single value is
    one trial.

    Examples
    --------
    >>> found = share(np.ones(50), np.arange(50))
    >>> round(found["conf_low"], 3), found["conf_high"]
    (0.942, 1.0)
    """
    weight, record = np.ones(len(values)) if weight is None else weight, no_value(cluster)
    used = weight > 0
    if not used.any():
        return record
    if not used.all():
        values, weight, cluster = values[used], weight[used], cluster[used]
    # rounding may leave a mean of ones above 1
    mean = float(np.clip(values @ weight / weight.sum(), 0.0, 1.0))
    if len(values) == 1:
        # one trial needs no error between clusters: its interval is exact
        low, high = mid_p(mean, 1.0, level)
        return record | {"estimate": mean, "conf_low": low, "conf_high": high, "reason": None}
    pull = weight * (values - mean) / weight.sum()
    ends = unit_interval(mean, pull, weight, cluster, level, spread=spread)
    return record | {"estimate": mean, **ends}


def no_value(cluster: Codes) -> dict[str, Any]:
    """Return the row of a statistic of which nothing is known yet: NaN, with its counts.

    Parameters
    ----------
    cluster : ndarray of int, shape (n,)

    Examples
    --------
    >>> row = no_value(np.array([0, 0, 1]))
    >>> row["n"], row["n_clusters"], row["reason"]
    (3.0, 2.0, 'no value')
    """
    return {
        **dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), np.nan),
        "n": float(len(cluster)),
        "n_clusters": float(count_clusters(cluster)),
        "reason": "no value",
    }


def resample(sums: Array, replicates: int, seed: int) -> Array:
    """Return sums of rows drawn with replacement, as many as there are.

    Parameters
    ----------
    sums : ndarray, shape (G, M)
        One row a cluster.
    replicates : int
    seed : int

    Returns
    -------
    ndarray, shape (replicates, M)

    Notes
    -----
    More than 20,000 clusters are first summed in random blocks of equal size, 10,000 to 20,000
    of them, which are then drawn: clusters are independent, so that the variance is the same in
    the mean, and its error (1 % of it) is less than that of 1,000 replicates (4 %).

    Examples
    --------
    >>> resample(np.array([[1.0], [1.0]]), 3, 0).ravel().tolist()
    [2.0, 2.0, 2.0]
    """
    rng = np.random.default_rng(seed)
    if len(sums) > _BLOCKS:
        sums = _blocks(sums, rng)
    g = len(sums)
    at_once = max(1, _COUNT_BYTES // (8 * g))
    parts = []
    for start in range(0, replicates, at_once):
        count = min(at_once, replicates - start)
        drawn = rng.integers(0, g, size=(count, g))
        drawn += g * np.arange(count)[:, None]
        times = np.bincount(drawn.ravel(), minlength=count * g).reshape(count, g)
        parts.append(times.astype(np.float64) @ sums)
    return np.concatenate(parts)


def _blocks(sums: Array, rng: np.random.Generator) -> Array:
    """Return the sums of clusters in random blocks of equal size, the last one apart."""
    g = len(sums)
    # blocks of one cluster and of two would differ more than clusters do
    block = rng.permutation(g) // -(-g // _BLOCKS)
    summed = csr_matrix((np.ones(g), (block, np.arange(g)))) @ sums
    return np.asarray(summed, dtype=np.float64)


def flip_p_value(sums: Array, *, mid: bool = False) -> float:
    r"""Return the two-sided p-value that every sum might as well have the other sign.

    .. math:: P\Big(\Big|\sum_g \varepsilon_g s_g\Big| \ge \Big|\sum_g s_g\Big|\Big)

    over random signs :math:`\varepsilon`: exact where a cluster's outcome is as likely as
    its reverse. Where every cluster is one outcome, it is the binomial test.

    Parameters
    ----------
    sums : ndarray, shape (clusters,)
        Whole numbers.
    mid : bool
        Whether half of the chance of what was seen counts: Lancaster's mid-P, which keeps its
        level on average, where the exact test of few outcomes stays far below.

    Notes
    -----
    Sums of random signs have the characteristic function :math:`\prod_g \cos(t s_g)`, which
    is inverted on whole numbers, exactly up to what has a chance below 1e-20. Below 1e-10
    Hoeffding's bound is given instead, which is larger.

    Examples
    --------
    >>> round(flip_p_value(np.array([1.0, 1.0, 1.0, -1.0])), 6)
    0.625
    """
    observed = abs(round(float(sums.sum())))
    net = np.abs(np.rint(sums)).astype(np.int64)
    found = np.bincount(net)
    sizes = np.flatnonzero(found[1:]) + 1
    times = found[sizes]
    if observed == 0 or len(sizes) == 0:
        return 1.0
    spread = float((sizes.astype(np.float64) ** 2 * times).sum())
    bound = float(min(2 * np.exp(-(observed**2) / (2 * spread)), 1.0))
    reach = min(int((sizes * times).sum()), int(np.sqrt(2 * _BEYOND * spread)) + 1)
    if observed > reach:
        return bound
    points = 2 * reach + 1
    t = 2 * np.pi * np.arange(points) / points
    values = np.ones(points)
    for size, count in zip(sizes, times, strict=True):
        values = values * np.cos(t * size) ** count
    chance = np.fft.irfft(values[: reach + 1], points)
    p = float(2 * chance[observed : reach + 1].sum())
    if p < _ROUNDING:
        return bound
    return min(p - mid * float(chance[observed]), 1.0)


def mean_difference(values: Array, cluster: Codes, level: float = 0.95) -> dict[str, Any]:
    """Return a mean with its cluster-robust t interval and test: of values without bounds.

    Differences between -1 and 1 have :func:`workbench.flips.paired_difference`, whose interval
    stays in that range; see there for what comes back. There is no interval where nothing
    varies or there is one cluster.

    Examples
    --------
    >>> mean_difference(np.array([1.0, 0.0]), np.array([0, 1]))["estimate"]
    0.5
    """
    mean, error = mean_and_error(values, np.ones(len(values)), cluster)
    if error <= _NOTHING * np.abs(values).max(initial=0.0):
        # equal values, but for the rounding of their mean
        error = 0.0
    return t_row(mean, error, len(values), cluster, level)


def t_row(estimate: float, error: float, n: int, cluster: Codes, level: float) -> dict[str, Any]:
    """Return an estimate with its t interval and test; see :func:`mean_difference`.

    Examples
    --------
    >>> t_row(0.0, 0.0, 4, np.arange(4), 0.95)["reason"]
    'no variation: the error is not known'
    """
    known, clusters = bool(error > 0), count_clusters(cluster)
    # one degree of freedom less than clusters: no test has any without two
    df = max(clusters - 1, 1)
    half = float(stdtrit(df, 0.5 + level / 2)) * error
    return {
        "estimate": estimate,
        "std_error": error,
        "conf_low": estimate - half if known else np.nan,
        "conf_high": estimate + half if known else np.nan,
        "p_value": 2 * float(stdtr(df, -abs(estimate) / error)) if known else np.nan,
        "n": float(n),
        "n_clusters": float(clusters),
        "reason": None if known else _NO_ERROR.get(clusters, NO_VARIATION),
    }


def auc_and_error(p: Array, positive: NDArray[np.bool_], cluster: Codes) -> tuple[float, float]:
    """Return the area under the ROC curve and its cluster-robust standard error.

    Parameters
    ----------
    p : ndarray, shape (n,)
        Predicted probabilities.
    positive : ndarray of bool, shape (n,)
    cluster : ndarray of int, shape (n,)

    Notes
    -----
    The placement values of DeLong, DeLong and Clarke-Pearson (1988), summed over clusters
    as Obuchowski (1997) does.
    """
    auc, pull = auc_and_pull(p, positive)
    return (auc, cluster_error(pull, cluster)) if np.isfinite(auc) else (auc, float("nan"))


def auc_and_pull(p: Array, positive: NDArray[np.bool_]) -> tuple[float, Array]:
    """Return the area under the ROC curve, NaN of one class, and each value's pull upon it.

    Examples
    --------
    >>> auc, pull = auc_and_pull(np.array([0.9, 0.4, 0.6]), np.array([True, True, False]))
    >>> auc, pull.round(2).tolist()
    (0.5, [0.25, -0.25, 0.0])
    """
    m, n = int(positive.sum()), int((~positive).sum())
    if m == 0 or n == 0:
        return float("nan"), np.zeros(len(p))
    placement = np.empty(len(p))
    placement[positive] = _shares_below(p[~positive], p[positive])
    placement[~positive] = 1.0 - _shares_below(p[positive], p[~positive])
    auc = float(placement[positive].mean())
    return auc, np.asarray((placement - auc) / np.where(positive, m, n))


def _shares_below(values: Array, at: Array) -> Array:
    """Return the share of values below each, those equal by half."""
    ordered = np.sort(values)
    twice = np.searchsorted(ordered, at, "left") + np.searchsorted(ordered, at, "right")
    return np.asarray(twice / (2 * len(ordered)))
