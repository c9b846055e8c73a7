"""Weights of a judge against those of its reference: sharpness is a slope, taste a distance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.plots.behind import customdata
from workbench.plots.theme import escape, label, marker, style

_GRID = "rgba(128,128,128,0.25)"


def against_reference(frame: pd.DataFrame, reference: str) -> go.Figure:
    """Draw each weight over the reference's, with the line that a ratio of sharpness makes.

    Parameters
    ----------
    frame : DataFrame
        ``group, term, group_estimate, reference_estimate, ratio, verdict`` of a contrast.
    reference : str

    Returns
    -------
    plotly Figure
        A point on its group's line is a weight in proportion; one that is off it differs in
        taste. Filled marks differ; the dashed line is the same weights.

    Examples
    --------
    >>> row = {"group": "j", "term": "x", "group_estimate": 1.0, "reference_estimate": 0.5,
    ...        "ratio": 2.0, "verdict": "cannot tell"}
    >>> len(against_reference(pd.DataFrame([row]), "human").data)
    3
    """
    known = frame.dropna(subset=["group_estimate", "reference_estimate"])
    ends = known["reference_estimate"]
    span = np.array([min(ends.min(), 0.0), max(ends.max(), 0.0)]) if len(known) else np.zeros(2)
    figure = go.Figure()
    figure.add_scatter(
        x=span, y=span, mode="lines", name="same weights", hoverinfo="skip",
        line={"color": "#808080", "dash": "dash", "width": 1},
    )  # fmt: skip
    for k, (group, own) in enumerate(known.groupby("group", sort=False)):
        colour = marker(k)["color"]
        ratio = float(own["ratio"].iloc[0])
        if np.isfinite(ratio):
            figure.add_scatter(
                x=span, y=ratio * span, mode="lines", legendgroup=str(k), showlegend=False,
                hoverinfo="skip", line={"color": colour, "width": 1.5},
            )  # fmt: skip
        signs = [str(marker(k)["symbol"]) + ("" if v == "differs" else "-open")
                 for v in own["verdict"]]  # fmt: skip
        figure.add_scatter(
            x=own["reference_estimate"],
            y=own["group_estimate"],
            mode="markers",
            name=label(group),
            legendgroup=str(k),
            marker={"color": colour, "symbol": signs, "size": 9},
            hovertext=[_hover(row) for row in own.to_dict("records")],
            customdata=customdata(own.assign(against=reference)),
            hoverinfo="text",
        )
    figure.update_xaxes(title=f"weight of {label(reference)}", gridcolor=_GRID, zeroline=True)
    figure.update_yaxes(
        title="weight of the judge", gridcolor=_GRID, zeroline=True, automargin=True
    )
    title = "On its line: the same taste, more or less sharp. Off it (filled): another taste"
    return style(figure, height=460, title=title)


def _hover(row: dict[str, Any]) -> str:
    ratio = f"ratio {row['ratio']:.2f}" if np.isfinite(row["ratio"]) else "ratio undefined"
    return (
        f"<b>{escape(row['term'])}</b> {escape(row['group'])}<br>{row['group_estimate']:+.3f} "
        f"against {row['reference_estimate']:+.3f}, {ratio}: {escape(row['verdict'])}"
    )
