"""Strengths of categories against each other, and how far they lie apart beyond noise."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from workbench.clustered import Array
from workbench.decompose.kernel import logistic

_MAX_STEPS = 200
_LONGEST = 2.0
_CLOSE = 1e-10
_HALVINGS = 30

NO_ERRORS = "no category was given where another was right: nothing shows a preference"


ONLY_NEVER_RIGHT = "what was given wrongly is never right here: no two categories can be compared"


class Strengths(NamedTuple):
    """Strengths of categories of one annotator, and what resampling does to them.

    Attributes
    ----------
    estimate : ndarray, shape (C,)
        They sum to 0 over the categories that are in the model; NaN for others.
    noise : ndarray, shape (replicates, C)
        What resampled conversations add; 0 for categories that are not in the model.
    taken : ndarray, shape (C, C)
        Covariance of what the ridge takes.
    """

    estimate: Array
    noise: Array
    taken: Array

    @property
    def variance(self) -> Array:
        """Variance of each strength, shape (C,)."""
        return np.asarray(self.noise.var(axis=0, ddof=1) + np.diag(self.taken))


def strengths(tallies: Array, ridge: float, equal: bool) -> Array:
    r"""Return Bradley-Terry strengths of categories, given for one another, with a ridge.

    .. math:: \max_\theta \sum_{i \ne j} w_{ij} \log \sigma(\theta_i - \theta_j + o_{ij})
              - \frac{\lambda}{2} \sum_i \theta_i^2

    where :math:`w_{ij}` counts that i was given where j was right, and the offset :math:`o_{ij}`
    is 0 or, at equal base rates, :math:`\log(N_j / N_i)` of how often each was right.

    Parameters
    ----------
    tallies : ndarray, shape (..., C, C)
        Counts by category given and right.
    ridge : float
    equal : bool

    Returns
    -------
    ndarray, shape (..., C)
        They sum to 0. At equal base rates a category that is never right is in no comparison.

    Examples
    --------
    >>> counts = np.array([[8.0, 6.0], [2.0, 4.0]])
    >>> strengths(counts, 1e-9, False).round(3).tolist()  # log(6 / 2) apart
    [0.549, -0.549]
    """
    w, offset = _compared(tallies, equal)
    theta = np.zeros(w.shape[:-1])
    met = w + np.swapaxes(w, -1, -2)
    eye = np.eye(w.shape[-1])
    for _ in range(_MAX_STEPS):
        p = logistic(theta[..., :, None] - theta[..., None, :] + offset)
        slope = (w - met * p).sum(axis=-1) - ridge * theta
        hessian = _information(met, p) + ridge * eye
        step = np.linalg.solve(hessian, slope[..., None])[..., 0]
        size = np.abs(step).max(axis=-1, keepdims=True)
        # concave: a long step is shortened, so that none leaves the region of the maximum
        theta = theta + step * np.minimum(1.0, _LONGEST / np.maximum(size, _CLOSE))
        if float(size.max(initial=0.0)) < _CLOSE:
            break
    return np.asarray(theta)


def _compared(tallies: Array, equal: bool) -> tuple[Array, Array]:
    """Return the counts that are compared, and the offsets of their log-odds."""
    w = tallies * (1 - np.eye(tallies.shape[-1]))
    offset = np.zeros_like(w)
    if equal:
        right = tallies.sum(axis=-2)
        seen = right > 0
        both = seen[..., :, None] & seen[..., None, :]
        logs = np.log(np.where(seen, right, 1.0))
        offset = np.where(both, logs[..., None, :] - logs[..., :, None], 0.0)
        w = np.where(both, w, 0.0)
    return w, offset


def _information(met: Array, p: Array) -> Array:
    curved = met * p * (1 - p)
    return np.asarray(np.eye(met.shape[-1]) * curved.sum(axis=-1)[..., None] - curved)


def ridge_covariance(
    tallies: Array, theta: Array, ridge: float, equal: bool, used: NDArray[np.bool_]
) -> Array:
    r"""Return the covariance of what the ridge takes from strengths, shape (C, C).

    .. math:: J (H + \lambda)^{-1} \lambda (H + \lambda)^{-1} J

    with the information H, and J that centres. A ridge is a normal prior (Wahba 1983; Nychka
    1988): a category that was always, or never, given has no other end, which no resample shows.

    Examples
    --------
    >>> counts, both = np.array([[9.0, 80.0], [0.0, 9.0]]), np.array([True, True])
    >>> theta = strengths(counts, 0.25, False)
    >>> np.diag(ridge_covariance(counts, theta, 0.25, False, both)).round(1).tolist()
    [0.1, 0.1]
    """
    w, offset = _compared(tallies, equal)
    met, eye = w + w.T, np.eye(len(w))
    p = logistic(theta[:, None] - theta[None, :] + offset)
    centre = (eye - np.outer(used, used) / used.sum()) * used[:, None]
    taken = centre @ np.linalg.inv(_information(met, p) + ridge * eye)
    return np.asarray(ridge * taken @ taken.T)


def in_model(tallies: Array, equal: bool) -> NDArray[np.bool_]:
    """Return which categories are compared with any other, shape (C,)."""
    w = tallies * (1 - np.eye(len(tallies)))
    if equal:
        seen = tallies.sum(axis=0) > 0
        w = w * seen[:, None] * seen[None, :]
    return np.asarray((w.sum(axis=0) + w.sum(axis=1)) > 0)


def resampled(tallies: Array, drawn: Array, ridge: float, equal: bool) -> Strengths:
    """Return strengths with the noise of resampled conversations.

    Parameters
    ----------
    tallies : ndarray, shape (C, C)
    drawn : ndarray, shape (replicates, C, C)
        Tallies of conversations drawn with replacement.
    ridge : float
    equal : bool
    """
    used = in_model(tallies, equal)
    if used.sum() < 2:
        C = len(tallies)
        return Strengths(np.full(C, np.nan), np.zeros((len(drawn), C)), np.zeros((C, C)))
    plain = strengths(tallies, ridge, equal)
    found, again = (_centred(t, used) for t in (plain, strengths(drawn, ridge, equal)))
    return Strengths(
        np.where(used, found, np.nan),
        np.where(used, again - found, 0.0),
        ridge_covariance(tallies, plain, ridge, equal, used),
    )


def _centred(theta: Array, used: NDArray[np.bool_]) -> Array:
    kept = np.where(used, theta, 0.0)
    return np.where(used, kept - kept.sum(axis=-1, keepdims=True) / used.sum(), 0.0)


def spread(found: Strengths) -> tuple[dict[str, float], Array]:
    r"""Return the standard deviation of strengths without that of noise, and its likely values.

    .. math:: \hat s = \sqrt{\max\Big(0, \frac1C \sum_i \hat\theta_i^2 - \frac1C \sum_i
              \widehat{var}(\hat\theta_i)\Big)}

    Parameters
    ----------
    found : Strengths

    Returns
    -------
    record : dict
        ``estimate, uncorrected, noise``; all in log-odds.
    likely : ndarray, shape (replicates,)
        The standard deviation at which each replicate's noise makes what was observed, strengths
        lying in the direction that was found: their quantiles are the ends of intervals.

    Examples
    --------
    >>> noise = np.array([[0.1, -0.1], [-0.1, 0.1]])
    >>> record, likely = spread(Strengths(np.array([1.0, -1.0]), noise, np.zeros((2, 2))))
    >>> round(record["estimate"], 3), likely.round(2).tolist()
    (0.995, [0.9, 1.1])
    """
    used = np.isfinite(found.estimate)
    theta, noise = found.estimate[used], found.noise[:, used]
    C = len(theta)
    own, more = float(theta @ theta), (noise**2).sum(axis=1)
    average = float(((noise - noise.mean(axis=0)) ** 2).sum(axis=1).mean())
    size = np.sqrt(own)
    along = noise @ theta / size if size > 0 else np.zeros(len(noise))
    inside = along**2 - more + own
    # of a replicate whose noise alone exceeds what was seen, no spread is likely but 0
    root = np.where(inside > 0, np.sqrt(np.maximum(inside, 0.0)) - along, 0.0)
    root = np.where(root > 0, root + _of_ridge(found, used, len(root)), 0.0)
    record = {
        "estimate": float(np.sqrt(max(own - average, 0.0) / C)),
        "uncorrected": float(size / np.sqrt(C)),
        "noise": float(np.sqrt(average / C)),
    }
    return record, np.maximum(root, 0.0) / np.sqrt(C)


def _of_ridge(found: Strengths, used: NDArray[np.bool_], replicates: int) -> Array:
    """Return how far what the ridge takes may move the length of strengths, by replicate."""
    theta = found.estimate[used]
    own = float(theta @ theta)
    inner = found.taken[np.ix_(used, used)]
    error = float(np.sqrt(theta @ inner @ theta / own)) if own > 0 else 0.0
    # the same whatever the data: renamed categories and annotators change nothing
    rank = np.random.default_rng(0).permutation(replicates)
    return np.asarray(error * ndtri((rank + 0.5) / replicates))


def spread_ends(likely: Array, level: float, estimate: float) -> dict[str, float]:
    """Return the ends of an interval of likely values, which holds the estimate.

    An estimate may lie beyond most likely values where most of what was seen is noise.

    Examples
    --------
    >>> spread_ends(np.arange(5.0), 0.5, 3.5)
    {'conf_low': 1.0, 'conf_high': 3.5}
    """
    low, high = np.quantile(likely, [(1 - level) / 2, (1 + level) / 2])
    return {"conf_low": min(float(low), estimate), "conf_high": max(float(high), estimate)}


def spread_difference(
    mine: tuple[float, Array], theirs: tuple[float, Array], level: float
) -> dict[str, float]:
    r"""Return a difference of two spreads with its interval and p-value.

    .. math:: L = d - \sqrt{(s_1 - l_1)^2 + (u_2 - s_2)^2}, \qquad
              U = d + \sqrt{(u_1 - s_1)^2 + (s_2 - l_2)^2}

    from the ends of both (Zou and Donner 2008): a spread has no lower end below 0, so that
    intervals are not symmetric. Where a lower end is 0 the two parts add up: an estimate cut at 0
    is too large on average.

    Parameters
    ----------
    mine, theirs : tuple of float and ndarray
        Estimate and likely values, as :func:`spread` gives them.
    level : float

    Returns
    -------
    dict
        ``estimate, conf_low, conf_high, p_value``: p is 1 less the level at which 0 is an end.

    Examples
    --------
    >>> likely = np.linspace(0.8, 1.2, 101)
    >>> found = spread_difference((1.0, likely), (0.0, np.zeros(101)), 0.9)
    >>> round(found["conf_low"], 2), found["p_value"] < 0.01
    (0.82, True)
    """

    def ends(at: float) -> tuple[float, float]:
        (s1, one), (s2, two) = mine, theirs
        low1, high1 = spread_ends(one, at, s1).values()
        low2, high2 = spread_ends(two, at, s2).values()
        down = _together(s1 - low1, high2 - s2, low1 == 0)
        up = _together(high1 - s1, s2 - low2, low2 == 0)
        return s1 - s2 - down, s1 - s2 + up

    sure, unsure = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (sure + unsure) / 2
        low, high = ends(middle)
        sure, unsure = (middle, unsure) if low > 0 or high < 0 else (sure, middle)
    low, high = ends(level)
    # resamples tell no chance below one among them
    p = max(1 - sure, 1 / (1 + len(mine[1])))
    return {"estimate": mine[0] - theirs[0], "conf_low": low, "conf_high": high, "p_value": p}


def _together(one: float, other: float, at_zero: bool) -> float:
    return one + other if at_zero else float(np.hypot(one, other))


def parted(tallies: Array, names: list[str]) -> list[list[str]]:
    """Return groups of categories that were never given for one another, if there are several."""
    from scipy.sparse.csgraph import connected_components

    used = in_model(tallies, False)
    w = (tallies * (1 - np.eye(len(tallies))))[np.ix_(used, used)]
    count, group = connected_components(w + w.T, directed=False)
    own: list[Any] = [name for name, keep in zip(names, used, strict=True) if keep]
    found = [[name for name, g in zip(own, group, strict=True) if g == k] for k in range(count)]
    return found if count > 1 else []


def unbounded(tallies: Array, names: list[str]) -> list[str]:
    """Return the categories that were always, or never, given where either was right.

    Examples
    --------
    >>> unbounded(np.array([[1, 5, 0], [0, 1, 2], [0, 2, 1]]), ["a", "b", "c"])
    ['a']
    """
    w = tallies * (1 - np.eye(len(tallies)))
    given, missed = w.sum(axis=1), w.sum(axis=0)
    one_way = (given + missed > 0) & ((given == 0) | (missed == 0))
    return [name for name, at in zip(names, one_way, strict=True) if at]
