"""How tall a figure of rows is, and how its first rows are shown alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.plots.behind import EXTRA
from workbench.plots.theme import axis_on_top

Array = NDArray[np.float64]

TALLEST = 1200
"""Pixels of a figure that a reader can still take in."""

_FIXED = 110
_ROW, _GROUP = 26, 15
_LEAST_ROW, _LEAST_GROUP = 14, 4
_NAME = 36
_MOST = 4000
"""Pixels above which browsers draw a figure of rows too slowly."""

_SOME, _FEW = 8, 3
"""Rows that are shown in any case; rows that are not worth folding."""


class Rows(NamedTuple):
    """How the rows of a figure are laid out.

    Attributes
    ----------
    shown : int
        Rows that are drawn.
    height : int
        Pixels of the figure.
    """

    shown: int
    height: int


def lay_out(rows: int, groups: int, ranked: bool) -> Rows:
    """Return how many rows have room, and how tall the figure is.

    Parameters
    ----------
    rows, groups : int
    ranked : bool
        Whether the last rows say least, and may be left to the table.

    Examples
    --------
    >>> lay_out(4, 1, ranked=True)
    Rows(shown=4, height=214)
    >>> lay_out(300, 2, ranked=True).height <= TALLEST
    True
    """
    room = TALLEST - _FIXED
    row: float = max(_ROW, _GROUP * groups)
    if rows * row > room:
        row = max(_LEAST_ROW, _LEAST_GROUP * groups, room / rows)
    shown = min(rows, max(1, int((room if ranked else _MOST) / row + 1e-9)))
    # on a narrow screen each name of the legend has a line above the rows
    legend = _FIXED + _NAME * min(groups, _SOME) if groups > 1 else 0
    return Rows(shown, max(_FIXED + round(shown * row), legend))


def remember(figure: go.Figure, rows: Rows, groups: int, clear: int) -> go.Figure:
    """Note in a figure how many of its rows come first, so that it can be folded."""
    first = min(max(clear, _SOME), rows.shown)
    first = rows.shown if rows.shown - first <= _FEW else first
    saved = rows.height - lay_out(first, groups, ranked=True).height
    fold = {"rows": rows.shown, "first": first, "saved": saved, "reach": _reach(figure, first)}
    return figure.update_layout(meta={"fold": fold})


def _reach(figure: go.Figure, first: int) -> list[float]:
    """Return the ends of the axis for the first rows, where none of them is cut on the whole."""
    low, high = figure.layout.xaxis.range
    lines = [s.x0 for s in figure.layout.shapes if s.type == "line"]
    ends = [[np.asarray(lines, "float64")]]
    for trace in figure.data:
        if trace.meta != EXTRA:
            own = np.asarray(trace.y, "float64") < first - 0.5
            ends.append([end[own] for end in _intervals(trace)])
    flat = np.concatenate([part for parts in ends for part in parts])
    if not len(flat) or flat.min() < low or flat.max() > high:
        return [low, high]
    room = 0.04 * (flat.max() - flat.min()) or 0.5
    return [float(flat.min() - room), float(flat.max() + room)]


def _intervals(trace: Any) -> list[Array]:
    centre = np.asarray(trace.x, "float64")
    bars = trace.error_x
    down = np.nan_to_num(np.asarray(bars.arrayminus, "float64"))
    return [centre - down, centre + np.nan_to_num(np.asarray(bars.array, "float64"))]


def foldable(figure: go.Figure) -> int:
    """Return how many rows of a figure can be folded away.

    Examples
    --------
    >>> foldable(go.Figure())
    0
    """
    fold = _fold(figure)
    return int(fold["rows"] - fold["first"]) if fold else 0


def folded(figure: go.Figure) -> go.Figure:
    """Make a figure show its first rows alone, and return it.

    The others stay in it: whoever scrolls or reads its table has them.

    Examples
    --------
    >>> folded(go.Figure()).layout.height is None
    True
    """
    if not foldable(figure):
        return figure
    fold = _fold(figure)
    height = int(figure.layout.height) - fold["saved"]
    figure.update_layout(height=height, yaxis_range=[fold["first"] - 0.5, -0.5])
    figure.update_xaxes(range=fold["reach"])
    return axis_on_top(figure)


def _fold(figure: go.Figure) -> dict[str, Any]:
    meta = figure.layout.meta
    return dict(meta["fold"]) if isinstance(meta, dict) and "fold" in meta else {}
