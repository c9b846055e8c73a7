"""Curves: an estimate with its interval over a number."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from workbench.errors import DataError
from workbench.plots.behind import customdata
from workbench.plots.theme import escape, marker, style

_GRID = "rgba(128,128,128,0.25)"
_HEIGHT = 380


def curve(
    frame: pd.DataFrame,
    *,
    x: str,
    x_title: str,
    y_title: str,
    reference: float | None = None,
    title: str | None = None,
) -> go.Figure:
    """Draw estimates over a number, one line a group, with their intervals as bars.

    Parameters
    ----------
    frame : DataFrame
        ``estimate``; where it has them ``conf_low``, ``conf_high``, ``n`` and ``group``.
    x : str
        Column of the horizontal axis.
    x_title, y_title : str
    reference : float, optional
        Draws a horizontal line.
    title : str, optional

    Returns
    -------
    plotly Figure

    Raises
    ------
    DataError
        A column is missing.

    Examples
    --------
    >>> table = pd.DataFrame({"n": [1, 2], "estimate": [0.6, 0.7]})
    >>> list(curve(table, x="n", x_title="n", y_title="accuracy").data[0].y)
    [0.6, 0.7]
    """
    missing = [name for name in (x, "estimate") if name not in frame]
    if missing:
        raise DataError(
            "A column of the curve is missing.",
            found=", ".join(map(str, frame.columns)),
            expected=f"{x} and estimate",
            fix="Pass the table of a result.",
        )
    figure = go.Figure()
    groups = frame.groupby("group", sort=False) if "group" in frame else [("", frame)]
    for k, (name, table) in enumerate(groups):
        figure.add_scatter(
            x=table[x].tolist(),
            y=table["estimate"].tolist(),
            mode="lines+markers",
            name=escape(name),
            showlegend="group" in frame,
            marker=marker(k) | {"size": 8},
            line={"color": marker(k)["color"]},
            error_y=_bars(table),
            hovertext=[_hover(row, x) for row in table.to_dict("records")],
            customdata=customdata(table),
            hoverinfo="text",
        )
    if reference is not None:
        figure.add_hline(y=reference, line_dash="dot", line_color="#808080")
    figure.update_xaxes(title=x_title, gridcolor=_GRID, zeroline=False)
    figure.update_yaxes(title=y_title, gridcolor=_GRID, zeroline=False)
    return style(figure, height=_HEIGHT, title=title)


def _bars(table: pd.DataFrame) -> dict[str, object] | None:
    if "conf_low" not in table:
        return None
    up = (table["conf_high"] - table["estimate"]).fillna(0.0)
    down = (table["estimate"] - table["conf_low"]).fillna(0.0)
    return {"type": "data", "array": up.tolist(), "arrayminus": down.tolist(), "thickness": 1}


def _hover(row: dict[str, object], x: str) -> str:
    text = f"{escape(row.get('group', ''))}<br>{escape(x)} {row[x]}: {row['estimate']:.3f}"
    if "conf_low" in row:
        text += f" [{row['conf_low']:.3f}, {row['conf_high']:.3f}]"
    return text + (f"<br>n = {row['n']:,.0f}" if "n" in row and x != "n" else "")
