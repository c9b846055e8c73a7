"""Tau of each factor against its weight in the joint fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.errors import DataError
from workbench.intervals import ends_text
from workbench.plots.behind import customdata
from workbench.plots.theme import escape, label, marker, style

_NEEDED = (
    "group", "term", "estimate", "conf_low", "conf_high",
    "per_sd", "per_sd_low", "per_sd_high", "confounded",
)  # fmt: skip

_NAMED = 12
"""Names that fit beside their points; with more, they hide the points."""


def tau_against_weight(frame: pd.DataFrame) -> go.Figure:
    """Draw each factor as a point, with the intervals of its tau and of its weight.

    Parameters
    ----------
    frame : DataFrame
        ``group, term, estimate, conf_low, conf_high, per_sd, per_sd_low, per_sd_high,
        confounded``; and where it has them ``reason`` and ``weight_reason`` for the hover
        text. Factors whose tau and weight disagree are drawn open, and named where they are
        few; the hover text names all.

    Returns
    -------
    plotly Figure
        Undefined points have no place and are left out; the legend counts them.

    Raises
    ------
    DataError
        A column is missing.

    Examples
    --------
    >>> row = dict.fromkeys(_NEEDED, 0.1) | {"group": "g", "term": "x", "confounded": True}
    >>> tau_against_weight(pd.DataFrame([row])).data[0].text
    ('x',)
    """
    missing = [name for name in _NEEDED if name not in frame]
    if missing:
        raise DataError(
            f"The plot of tau against weight needs the column {missing[0]!r}.",
            found=", ".join(map(str, frame.columns)) or "no columns",
            expected=", ".join(_NEEDED),
            fix="Pass the table that Concordance.to_frame() returns.",
        )
    figure = go.Figure()
    named = int(frame["confounded"].sum()) <= _NAMED
    for k, (group, table) in enumerate(frame.groupby("group", sort=False)):
        defined = np.isfinite(table[["estimate", "per_sd"]]).all(axis=1)
        lost = int((~defined).sum())
        name = f"{label(str(group))} ({lost} undefined)" if lost else label(str(group))
        figure.add_trace(_points(table[defined], name, k, named))
    figure = style(figure, height=520, title=None)
    axis = {"zeroline": True, "zerolinecolor": "rgba(128,128,128,0.8)", "automargin": True}
    figure.update_xaxes(title="weight in the joint fit (log-odds per standard deviation)", **axis)
    figure.update_yaxes(title="tau (factor by itself)", **axis)
    return figure


def _points(own: pd.DataFrame, name: str, k: int, named: bool) -> go.Scatter:
    look = marker(k)
    open_ones = [f"{look['symbol']}-open" if c else look["symbol"] for c in own["confounded"]]

    def bars(centre: str, low: str, high: str) -> dict[str, object]:
        return {
            "type": "data",
            "symmetric": False,
            "array": (own[high] - own[centre]).to_numpy(),
            "arrayminus": (own[centre] - own[low]).to_numpy(),
            "color": look["color"],
            "thickness": 1.0,
            "width": 0,
        }

    return go.Scatter(
        x=own["per_sd"].to_numpy("float64"),
        y=own["estimate"].to_numpy("float64"),
        mode="markers+text",
        name=name,
        text=[
            escape(term) if named and flagged else ""
            for term, flagged in zip(own["term"], own["confounded"], strict=True)
        ],
        textposition="top center",
        marker={"color": look["color"], "symbol": open_ones, "size": 9},
        error_x=bars("per_sd", "per_sd_low", "per_sd_high"),
        error_y=bars("estimate", "conf_low", "conf_high"),
        hovertext=[
            f"<b>{escape(r.term)}</b> {escape(r.group)}<br>tau {r.estimate:+.3f} "
            f"{_ends(r, 'conf', 'reason')}<br>weight per sd {r.per_sd:+.3f} "
            f"{_ends(r, 'per_sd', 'weight_reason')}"
            + ("<br>tau and weight disagree" if r.confounded else "")
            for r in own.itertuples()
        ],
        customdata=customdata(own),
        hoverinfo="text",
    )


def _ends(row: Any, name: str, reason: str) -> str:
    low, high = getattr(row, f"{name}_low"), getattr(row, f"{name}_high")
    return escape(ends_text(low, high, getattr(row, reason, None)))
