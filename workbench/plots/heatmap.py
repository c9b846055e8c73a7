"""Heatmaps of annotators against annotators, with the tree that orders them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.errors import DataError
from workbench.plots.behind import EXTRA
from workbench.plots.theme import escape, labels, style

SCALE = (
    (0.0, "#B35806"),
    (0.25, "#F1A340"),
    (0.5, "#F7F7F7"),
    (0.75, "#67A9CF"),
    (1.0, "#053061"),
)
"""Orange below 0, blue above, white at 0: told apart with every kind of colour vision."""

_INK = "#808080"
_DARK, _LIGHT = "#000000", "#FFFFFF"
_EVEN = 0.179
"""Relative luminance on which black and white are read equally well (WCAG 2.1)."""

_CELL, _FEWEST, _LEGIBLE = 27, 8, 60
"""Pixels of a cell; cells that a small figure has room for; rows above which no number fits."""

_TREE_SHARE = 0.14


def heatmap(
    matrix: pd.DataFrame,
    lower: pd.DataFrame | None = None,
    upper: pd.DataFrame | None = None,
    *,
    tree: tuple[list[str], NDArray[np.float64]] | None = None,
    title: str | None = None,
    scale_title: str = "similarity",
) -> go.Figure:
    """Draw a symmetric matrix as coloured cells with their numbers.

    Parameters
    ----------
    matrix : DataFrame, shape (A, A)
        Index and columns name the annotators in the order to draw; NaN where undefined.
    lower, upper : DataFrame, optional
        Ends of the intervals for the hover text, in any order.
    tree : tuple of names and linkage, optional
        Leaves and scipy's linkage matrix: drawn on the right, and its order of leaves is that of
        the rows; annotators that are no leaf come last.
    title : str, optional
    scale_title : str
        What the numbers are.

    Returns
    -------
    plotly Figure
        A square cell for each pair, however many there are; colours run from orange through
        white at 0 to blue, as far as the largest number off the diagonal needs, at most 1.

    Raises
    ------
    DataError
        The matrix is empty, or its rows and columns are not the same names.

    Examples
    --------
    >>> both = pd.DataFrame([[1.0, 0.4], [0.4, 1.0]], ["a", "b"], ["a", "b"])
    >>> heatmap(both).layout.yaxis.ticktext
    ('a', 'b')
    """
    _check(matrix)
    lines: list[tuple[list[float], list[float]]] = []
    if tree is not None:
        placed, lines = _branches(*tree)
        names = [*placed, *(name for name in matrix.index if name not in placed)]
        matrix = matrix.reindex(index=names, columns=names)
    names = list(matrix.index)
    ends = [
        None if end is None else end.reindex(index=names, columns=names) for end in (lower, upper)
    ]
    values = matrix.to_numpy("float64")
    figure = go.Figure(_cells(names, values, ends, scale_title))
    if len(names) <= _LEGIBLE:
        figure.add_trace(_numbers(names, values, ends))
    for x, y in lines:
        figure.add_trace(_branch(x, y))
    return _laid_out(figure, names, max((max(x) for x, _ in lines), default=None), title)


def _check(matrix: pd.DataFrame) -> None:
    rows, columns = list(matrix.index), list(matrix.columns)
    if not rows or rows != columns or len(set(rows)) < len(rows):
        raise DataError(
            "A heatmap needs the same names, each once, on its rows and columns.",
            found=f"{len(rows)} rows and {len(columns)} columns",
            expected="a square matrix of at least one annotator",
            fix="Pass what Similarity.matrix() returns.",
        )


def _branches(
    names: list[str], linkage: NDArray[np.float64]
) -> tuple[list[str], list[tuple[list[float], list[float]]]]:
    from scipy.cluster.hierarchy import dendrogram

    drawn = dendrogram(linkage, no_plot=True)
    # scipy puts leaf k at 10 k + 5
    lines = [
        (list(map(float, d)), [(y - 5) / 10 for y in i])
        for i, d in zip(drawn["icoord"], drawn["dcoord"], strict=True)
    ]
    return [names[k] for k in drawn["leaves"]], lines


def _reach(values: NDArray[np.float64]) -> float:
    """Return the largest size of a number off the diagonal, rounded up to a tenth."""
    off = values[~np.eye(len(values), dtype=bool)]
    largest = np.abs(off[np.isfinite(off)]).max(initial=0.0)
    return float(min(1.0, np.ceil(10 * largest + 1e-9) / 10)) or 1.0


def _cells(
    names: list[str], values: NDArray[np.float64], ends: list[Any], scale_title: str
) -> go.Heatmap:
    reach = _reach(values)
    place = list(range(len(names)))
    return go.Heatmap(
        z=values,
        x=place,
        y=place,
        zmin=-reach,
        zmax=reach,
        colorscale=[list(step) for step in SCALE],
        xgap=1,
        ygap=1,
        hovertext=_hover(names, values, ends),
        hoverinfo="text",
        colorbar={
            "title": {"text": escape(scale_title), "side": "right"},
            "thickness": 12,
            "len": min(1.0, 260 / max(260, _CELL * len(names))),
            "y": 1,
            "yanchor": "top",
            "tickformat": ".1f",
        },
    )


def _hover(names: list[str], values: NDArray[np.float64], ends: list[Any]) -> list[list[str]]:
    low, high = (None if end is None else end.to_numpy("float64") for end in ends)
    shown = [escape(name) for name in names]
    text = []
    for i, first in enumerate(shown):
        row = []
        for j, second in enumerate(shown):
            number = f"{values[i, j]:+.3f}" if np.isfinite(values[i, j]) else "undefined"
            if i != j and low is not None and high is not None and np.isfinite(values[i, j]):
                known = np.isfinite(low[i, j]) and np.isfinite(high[i, j])
                number += f" [{low[i, j]:+.3f}, {high[i, j]:+.3f}]" if known else ", no interval"
            row.append(f"<b>{first}</b><br>{second}<br>{number}")
        text.append(row)
    return text


def _numbers(names: list[str], values: NDArray[np.float64], ends: list[Any]) -> go.Scatter:
    """Write the numbers as text marks: a heatmap's own have one colour for every cell.

    A mark that is not seen lies below each, as cells of a heatmap cannot be chosen.
    """
    count = len(values)
    y, x = (grid.ravel().tolist() for grid in np.indices((count, count)))
    flat = values.ravel()
    light = _luminance(np.nan_to_num(flat) / _reach(values)) < _EVEN
    return go.Scatter(
        x=x,
        y=y,
        mode="markers+text",
        marker={"symbol": "square", "size": _CELL - 1, "color": "rgba(0,0,0,0)"},
        text=[f"{v:.2f}".replace("0.", ".", 1) if np.isfinite(v) else "–" for v in flat],
        textfont={
            "size": 9 if count > 12 else 11,
            "color": np.where(light, _LIGHT, _DARK).tolist(),
        },
        hovertext=[text for row in _hover(names, values, ends) for text in row],
        hoverinfo="text",
        customdata=[
            [None] * 3 if first == second else [str(first), None, str(second)]
            for first in names
            for second in names
        ],
        meta=EXTRA,
        showlegend=False,
    )


def _luminance(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how light the scale's colours are, from -1 at its lower end to 1 at its upper."""
    places = [2 * place - 1 for place, _ in SCALE]
    total = np.zeros(len(share))
    for start, weight in ((1, 0.2126), (3, 0.7152), (5, 0.0722)):
        channel = [int(colour[start : start + 2], 16) / 255 for _, colour in SCALE]
        value = np.interp(share, places, channel)
        linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        total += weight * linear
    return total


def _branch(x: list[float], y: list[float]) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=y,
        xaxis="x2",
        mode="lines",
        line={"color": _INK, "width": 1.2},
        hovertext=f"joined at a mean of {1 - max(x):.3f}",
        hoverinfo="text",
        showlegend=False,
    )


def _laid_out(
    figure: go.Figure, names: list[str], root: float | None, title: str | None
) -> go.Figure:
    count = max(len(names), _FEWEST)
    longest = max(len(name) for name in labels(names))
    height = _CELL * count + 7 * longest + (80 if title else 50)
    style(figure, height=height, title=title)
    end = 1.0 if root is None else 1 - _TREE_SHARE
    ticks = {
        "tickvals": list(range(len(names))),
        "ticktext": labels(names),
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
        "tickfont": {"size": 11},
    }
    edge = len(names) - 0.5
    figure.update_layout(
        xaxis={**ticks, "domain": [0, end], "range": [-0.5, edge], "tickangle": -60},
        yaxis={**ticks, "range": [edge, -0.5]},
        showlegend=False,
    )
    if root is not None:
        hidden = {"showgrid": False, "zeroline": False, "showticklabels": False, "anchor": "y"}
        figure.update_layout(xaxis2={**hidden, "domain": [end + 0.005, 1]})
        figure.update_layout(xaxis2_range=[0, 1.05 * root or 1.0])
    return figure
