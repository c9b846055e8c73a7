"""The look that all figures share, on light and on dark grounds."""

from __future__ import annotations

import html
from collections.abc import Sequence

import plotly.graph_objects as go

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#7F7F7F")
"""The palette of Okabe and Ito, which colour-blind readers can tell apart."""

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")
"""A second sign beside the colour."""

_GRID = "rgba(128,128,128,0.25)"
_INK = "#808080"

CONFIG = {"showSendToCloud": False, "displaylogo": False, "responsive": True}
"""Options of plotly.js for every exported figure: nothing offers to upload it."""


def style(figure: go.Figure, *, height: int, title: str | None) -> go.Figure:
    """Give a figure the common look: transparent ground, quiet grid, room for labels."""
    return figure.update_layout(
        title=None if title is None else {"text": escape(title), "x": 0, "xanchor": "left"},
        height=height,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13, "color": _INK},
        margin={"l": 10, "r": 10, "t": 70 if title else 40, "b": 40},
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "title": None},
        hoverlabel={"align": "left"},
    )


def axes(figure: go.Figure, x_title: str, rows: Sequence[str]) -> go.Figure:
    """Label the axes of a figure whose rows are names, the first one on top."""
    figure.update_xaxes(title=x_title, gridcolor=_GRID, zerolinecolor=_INK, automargin=True)
    return figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[escape(name) for name in rows],
        range=[len(rows) - 0.5, -0.5],
        gridcolor=_GRID,
        zeroline=False,
        automargin=True,
    )


def escape(text: object) -> str:
    """Return text that plotly's pseudo-HTML and number templates leave alone.

    Examples
    --------
    >>> escape("<b>x</b>")
    '&lt;b&gt;x&lt;/b&gt;'
    """
    return html.escape(str(text), quote=False)


def offsets(count: int) -> list[float]:
    """Return vertical places of several groups within one row.

    Examples
    --------
    >>> offsets(1), offsets(3)
    ([0.0], [-0.25, 0.0, 0.25])
    """
    if count == 1:
        return [0.0]
    span = min(0.6, 0.25 * (count - 1))
    return [span * (k / (count - 1) - 0.5) for k in range(count)]
