"""Reliability curves: how often predictions are right beside how certain they are."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from workbench.plots.curve import curve


def reliability(frame: pd.DataFrame, title: str | None = None) -> go.Figure:
    """Draw how often predictions come true over how certain they are.

    Parameters
    ----------
    frame : DataFrame
        ``predicted`` and ``estimate``; where it has them ``conf_low``, ``conf_high``, ``n``
        and ``group`` (a line each).
    title : str, optional

    Returns
    -------
    plotly Figure
        The dotted line is where both are equal: below it, predictions are too certain.

    Examples
    --------
    >>> table = pd.DataFrame({"predicted": [0.6, 0.8], "estimate": [0.6, 0.7]})
    >>> list(reliability(table).data[-1].x)
    [0.5, 1.0]
    """
    figure = curve(
        frame,
        x="predicted",
        x_title="predicted chance of the side that the fit takes",
        y_title="share of labels on that side",
        title=title,
    )
    line = {"dash": "dot", "color": "#808080"}
    return figure.add_scatter(
        x=[0.5, 1.0], y=[0.5, 1.0], mode="lines", line=line, hoverinfo="skip", showlegend=False
    )
