"""What each rater does to the agreement, and how far each two agree."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from workbench.agreement import weighted_kappa
from workbench.clustered import t_row
from workbench.decompose.errors.tidy import q_values
from workbench.intervals import Array
from workbench.results import TIDY
from workbench.structure.raters.interval import ONE_VALUE
from workbench.structure.raters.ratings import SIDES, Ratings

MOST_RATERS = 20
"""Raters beyond which no kappa of each two is given."""

_ONLY_TWO = "without this rater no pair has two ratings"


class _Sums(NamedTuple):
    """Sums that alpha is a function of: of all pairs, or of each cluster.

    Ratings; their pairs' squared differences over the ratings less one, a unit; and squares
    about the tie.
    """

    n: Any
    own: Any
    square: Any


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
    square = found.counts @ scores**2
    whole = _Sums(n, _own(n, total, square), square)
    size = int(found.cluster.max()) + 1
    of_cluster = [np.bincount(found.cluster, part, size) for part in whole]
    alpha, slope = _alpha(*(float(part.sum()) for part in whole))
    order = np.argsort(found.rater, kind="stable")
    bounds = np.cumsum(np.bincount(found.rater, minlength=len(found.names)))[:-1]
    rows = []
    for name, at in zip(found.names, np.split(order, bounds), strict=True):
        unit, x = found.unit[at], scores[found.value[at]]
        left, sums, squares = n[unit] - 1, total[unit] - x, square[unit] - x**2
        alone = left < 2
        left = np.where(alone, 0.0, left)
        squares = np.where(alone, 0.0, squares)
        changed = (
            left - n[unit],
            _own(left, sums, squares) - whole.own[unit],
            squares - square[unit],
        )
        less = [part + np.bincount(found.cluster[unit], change, size)
                for part, change in zip(of_cluster, changed, strict=True)]  # fmt: skip
        other, turned = _alpha(*(float(part.sum()) for part in less))
        moved = sum(
            b * new - a * old
            for a, old, b, new in zip(slope, of_cluster, turned, less, strict=True)
        )
        rows.append({"term": name, **_change(other - alpha, np.asarray(moved), len(at), level),
                     "alpha": alpha, "alpha_without": other})  # fmt: skip
        if np.isnan(other):
            rows[-1]["reason"] = _ONLY_TWO if less[0].sum() == 0 else ONE_VALUE
    table = pd.DataFrame(rows)
    if len(table):
        table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
        table = table[[*TIDY, "n_clusters", "alpha", "alpha_without", "reason"]]
    return table


def each_two(found: Ratings, level: float) -> pd.DataFrame:
    """Return kappa (quadratic weights, sides both ways) of each two raters of a few.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.structure.raters.ratings import ratings_of
    >>> len(each_two(ratings_of(wb.load("sample")), 0.95))
    66
    """
    R = len(found.names)
    if not 2 <= R <= MOST_RATERS:
        return pd.DataFrame()
    said = np.full((len(found.counts), R), np.nan)
    said[found.unit, found.rater] = SIDES[found.value]
    rows = []
    for one in range(R):
        for other in range(one + 1, R):
            both = np.isfinite(said[:, one]) & np.isfinite(said[:, other])
            x, y, code = said[both, one], said[both, other], found.cluster[both]
            kappa = weighted_kappa(np.r_[x, 1 - x], np.r_[y, 1 - y], np.r_[code, code], level)
            if not both.any():
                kappa["reason"] = "no pair was judged by both"
            rows.append({
                "term": f"{found.names[one]} and {found.names[other]}",
                "annotator": found.names[one], "other": found.names[other],
                "agreement": float((x == y).mean()) if both.any() else np.nan,
                **kappa, "n": float(both.sum()),
            })  # fmt: skip
    return pd.DataFrame(rows)


def _own(n: Array, total: Array, square: Array) -> Array:
    """Return the squared differences of the pairs of ratings of a unit, over n - 1."""
    room = np.maximum(n - 1, 1.0)
    return np.where(n > 1, np.maximum(2 * (n * square - total**2) / room, 0.0), 0.0)


def _alpha(n: float, own: float, square: float) -> tuple[float, tuple[float, float, float]]:
    """Return alpha of units both ways, and its derivatives by the three sums."""
    if n < 2 or square <= 0:
        return np.nan, (np.nan, np.nan, np.nan)
    # both ways: 2 n ratings of mean 0, squared differences 2 own, chance 2 (2 n) (2 square)
    ratio = own / (4 * n * square)
    alpha = 1 - (2 * n - 1) * ratio
    return alpha, (-ratio / n, -(2 * n - 1) / (4 * n * square), (2 * n - 1) * ratio / square)


def _change(change: float, moved: Array, n: int, level: float) -> dict[str, Any]:
    """Return the change of alpha with its interval over clusters."""
    g = len(moved)
    if np.isnan(change):
        return {**t_row(np.nan, np.nan, n, np.arange(g), level), "estimate": np.nan}
    error = float(np.sqrt(g / max(g - 1, 1) * ((moved - moved.mean()) ** 2).sum()))
    return t_row(change, error if g > 1 and error > 1e-12 else 0.0, n, np.arange(g), level)
