"""Marks with intervals, and what they say when the mouse is on them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.plots.behind import EXTRA, KEYS, customdata
from workbench.plots.theme import escape, label, marker

_WIDTH = 60
"""Characters of a line of a hover label."""


def points(own: pd.DataFrame, y: NDArray[np.float64], group: str, k: int) -> go.Scatter:
    """Return the marks of a group with their intervals.

    Parameters
    ----------
    own : DataFrame
        ``term, group, estimate, conf_low, conf_high`` and what the hover text tells.
    y : ndarray, shape (n,)
    group : str
    k : int
        Which group it is: its colour and sign.

    Examples
    --------
    >>> row = {"term": "x", "group": "g", "estimate": 1.0, "conf_low": 0.5, "conf_high": 2.0}
    >>> points(pd.DataFrame([row]), np.array([0.0]), "g", 0).hovertext[0]
    '<b>x</b> g<br>+1.000 [+0.500, +2.000]'
    """
    estimate = own["estimate"].to_numpy("float64")
    return go.Scatter(
        x=estimate,
        y=y,
        mode="markers",
        name=label(group),
        legendgroup=str(k),
        marker={**marker(k), "size": 9},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": own["conf_high"].to_numpy("float64") - estimate,
            "arrayminus": estimate - own["conf_low"].to_numpy("float64"),
            "color": marker(k)["color"],
            "thickness": 1.6,
            "width": 3,
        },
        hovertext=[_hover(row) for row in own.to_dict("records")],
        hoverinfo="text",
        customdata=customdata(own),
    )


def arrows(own: pd.DataFrame, y: NDArray[np.float64], edge: float, side: str, k: int) -> go.Scatter:
    """Return arrows at an edge of the axis, for intervals that go on beyond it.

    Parameters
    ----------
    own, y, k
        As of :func:`points`.
    edge : float
    side : {"left", "right"}

    Examples
    --------
    >>> row = {"term": "x", "group": "g", "estimate": 1.0, "conf_low": 0.5, "conf_high": 90.0}
    >>> arrows(pd.DataFrame([row]), np.array([0.0]), 2.0, "right", 0).marker.symbol
    'triangle-right'
    """
    return go.Scatter(
        x=np.full(len(own), edge),
        y=y,
        mode="markers",
        cliponaxis=False,
        legendgroup=str(k),
        showlegend=False,
        marker={"color": marker(k)["color"], "symbol": f"triangle-{side}", "size": 10},
        hovertext=[_hover(row) for row in own.to_dict("records")],
        hoverinfo="text",
        customdata=customdata(own),
        meta=EXTRA,
    )


def _hover(row: dict[str, Any]) -> str:
    lines = [f"<b>{escape(row['term'])}</b> {escape(row['group'])}"]
    if not np.isfinite([row["conf_low"], row["conf_high"]]).all():
        lines.append(f"{row['estimate']:+.3f}, interval undefined")
    else:
        lines.append(f"{row['estimate']:+.3f} [{row['conf_low']:+.3f}, {row['conf_high']:+.3f}]")
    lines += [f"q = {row['q_value']:.3g}"] if np.isfinite(row.get("q_value", np.nan)) else []
    lines += [f"n = {row['n']:,}"] if "n" in row else []
    lines += [escape(row["method"])] if "method" in row else []
    return "<br>".join(lines)


def explained(figure: go.Figure, meanings: Mapping[str, str]) -> go.Figure:
    """Add to the hover text of every mark what its term means, and return the figure.

    Parameters
    ----------
    figure : plotly Figure
    meanings : mapping of str to str
        By term; a term that it does not have is left as it is.

    Examples
    --------
    >>> row = {"term": "x", "group": "g", "estimate": 1.0, "conf_low": 0.5, "conf_high": 2.0}
    >>> figure = go.Figure(points(pd.DataFrame([row]), np.array([0.0]), "g", 0))
    >>> explained(figure, {"x": "Counts x."}).data[0].hovertext[0].endswith("<br>Counts x.")
    True
    """
    place = KEYS.index("term")
    for trace in figure.data:
        if trace.type == "scatter" and trace.customdata is not None and trace.hovertext is not None:
            trace.hovertext = [
                "<br>".join([text, *_lines(meanings.get(row[place]))])
                for text, row in zip(trace.hovertext, trace.customdata, strict=True)
            ]
    return figure


def _lines(meaning: str | None) -> list[str]:
    return [escape(line) for line in textwrap.wrap(meaning or "", _WIDTH)]
