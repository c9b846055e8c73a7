"""The look that all figures share, on light and on dark grounds."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import plotly.graph_objects as go

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#7F7F7F")
"""Okabe and Ito's colours, which colour-blind readers can tell apart; brown and grey stand
for their yellow and black, which vanish on a light or a dark ground."""

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")
"""A second sign beside the colour."""

CONFIG = {
    "showSendToCloud": False,
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d"],
}
"""Options of plotly.js for every exported figure: nothing offers to upload it."""

_GRID = "rgba(128,128,128,0.25)"
BAND = "rgba(128,128,128,0.07)"
_CLEAR = "rgba(0,0,0,0)"
_INK = "#808080"
_LABEL_LENGTH = 40
_LETTER, _SIGN, _LINE, _WIDE = 7.5, 50, 22, 620
"""Pixels of a letter and of a sign of the legend, of its lines, and of a narrow plot."""

_TICKS, _TALL = 26, 700
"""Pixels of the numbers of an axis; those from which they stand above a figure too."""

_SHARED = 12
"""Characters of a beginning in common from which it is left out."""


def style(figure: go.Figure, *, height: int, title: str | None) -> go.Figure:
    """Give a figure the common look: transparent ground, quiet grid, room for labels."""
    return figure.update_layout(
        title=None
        if title is None
        else {
            "text": escape(title),
            "x": 0,
            "xanchor": "left",
            "y": 1,
            "yanchor": "top",
            "pad": {"t": 12},
        },
        height=height,
        paper_bgcolor=_CLEAR,
        plot_bgcolor=_CLEAR,
        font={"family": "system-ui, sans-serif", "size": 13, "color": _INK},
        margin={"l": 10, "r": 10, "t": 70 if title else 40, "b": 40},
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "title": None},
        modebar={"bgcolor": _CLEAR, "color": _INK, "activecolor": COLOURS[0]},
        hoverlabel={"align": "left"},
        hovermode="closest",
    )


def axes(figure: go.Figure, x_title: str, rows: Sequence[str]) -> go.Figure:
    """Label the axes of a figure whose rows are names, the first one on top.

    Every other row has a tint, so that marks of several groups are read with their row.
    """
    # all at once: plotly looks through every shape again for each that is added
    band = {"type": "rect", "xref": "x domain", "x0": 0, "x1": 1, "yref": "y",
            "fillcolor": BAND, "line": {"width": 0}, "layer": "below"}  # fmt: skip
    bands = [{**band, "y0": k - 0.5, "y1": k + 0.5} for k in range(1, len(rows), 2)]
    figure.update_layout(shapes=[*figure.layout.shapes, *bands])
    figure.update_xaxes(title=x_title, gridcolor=_GRID, zeroline=False, automargin=True)
    return figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=labels(rows),
        range=[len(rows) - 0.5, -0.5],
        gridcolor=_GRID,
        zeroline=False,
        automargin=True,
    )


def legend_room(figure: go.Figure) -> go.Figure:
    """Give the names of many groups the room that they take between title and plot."""
    names = [trace.name or "" for trace in figure.data if trace.showlegend is not False]
    if figure.layout.showlegend is False or figure.layout.title.text is None:
        # without a title in the way, the legend takes its room by itself
        return figure
    wide = sum(_LETTER * len(name) + _SIGN for name in names)
    added = _LINE * int(wide // _WIDE)
    return figure.update_layout(
        margin_t=int(figure.layout.margin.t) + added, height=int(figure.layout.height) + added
    )


def axis_on_top(figure: go.Figure) -> go.Figure:
    """Repeat the horizontal axis above a tall figure, where a reader of its top looks.

    A figure that is no longer tall loses it again.
    """
    layout = figure.layout
    tall, has = int(layout.height) > _TALL, "xaxis2" in layout and bool(layout.xaxis2.visible)
    if not tall and not has:
        return figure
    if "xaxis2" not in layout:
        # an axis is drawn where some trace is on it
        figure.add_scatter(x=[None], y=[None], xaxis="x2", hoverinfo="skip", showlegend=False)
    added = _TICKS * (int(tall) - int(has))
    top, height = int(layout.margin.t) + added, int(layout.height) + added
    inner = max(height - top - int(layout.margin.b), 1)
    above = {"overlaying": "x", "side": "top", "matches": "x", "showgrid": False,
             "zeroline": False, "visible": tall}  # fmt: skip
    # the legend stands above the numbers
    return figure.update_layout(
        xaxis2=above, margin_t=top, height=height, legend_y=1 + tall * _TICKS / inner
    )


def marker(k: int) -> dict[str, Any]:
    """Return colour and symbol of the k-th group; 64 groups get different ones.

    Examples
    --------
    >>> marker(0) == {"color": "#0072B2", "symbol": "circle"}, marker(8)["symbol"]
    (True, 'square')
    """
    count = len(COLOURS)
    return {"color": COLOURS[k % count], "symbol": SYMBOLS[(k + k // count) % len(SYMBOLS)]}


def escape(text: object) -> str:
    """Return text that plotly shows as it is: no pseudo-HTML, no mathematics.

    Examples
    --------
    >>> escape("<b>x</b>"), escape("$x$")
    ('&lt;b&gt;x&lt;/b&gt;', '&#36;x&#36;')
    """
    return html.escape(str(text), quote=False).replace("$", "&#36;")


def label(text: object) -> str:
    """Return an escaped name, shortened so that it leaves room for the figure.

    Examples
    --------
    >>> label("a" * 100) == "a" * 39 + "…", label("<x>")
    (True, '&lt;x&gt;')
    """
    name = str(text)
    return escape(name if len(name) <= _LABEL_LENGTH else f"{name[: _LABEL_LENGTH - 1]}…")


def labels(names: Sequence[object]) -> list[str]:
    """Return labels of names, without words at the beginning that all of them share.

    Examples
    --------
    >>> labels(["Select the response that is kind", "Select the response that is long"])
    ['… kind', '… long']
    >>> labels(["words", "bullets"])
    ['words', 'bullets']
    """
    texts = [str(name) for name in names]
    start = 0
    if len(texts) > 1:
        # what the first and last in order share, all share
        same = takewhile(lambda two: two[0] == two[1], zip(min(texts), max(texts), strict=False))
        start = "".join(two[0] for two in same).rfind(" ") + 1
    if start < _SHARED:
        return [label(text) for text in texts]
    return [label(f"… {text[start:]}") for text in texts]


def offsets(count: int) -> list[float]:
    """Return vertical places of several groups within one row.

    Examples
    --------
    >>> offsets(1), offsets(3)
    ([0.0], [-0.25, 0.0, 0.25])
    """
    if count == 1:
        return [0.0]
    span = min(0.8, 0.25 * (count - 1))
    return [span * (k / (count - 1) - 0.5) for k in range(count)]
