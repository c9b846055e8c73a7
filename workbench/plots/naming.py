"""Names beside points, where they do not hide one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from workbench.plots.theme import label

_CANVAS = (700.0, 320.0)
"""Pixels of the plot that names are placed for; on a wider one they are further apart."""

_LETTER, _LINE, _MARK = 7.2, 14.0, 7.0
_MOST = 30
"""Names with which a figure is still read."""
_CLOSE = "bottom right"


class Named(NamedTuple):
    """The name beside each point and where it stands; empty where there is no room."""

    texts: list[str]
    places: list[str]


def name_points(
    x: ArrayLike,
    y: ArrayLike,
    names: Sequence[str],
    first: Sequence[bool],
    limits: tuple[tuple[float, float], tuple[float, float]],
) -> Named:
    """Return names for as many points as have room for one, the most important before others.

    Parameters
    ----------
    x, y : array_like
        Of the points.
    names : sequence of str
        Names of the data; they are escaped and shortened here.
    first : sequence of bool
        The points that matter most; then come those that are furthest from the middle.
    limits : pair of pairs
        Ends of both axes.

    Examples
    --------
    >>> name_points([0.1, 0.9], [0.5, 0.5], ["a", "b"], [True, False], ((0, 1), (0, 1))).texts
    ['a', 'b']
    >>> name_points([0.1, 0.1], [0.5, 0.5], ["a", "b"], [False, True], ((0, 1), (0, 1))).texts[1]
    'b'
    """
    points = np.column_stack([_pixels(x, limits[0], 0), _pixels(y, limits[1], 1)])
    inside = np.all((points >= 0) & (points <= np.array(_CANVAS)), axis=1)
    far = np.abs(points / _CANVAS - 0.5).sum(axis=1)
    order = np.lexsort([-far, -np.asarray(first, "float64")])
    taken = [(px - _MARK, py - _MARK, px + _MARK, py + _MARK) for px, py in points[inside]]
    texts, places = [""] * len(names), [_CLOSE] * len(names)
    for k in (int(k) for k in order if inside[k]):
        if sum(map(bool, texts)) >= _MOST:
            break
        text = label(names[k])
        for place in _PLACES:
            box = _box(points[k], len(names[k]), place)
            # the mark that is named may touch its name
            if _fits(box, [one for one in taken if not _same(one, points[k])]):
                texts[k], places[k] = text, place
                taken.append(box)
                break
    return Named(texts, places)


# beside the lines of the intervals, which go up and across
_PLACES = ("top right", "top left", "bottom right", "bottom left", "middle right", "middle left")

_Box = tuple[float, float, float, float]


def _pixels(values: ArrayLike, limits: tuple[float, float], axis: int) -> np.ndarray:
    span = limits[1] - limits[0] or 1.0
    return (np.asarray(values, "float64") - limits[0]) / span * _CANVAS[axis]


def _box(point: np.ndarray, letters: int, place: str) -> _Box:
    vertical, horizontal = place.split()
    wide, x, y = _LETTER * min(letters, 40), float(point[0]), float(point[1])
    left = {"center": x - wide / 2, "right": x + _MARK / 2, "left": x - _MARK / 2 - wide}[
        horizontal
    ]
    low = {"middle": y - _LINE / 2, "top": y + 2, "bottom": y - 2 - _LINE}[vertical]
    return left, low, left + wide, low + _LINE


def _fits(box: _Box, taken: Sequence[_Box]) -> bool:
    if box[0] < 0 or box[1] < 0 or box[2] > _CANVAS[0] or box[3] > _CANVAS[1]:
        return False
    return not any(
        box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
        for other in taken
    )


def _same(box: _Box, point: np.ndarray) -> bool:
    return bool(abs(box[0] + _MARK - point[0]) < 1e-9 and abs(box[1] + _MARK - point[1]) < 1e-9)
