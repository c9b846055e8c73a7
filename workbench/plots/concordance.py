"""Tau of each factor against its weight in the joint fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.errors import DataError
from workbench.intervals import ends_text
from workbench.plots.behind import customdata
from workbench.plots.limits import robust_limits
from workbench.plots.naming import name_points
from workbench.plots.theme import escape, label, marker, style
from workbench.plots.unplaced import note_below, unplaced

_NEEDED = (
    "group", "term", "estimate", "conf_low", "conf_high",
    "per_sd", "per_sd_low", "per_sd_high", "confounded",
)  # fmt: skip


def tau_against_weight(frame: pd.DataFrame) -> go.Figure:
    """Draw each factor as a point, with the intervals of its tau and of its weight.

    Parameters
    ----------
    frame : DataFrame
        ``group, term, estimate, conf_low, conf_high, per_sd, per_sd_low, per_sd_high,
        confounded``; and where it has them ``reason`` and ``weight_reason`` for the hover
        text. Factors whose tau and weight disagree are drawn open, and are the first to have
        their names beside them, as far as names hide nothing; the hover text names all.

    Returns
    -------
    plotly Figure
        Undefined points have no place: a line below says which and why. An interval that
        would squash the others is cut.

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
    groups = list(dict.fromkeys(frame["group"]))
    known = np.isfinite(frame[["estimate", "per_sd"]]).all(axis=1)
    drawn = frame[known].reset_index(drop=True)
    limits = _limits(drawn, "per_sd", "per_sd"), _limits(drawn, "estimate", "conf")
    names = [str(term) for term in drawn["term"]]
    named = name_points(drawn["per_sd"], drawn["estimate"], names, drawn["confounded"], limits)
    drawn = drawn.assign(text=named.texts, place=named.places)
    figure = style(go.Figure(), height=520, title=None)
    for k, group in enumerate(groups):
        figure.add_trace(_points(drawn[drawn["group"] == group], str(group), k))
    axis = {"zeroline": True, "zerolinecolor": "rgba(128,128,128,0.8)", "automargin": True}
    x_title = "weight in the joint fit (log-odds/SD)"
    figure.update_xaxes(title=x_title, range=limits[0], **axis)
    figure.update_yaxes(title="tau (factor by itself)", range=limits[1], **axis)
    return note_below(figure, unplaced(_undefined(frame[~known]), groups))


def _limits(drawn: pd.DataFrame, centre: str, ends: str) -> tuple[float, float]:
    return robust_limits(drawn[centre], drawn[f"{ends}_low"], drawn[f"{ends}_high"], include=0.0)


def _undefined(lost: pd.DataFrame) -> pd.DataFrame:
    """Return the undefined rows, each with why its tau or else its weight is undefined."""
    known = [lost[name] for name in ("reason", "weight_reason") if name in lost]
    reason = pd.Series(None, index=lost.index, dtype=object)
    for column in known:
        reason = reason.where(reason.notna(), column)
    return lost.assign(reason=reason)


def _points(own: pd.DataFrame, group: str, k: int) -> go.Scatter:
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
        name=label(group),
        text=own["text"].tolist(),
        textposition=own["place"].tolist(),
        textfont={"size": 11},
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
