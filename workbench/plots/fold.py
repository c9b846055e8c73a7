"""How tall a figure of rows is, and how its first rows are shown alone."""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go

from workbench.plots.theme import axis_on_top

TALLEST = 1200
"""Pixels of a figure that a reader can still take in."""

_FIXED = 110
_ROW, _GROUP = 26, 15
_LEAST_ROW, _LEAST_GROUP = 14, 4
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
    return Rows(shown, _FIXED + round(shown * row))


def remember(figure: go.Figure, rows: Rows, groups: int, clear: int) -> go.Figure:
    """Note in a figure how many of its rows come first, so that it can be folded."""
    first = min(max(clear, _SOME), rows.shown)
    first = rows.shown if rows.shown - first <= _FEW else first
    saved = rows.height - lay_out(first, groups, ranked=True).height
    return figure.update_layout(meta={"fold": {"rows": rows.shown, "first": first, "saved": saved}})


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
    return axis_on_top(figure)


def _fold(figure: go.Figure) -> dict[str, int]:
    meta = figure.layout.meta
    return dict(meta["fold"]) if isinstance(meta, dict) and "fold" in meta else {}
