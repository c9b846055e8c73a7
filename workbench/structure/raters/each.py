"""What each rater does to the agreement."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from workbench.decompose.errors.tidy import q_values
from workbench.intervals import NO_VARIATION, ONE_CLUSTER, Array, Codes
from workbench.results import TIDY
from workbench.structure.raters.interval import ONE_VALUE
from workbench.structure.raters.ratings import SIDES, Ratings

_NOTHING = 1e-12

_ONLY_TWO = "without this rater no pair has two ratings"


def without_each(found: Ratings, level: float) -> pd.DataFrame:
    """Return alpha (ordinal) without each rater, and how far that differs from alpha.

    With sides both ways the values are A, tie and B at equal distances, so that ordinal alpha
    is interval alpha: it follows from sums over pairs, of which each rater's part is taken off.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.structure.raters.ratings import ratings_of
    >>> table = without_each(ratings_of(wb.load("sample")), 0.95)
    >>> len(table), list(table.columns[:3])
    (12, ['term', 'estimate', 'std_error'])
    """
    scores = SIDES - 0.5
    n, total = found.counts.sum(axis=1), found.counts @ scores
    sums = _sums(n, total, found.counts @ scores**2)
    g = int(found.cluster.max()) + 1
    of_cluster = np.stack([np.bincount(found.cluster, part, g) for part in sums], axis=1)
    everyone = of_cluster.sum(axis=0)
    crossed = of_cluster.T @ of_cluster
    cubed = np.einsum("gi,gj,gk->ijk", of_cluster, of_cluster, of_cluster, optimize=True)
    alpha, slope = _alpha(everyone)
    order = np.argsort(found.rater, kind="stable")
    bounds = np.cumsum(np.bincount(found.rater, minlength=len(found.names)))[:-1]
    rows, (alike, lost_by) = [], _without_one(found.counts)
    for name, at in zip(found.names, np.split(order, bounds), strict=True):
        unit = found.unit[at]
        kind = 3 * alike[unit] + found.value[at]
        touched, code = _touched(found.cluster[unit], g)
        less = np.stack([np.bincount(code, part[kind], len(touched)) for part in lost_by], axis=1)
        other, turned = _alpha(everyone + less.sum(axis=0))
        # what each cluster moves: its sums times the change of slope, and what it loses
        lean, lost = turned - slope, less @ turned
        mean = (everyone @ lean + lost.sum()) / g
        own = of_cluster[touched] @ lean
        size = lean @ crossed @ lean + lost @ lost
        square = size + 2 * own @ lost
        # what is left of sums that take each other off is rounding
        spread = square - g * mean**2 if square - g * mean**2 > _NOTHING * size else 0.0
        cube = cubed @ lean @ lean @ lean + ((own + lost) ** 3 - own**3).sum()
        few = _ONLY_TWO if everyone[0] + less[:, 0].sum() < 2 else ONE_VALUE
        rows.append({
            "term": name, "estimate": other - alpha, "n": float(len(at)), "alpha": alpha,
            "alpha_without": other, "variance": spread * g / max(g - 1, 1),
            "cube": cube - 3 * mean * square + 2 * g * mean**3,
            "reason": few if np.isnan(other) else None,
        })  # fmt: skip
    return _with_intervals(pd.DataFrame(rows), g, level)


def _without_one(counts: Array) -> tuple[NDArray[np.int64], Array]:
    """Return which pairs have the same ratings, and what these lose with each of the values.

    Returns
    -------
    alike : ndarray of int, shape (units,)
    less : ndarray, shape (3, 3 x kinds)
        Change of the sums of :func:`_sums`, of kind k without value v at ``3 k + v``.
    """
    size = counts.max(initial=0.0) + 1
    # one number a pair, unless votes are so many that it would be rounded
    key, axis = (counts @ size ** np.arange(3.0), None) if size**3 < 2.0**53 else (counts, 0)
    _, first, alike = np.unique(key, return_index=True, return_inverse=True, axis=axis)
    x, kinds = SIDES - 0.5, counts[first]
    n, total, square = (part[:, None] for part in (kinds.sum(1), kinds @ x, kinds @ x**2))
    whole, rest = _sums(n, total, square), _sums(n - 1, total - x, square - x**2)
    less = np.stack([(b - a + np.zeros(3)).ravel() for a, b in zip(whole, rest, strict=True)])
    return np.asarray(alike, dtype=np.int64), less


def _touched(cluster: Codes, g: int) -> tuple[Codes, Codes]:
    """Return the clusters that there are among g, and the place of each unit's among them."""
    if len(cluster) * 8 < g:
        found, place = np.unique(cluster, return_inverse=True)
        return found, place
    there = np.bincount(cluster, minlength=g) > 0
    return np.flatnonzero(there), (np.cumsum(there) - 1)[cluster]


def _with_intervals(table: pd.DataFrame, g: int, level: float) -> pd.DataFrame:
    r"""Return changes with Student's t over g clusters, corrected for skewness by Hall (1992).

    Few pairs make most of a change, so that t is skewed, the more the less a rater counts; with
    the skewness s of what clusters do and :math:`a = s / \sqrt{g}`, the statistic is
    :math:`t + a t^2 / 3 + a^2 t^3 / 27 + a / 6`. There is no interval where nothing varies.
    """
    if table.empty:
        return table
    change = table["estimate"].to_numpy("float64")
    error = np.sqrt(table["variance"].to_numpy("float64"))
    known = (error > _NOTHING) & (g > 1)
    error = np.where(known, error, np.nan)
    limit = float(t.ppf(0.5 + level / 2, max(g - 1, 1)))
    skew = table["cube"].to_numpy("float64") / error**3 * (g / max(g - 1, 1)) ** 1.5
    p = 2 * t.sf(np.abs(_unskewed(change / error, skew)), max(g - 1, 1))
    blank = NO_VARIATION if g > 1 else ONE_CLUSTER
    why = pd.Series([None if one else blank for one in known], dtype="object")
    table = table.assign(
        std_error=error, conf_low=change - error * _skewed(limit, skew),
        conf_high=change - error * _skewed(-limit, skew), p_value=p,
        q_value=q_values(np.asarray(p, dtype=np.float64)), n_clusters=float(g),
        reason=table["reason"].where(table["reason"].notna(), why),
    )  # fmt: skip
    return table[[*TIDY, "n_clusters", "alpha", "alpha_without", "reason"]]


def _unskewed(value: Array, skew: Array) -> Array:
    """Return t without its skewness: Hall's transformation, which increases."""
    return np.asarray(value + skew * value**2 / 3 + skew**2 * value**3 / 27 + skew / 6)


def _skewed(value: float, skew: Array) -> Array:
    """Return the t that :func:`_unskewed` turns into a value.

    Examples
    --------
    >>> skew = np.array([0.0, 0.2])
    >>> _unskewed(_skewed(2.0, skew), skew).round(6).tolist()
    [2.0, 2.0]
    """
    some = np.where(np.abs(skew) > 1e-6, skew, 1.0)
    turned = 3 / some * (np.cbrt(1 + some * (value - some / 6)) - 1)
    return np.where(np.abs(skew) > 1e-6, turned, value)


def _sums(n: Array, total: Array, square: Array) -> tuple[Array, Array, Array]:
    """Return what alpha is a function of, of each unit; 0 where fewer than two ratings are left.

    Ratings; squared differences of their pairs over the ratings less one; squares about the tie.
    """
    there = n > 1
    own = np.maximum(2 * (n * square - total**2) / np.maximum(n - 1, 1.0), 0.0)
    return np.where(there, n, 0.0), np.where(there, own, 0.0), np.where(there, square, 0.0)


def _alpha(sums: Array) -> tuple[float, Array]:
    """Return alpha of units both ways, and its derivatives by the three sums."""
    n, own, square = sums.tolist()
    if n < 2 or square <= _NOTHING:
        return np.nan, np.full(3, np.nan)
    # both ways: 2 n ratings of mean 0, squared differences 2 own, chance 2 (2 n) (2 square)
    ratio = own / (4 * n * square)
    slope = [-ratio / n, -(2 * n - 1) / (4 * n * square), (2 * n - 1) * ratio / square]
    return 1 - (2 * n - 1) * ratio, np.array(slope)
