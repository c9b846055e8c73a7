"""Forest plots: estimates with their intervals, one row a term."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.plots.theme import COLOURS, SYMBOLS, axes, escape, offsets, style


def forest(
    frame: pd.DataFrame,
    title: str | None = None,
    x_title: str = "weight (log-odds per unit)",
    reference: float | None = 0.0,
) -> go.Figure:
    """Draw estimates with their intervals.

    Parameters
    ----------
    frame : DataFrame
        ``term, estimate, conf_low, conf_high``; and where it has them ``group`` (a colour
        and sign each), ``q_value``, ``n``, ``method`` and ``reason`` for the hover text.
    title : str, optional
    x_title : str
    reference : float, optional
        Where to draw a line for "no effect".

    Returns
    -------
    plotly Figure
        An undefined estimate is a cross at 0 whose hover text gives the reason.

    Examples
    --------
    >>> row = {"term": "x", "estimate": 1.0, "conf_low": 0.5, "conf_high": 2.0}
    >>> len(forest(pd.DataFrame([row])).data)
    1
    """
    frame = frame if "group" in frame else frame.assign(group="")
    terms = list(dict.fromkeys(frame["term"]))
    groups = list(dict.fromkeys(frame["group"]))
    place = {term: k for k, term in enumerate(terms)}
    figure = go.Figure()
    for k, (group, shift) in enumerate(zip(groups, offsets(len(groups)), strict=True)):
        own = frame[frame["group"] == group]
        defined = own[np.isfinite(own["estimate"].to_numpy("float64"))]
        y = [place[term] + shift for term in defined["term"]]
        figure.add_trace(_points(defined, y, str(group), k))
        undefined = own[~own["term"].isin(defined["term"])]
        if len(undefined):
            y = [place[term] + shift for term in undefined["term"]]
            figure.add_trace(_crosses(undefined, y, str(group), k))
    height = 110 + len(terms) * max(26, 15 * len(groups))
    figure.update_layout(showlegend=len(groups) > 1)
    if reference is not None:
        figure.add_vline(x=reference, line={"color": "rgba(128,128,128,0.8)", "width": 1.2})
    return axes(style(figure, height=height, title=title), x_title, [str(t) for t in terms])


def _points(own: pd.DataFrame, y: list[float], group: str, k: int) -> go.Scatter:
    estimate = own["estimate"].to_numpy("float64")
    colour = COLOURS[k % len(COLOURS)]
    return go.Scatter(
        x=estimate,
        y=y,
        mode="markers",
        name=escape(group),
        legendgroup=group,
        marker={"color": colour, "size": 9, "symbol": SYMBOLS[k % len(SYMBOLS)]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": own["conf_high"].to_numpy("float64") - estimate,
            "arrayminus": estimate - own["conf_low"].to_numpy("float64"),
            "color": colour,
            "thickness": 1.6,
            "width": 3,
        },
        hovertext=[_hover(row) for row in own.to_dict("records")],
        hoverinfo="text",
    )


def _crosses(own: pd.DataFrame, y: list[float], group: str, k: int) -> go.Scatter:
    return go.Scatter(
        x=np.zeros(len(own)),
        y=y,
        mode="markers",
        name=escape(group),
        legendgroup=group,
        showlegend=False,
        marker={"color": COLOURS[k % len(COLOURS)], "size": 7, "symbol": "x-thin-open"},
        opacity=0.6,
        hovertext=[_hover(row) for row in own.to_dict("records")],
        hoverinfo="text",
    )


def _hover(row: dict[str, Any]) -> str:
    lines = [f"<b>{escape(row['term'])}</b> {escape(row['group'])}"]
    if np.isfinite(row["estimate"]):
        lines.append(f"{row['estimate']:+.3f} [{row['conf_low']:+.3f}, {row['conf_high']:+.3f}]")
        lines += [f"q = {row['q_value']:.3g}"] if "q_value" in row else []
    else:
        lines.append(f"undefined: {escape(row.get('reason') or 'no reason recorded')}")
    lines += [f"n = {row['n']:,}"] if "n" in row else []
    lines += [escape(row["method"])] if "method" in row else []
    return "<br>".join(lines)
