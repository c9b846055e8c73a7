"""Krippendorff's alpha for any number of raters, values and gaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import level_option, refuse_out_of_range
from workbench.intervals import Array
from workbench.structure.raters.counts import Counts, as_counts, counted, no_table, rating_table
from workbench.structure.raters.interval import (
    NONE_SHARED,
    ONE_VALUE,
    Measured,
    cluster_of,
    coefficient,
    no_measure,
)

Metric = Literal["nominal", "ordinal", "interval"]

_FEW_VALUES = 16
"""Different values up to which counting them is quicker than sums and squares."""

METRICS: tuple[Metric, ...] = ("nominal", "ordinal", "interval")


class Disagreement(NamedTuple):
    """Disagreement of the ratings, of each unit and of all, and how units change it.

    Attributes
    ----------
    n : ndarray, shape (units,)
        Ratings.
    observed, chance : float
        Sums over pairs of ratings of one unit, each divided by its ratings less one, and over
        all pairs of ratings.
    d_observed, d_chance : ndarray, shape (units,)
        Change of both sums due to a unit.
    most : float
        Largest distance of two ratings.
    """

    n: Array
    observed: float
    chance: float
    d_observed: Array
    d_chance: Array
    most: float


def krippendorff_alpha(
    ratings: ArrayLike | Counts,
    *,
    metric: Metric = "nominal",
    cluster: Sequence[int] | NDArray[Any] | None = None,
    level: float = 0.95,
) -> dict[str, Any]:
    r"""Return Krippendorff's alpha with its interval over clusters of units.

    .. math:: \alpha = 1 - (n - 1) \frac{\sum_u \frac{1}{n_u - 1} \sum_{i, j \in u}
              \delta(x_i, x_j)}{\sum_{i, j} \delta(x_i, x_j)}

    over the n ratings of units with two or more. The distance :math:`\delta` is 0 or 1
    (nominal), the square of the difference (interval), or of the difference of mid-ranks among
    all these ratings (ordinal).

    Parameters
    ----------
    ratings : array_like, shape (units, raters), or Counts
        NaN where a rater did not rate a unit.
    metric : {"nominal", "ordinal", "interval"}
    cluster : sequence of int, shape (units,), optional
        Units of one cluster depend; each is its own when None.
    level : float

    Returns
    -------
    dict
        ``estimate, std_error, conf_low, conf_high, n`` (units with two ratings or more),
        ``n_clusters, reason``.

    Raises
    ------
    DataError
        No table of numbers, or too many different values for counts.
    DesignError
        An option out of range.

    Notes
    -----
    A unit's influence is the derivative, that of the ordinal distance included; the interval is
    :func:`workbench.structure.raters.interval.coefficient`. It is for these raters, and other
    units. The table of coincidences is never formed: the sums over pairs follow from counts
    (nominal) and from sums and squares (interval and, of mid-ranks, ordinal).

    References
    ----------
    Krippendorff (2018), Content Analysis, 4th edition, chapter 12.

    Examples
    --------
    >>> nan = np.nan
    >>> ratings = [[1, 1, nan, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2],
    ...            [1, 2, 3, 4], [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [nan, 5, 5, 5],
    ...            [nan, nan, 1, 1], [nan, 3, nan, nan]]
    >>> found = krippendorff_alpha(ratings)  # published: 0.743
    >>> round(found["estimate"], 3), found["n"]
    (0.743, 11.0)
    """
    known = {"metric": (metric in METRICS, metric, " or ".join(METRICS)),
             "level": level_option(level)}  # fmt: skip
    refuse_out_of_range(known)
    counts = None
    if metric == "interval" and not isinstance(ratings, Counts):
        counts = counted(rating_table(ratings), _FEW_VALUES)
    if metric == "interval" and not isinstance(ratings, Counts) and counts is None:
        n, total, square, most = _moments(rating_table(ratings))
        codes, used = cluster_of(len(n), cluster), n > 1
        if not used.all():
            n, total, square, codes = n[used], total[used], square[used], codes[used]
        found = squared(n, total, square, most)
    else:
        table = counts or as_counts(ratings)
        codes, used = cluster_of(len(table), cluster), table.n > 1
        if not used.all():
            table, codes = table.take(used), codes[used]
        found = disagreement(table, metric)
    return coefficient(alpha_of(found), codes, level)


def alpha_of(found: Disagreement) -> Measured:
    """Return alpha with what each unit adds to it.

    Examples
    --------
    >>> found = alpha_of(disagreement(as_counts([[1, 1], [2, 2], [1, 2]]), "nominal"))
    >>> round(found.estimate, 6)
    0.444444
    """
    if not len(found.n):
        return no_measure(NONE_SHARED)
    n = float(found.n.sum())
    if found.most == 0 or found.chance <= 1e-12 * found.most:
        return no_measure(ONE_VALUE)
    ratio = found.observed / found.chance
    change = found.d_observed / found.chance - ratio * found.d_chance / found.chance
    pull = -(found.n * ratio + (n - 1) * change)
    certain = 2 * found.chance / (n * n * found.most)
    return Measured(min(1 - (n - 1) * ratio, 1.0), pull, certain)


def disagreement(table: Counts, metric: Metric) -> Disagreement:
    """Return the disagreement in a table of counts whose units have two ratings or more.

    Examples
    --------
    >>> disagreement(as_counts([[1, 1], [1, 2]]), "nominal").observed
    2.0
    """
    totals = table.counts.sum(axis=0, dtype=np.float64)
    if metric == "nominal":
        n = table.n
        own = (n * n - table.squares()) / (n - 1)
        N = float(totals.sum())
        d_chance = 2 * (N * n - table.dot(totals))
        most = float((totals > 0).sum() > 1)
        return Disagreement(
            n, float(own.sum()), N * N - float(totals @ totals), own, d_chance, most
        )
    used = totals > 0
    if metric == "interval":
        return _scored(table, table.values - table.values[used].mean(), used)
    return _ordinal(table, totals, used)


def squared(n: Array, total: Array, square: Array, most: float) -> Disagreement:
    """Return the disagreement by squared differences, from sums and squares of each unit.

    Parameters
    ----------
    n, total, square : ndarray, shape (units,)
        Ratings of each unit, their sum and the sum of their squares.
    most : float
        Largest squared difference.

    Examples
    --------
    >>> squared(np.array([2.0]), np.array([1.0]), np.array([1.0]), 1.0).observed
    2.0
    """
    own = 2 * (n * square - total * total) / (n - 1)
    own = np.maximum(own, 0.0)
    N, S, Q = float(n.sum()), float(total.sum()), float(square.sum())
    d_chance = 2 * (n * Q + N * square - 2 * S * total)
    return Disagreement(n, float(own.sum()), 2 * (N * Q - S * S), own, d_chance, most)


def _scored(table: Counts, scores: Array, used: NDArray[np.bool_]) -> Disagreement:
    most = float(np.ptp(scores[used])) ** 2 if used.any() else 0.0
    n, total, square = table.dot(np.ones(len(scores)), scores, scores**2)
    return squared(n, total, square, most)


def _ordinal(table: Counts, totals: Array, used: NDArray[np.bool_]) -> Disagreement:
    """Return squared differences of mid-ranks; units move the ranks, too."""
    N = float(totals.sum())
    # parts of all ratings, centred: squares of ranks of millions lose digits
    rank = (np.cumsum(totals) - totals / 2) / max(N, 1.0) - 0.5
    found = _scored(table, rank, used)
    n, total = found.n, table.dot(rank)
    weight = 1 / (n - 1)
    ratings, leaning = table.over(n * weight, total * weight)
    lean = ratings * rank - leaning
    moved = []
    for at in (lean, totals * (N * rank - float(totals @ rank))):
        # each rating of g lifts the ranks above g by 1 / N, its own by half of that; that all
        # ranks shrink by the growth of N changes observed and chance alike
        above = np.cumsum(at[::-1])[::-1] - at
        moved.append(4 * (above + at / 2) / max(N, 1.0))
    d_observed, d_chance = table.dot(*moved)
    return found._replace(
        d_observed=found.d_observed + d_observed, d_chance=found.d_chance + d_chance
    )


def _moments(table: Array) -> tuple[Array, Array, Array, float]:
    """Return ratings, their sums and squares about the middle, and the squared range."""
    units, raters = table.shape
    n, total, square = np.zeros(units), np.zeros(units), np.zeros(units)
    step = max(2**17 // max(raters, 1), 1)
    low, high, middle = np.inf, -np.inf, None
    for start in range(0, units, step):
        block = np.array(table[start : start + step].T, order="C")
        there = block == block
        if middle is None and there.any():
            middle = float(block[there].mean())
        block -= middle or 0.0
        low = min(low, float(np.fmin.reduce(block, axis=None, initial=np.inf)))
        high = max(high, float(np.fmax.reduce(block, axis=None, initial=-np.inf)))
        np.copyto(block, 0.0, where=~there)
        at = slice(start, start + step)
        n[at] = np.add.reduce(there.view(np.uint8), axis=0, dtype=np.uint32)
        total[at] = block.sum(axis=0)
        square[at] = np.einsum("ij,ij->j", block, block)
    if np.isinf(low - high) and n.any():
        raise no_table(table)
    return n, total, square, (high - low) ** 2 if high > low else 0.0
