"""Forest plots: estimates with their intervals, one row a term."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.errors import DataError
from workbench.plots.behind import customdata
from workbench.plots.theme import axes, escape, label, marker, offsets, style

_NEEDED = ("term", "estimate", "conf_low", "conf_high")


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
        and sign each), ``against`` (the group that it is a difference from), ``q_value``,
        ``n``, ``method`` and ``reason`` for the hover text.
    title : str, optional
    x_title : str
    reference : float, optional
        Where to draw a line for "no effect".

    Returns
    -------
    plotly Figure
        An undefined estimate has no place on the axis: a cross at the left edge of its row
        says so, and its hover text gives the reason.

    Raises
    ------
    DataError
        A column is missing.

    Examples
    --------
    >>> row = {"term": "x", "estimate": 1.0, "conf_low": 0.5, "conf_high": 2.0}
    >>> len(forest(pd.DataFrame([row])).data)
    1
    """
    _check(frame)
    frame = frame if "group" in frame else frame.assign(group="")
    terms = list(dict.fromkeys(frame["term"]))
    groups = list(dict.fromkeys(frame["group"]))
    shift = dict(zip(groups, offsets(len(groups)), strict=True))
    place = {term: k for k, term in enumerate(terms)}
    y = frame["term"].map(place).to_numpy("float64") + frame["group"].map(shift).to_numpy("float64")
    defined = np.isfinite(frame["estimate"].to_numpy("float64"))
    figure = go.Figure()
    for k, group in enumerate(groups):
        own = (frame["group"] == group).to_numpy()
        figure.add_trace(_points(frame[own & defined], y[own & defined], str(group), k))
        if (own & ~defined).any():
            figure.add_trace(_crosses(frame[own & ~defined], y[own & ~defined], str(group), k))
    height = 110 + len(terms) * max(26, 15 * len(groups))
    figure.update_layout(showlegend=len(groups) > 1)
    axes(style(figure, height=height, title=title), x_title, [str(t) for t in terms])
    if reference is not None:
        figure.add_vline(x=reference, line={"color": "rgba(128,128,128,0.8)", "width": 1.2})
    if not defined.any():
        figure.update_layout(xaxis_range=[-1, 1])
    if not defined.all():
        # the crosses have an axis of their own, as an undefined weight is nowhere on the first
        hidden = {"overlaying": "x", "range": [0, 1], "visible": False, "fixedrange": True}
        figure.update_layout(xaxis2=hidden)
    return figure


def in_units(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a table with its estimates in other units, such as those of ``per_sd``.

    Parameters
    ----------
    frame : DataFrame
        With the columns ``name``, ``name_low`` and ``name_high``.
    name : str

    Examples
    --------
    >>> row = {"term": "x", "estimate": 1.0, "ame": 0.2, "ame_low": 0.1, "ame_high": 0.3}
    >>> float(in_units(pd.DataFrame([row]), "ame")["estimate"][0])
    0.2
    """
    ends = {"estimate": name, "conf_low": f"{name}_low", "conf_high": f"{name}_high"}
    return frame.assign(**{column: frame[other] for column, other in ends.items()})


def _check(frame: pd.DataFrame) -> None:
    missing = [name for name in _NEEDED if name not in frame]
    if missing:
        raise DataError(
            f"A forest plot needs the column {missing[0]!r}.",
            found=", ".join(map(str, frame.columns)) or "no columns",
            expected=", ".join(_NEEDED),
            fix="Pass the table that a result's to_frame() returns.",
        )


def _points(own: pd.DataFrame, y: np.ndarray, group: str, k: int) -> go.Scatter:
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
        customdata=customdata(own),
        hoverinfo="text",
    )


def _crosses(own: pd.DataFrame, y: np.ndarray, group: str, k: int) -> go.Scatter:
    return go.Scatter(
        x=np.full(len(own), 0.01),
        y=y,
        xaxis="x2",
        mode="markers+text",
        text="undefined",
        textposition="middle right",
        textfont={"size": 10},
        name=label(group),
        legendgroup=str(k),
        showlegend=False,
        marker={"color": marker(k)["color"], "size": 7, "symbol": "x-thin-open"},
        hovertext=[_hover(row) for row in own.to_dict("records")],
        customdata=customdata(own),
        hoverinfo="text",
    )


def _hover(row: dict[str, Any]) -> str:
    lines = [f"<b>{escape(row['term'])}</b> {escape(row['group'])}"]
    reason = "no reason recorded" if pd.isna(row.get("reason")) else escape(row["reason"])
    if not np.isfinite(row["estimate"]):
        lines.append(f"undefined: {reason}")
    elif not np.isfinite([row["conf_low"], row["conf_high"]]).all():
        lines.append(f"{row['estimate']:+.3f}, interval undefined")
    else:
        lines.append(f"{row['estimate']:+.3f} [{row['conf_low']:+.3f}, {row['conf_high']:+.3f}]")
    lines += [f"q = {row['q_value']:.3g}"] if np.isfinite(row.get("q_value", np.nan)) else []
    lines += [f"n = {row['n']:,}"] if "n" in row else []
    lines += [escape(row["method"])] if "method" in row else []
    return "<br>".join(lines)
