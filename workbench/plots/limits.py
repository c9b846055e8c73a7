"""How far an axis reaches: one interval that is far wider than the others does not squash them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_WIDER = 8.0
"""Times the median width from which an interval does not decide how far the axis reaches."""

_WORTH = 1.6
"""Times the range without them that the whole range must be, for an interval to be cut."""

_ROOM = 0.04


def robust_limits(
    centre: ArrayLike, low: ArrayLike, high: ArrayLike, include: float | None = None
) -> tuple[float, float]:
    """Return the ends of an axis on which intervals are drawn.

    Parameters
    ----------
    centre, low, high : array_like
        Estimates and the ends of their intervals; NaN where undefined.
    include : float, optional
        A value that is always on view, such as that of no effect.

    Returns
    -------
    tuple of float
        They hold every interval, except those more than 8 times as wide as the median one,
        where they would make the rest small.

    Examples
    --------
    >>> low, high = robust_limits([1, 2, 3, 50], [0, 1, 2, -900], [2, 3, 4, 1000])
    >>> low < 0, 4 < high < 10
    (True, True)
    """
    middle, ends = _ends(centre, low, high)
    known = np.isfinite(middle)
    if not known.any():
        return -1.0, 1.0
    ends = ends[:, known]
    width = ends[1] - ends[0]
    some = width[width > 0]
    kept = width <= (_WIDER * np.median(some) if len(some) else np.inf)
    first = [] if include is None else [include]
    whole = _span(ends, first)
    inner = _span(ends[:, kept], first)
    cut = whole[1] - whole[0] > _WORTH * (inner[1] - inner[0])
    start, end = inner if cut else whole
    room = _ROOM * (end - start) or 0.5
    return start - room, end + room


def cut_ends(
    centre: ArrayLike, low: ArrayLike, high: ArrayLike, limits: tuple[float, float]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell of each interval whether it goes beyond the left and the right end of an axis.

    Examples
    --------
    >>> left, right = cut_ends([0.0], [-5.0], [0.5], (-1.0, 1.0))
    >>> left.tolist(), right.tolist()
    ([True], [False])
    """
    middle, ends = _ends(centre, low, high)
    with np.errstate(invalid="ignore"):
        known = np.isfinite(middle)
        return known & (ends[0] < limits[0]), known & (ends[1] > limits[1])


def _ends(centre: ArrayLike, low: ArrayLike, high: ArrayLike) -> tuple[Array, Array]:
    middle = np.asarray(centre, "float64")
    ends = np.stack([np.asarray(end, "float64") for end in (low, high)])
    # an estimate without an interval is a point
    return middle, np.where(np.isfinite(ends).all(axis=0), ends, middle)


def _span(ends: Array, first: list[float]) -> tuple[float, float]:
    values = [*ends.ravel().tolist(), *first]
    return min(values), max(values)
