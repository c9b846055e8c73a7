"""Weights of a judge against those of its reference: sharpness is a slope, taste a distance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.plots.behind import customdata
from workbench.plots.limits import robust_limits
from workbench.plots.naming import name_points
from workbench.plots.theme import escape, label, legend_room, marker, style

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
    known = frame.dropna(subset=["group_estimate", "reference_estimate"]).reset_index(drop=True)
    limits = _limits(known, "reference"), _limits(known, "group")
    span = np.array(limits[0])
    names, differ = [str(term) for term in known["term"]], known["verdict"].eq("differs")
    ends = known["reference_estimate"], known["group_estimate"]
    named = name_points(*ends, names, differ, limits)
    known = known.assign(text=named.texts, place=named.places)
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
            mode="markers+text",
            text=own["text"].tolist(),
            textposition=own["place"].tolist(),
            textfont={"size": 11},
            name=label(group),
            legendgroup=str(k),
            marker={"color": colour, "symbol": signs, "size": 9},
            hovertext=[_hover(row) for row in own.to_dict("records")],
            customdata=customdata(own.assign(against=reference)),
            hoverinfo="text",
        )
    axis = {"gridcolor": _GRID, "zeroline": True, "automargin": True}
    figure.update_xaxes(title=f"weight of {label(reference)}", range=limits[0], **axis)
    figure.update_yaxes(title="weight of the judge", range=limits[1], **axis)
    title = "On its line: the same taste, more or less sharp. Off it (filled): another taste"
    return legend_room(style(figure, height=480, title=title))


def _limits(known: pd.DataFrame, side: str) -> tuple[float, float]:
    """Return the ends of an axis of weights; where the errors are known, robust against them."""
    centre = known[f"{side}_estimate"].to_numpy("float64")
    error = f"{side}_std_error"
    half = known[error].to_numpy("float64") if error in known else np.zeros(len(known))
    return robust_limits(centre, centre - half, centre + half, include=0.0)


def _hover(row: dict[str, Any]) -> str:
    ratio = f"ratio {row['ratio']:.2f}" if np.isfinite(row["ratio"]) else "ratio undefined"
    return (
        f"<b>{escape(row['term'])}</b> {escape(row['group'])}<br>{row['group_estimate']:+.3f} "
        f"against {row['reference_estimate']:+.3f}, {ratio}: {escape(row['verdict'])}"
    )
