"""Small multiples: a little forest for each term, on one axis and with the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from workbench.plots.fold import TALLEST
from workbench.plots.limits import cut_ends, robust_limits
from workbench.plots.marks import arrows, points
from workbench.plots.theme import BAND, label, labels, offsets, style
from workbench.plots.unplaced import note_below, unplaced

_COLUMNS = 2
_ROW, _GROUP, _BETWEEN, _FIXED = 22, 7, 34, 120
_LEAST_ROW, _LEAST_GROUP = 14, 4
_GRID = "rgba(128,128,128,0.25)"


def panels(
    frame: pd.DataFrame,
    terms: Sequence[str],
    *,
    row: str,
    x_title: str,
    reference: float | None = 0.0,
) -> go.Figure:
    """Draw the estimates of each term in a panel of its own.

    Parameters
    ----------
    frame : DataFrame
        ``group, term, estimate, conf_low, conf_high``, and ``row``; more as of
        :func:`~workbench.plots.forest.forest`.
    terms : sequence of str
        The panels, in the order to read them.
    row : str
        The column whose values are the rows of every panel, such as ``scenario``.
    x_title : str
    reference : float, optional
        Where to draw a line for "no effect".

    Returns
    -------
    plotly Figure
        As many panels as two screens hold; a line below counts the others, which the table
        has. Intervals that would squash the others are cut, as in a forest.

    Examples
    --------
    >>> one = {"group": "g", "term": "words", "estimate": 1.0, "conf_low": 0.5, "conf_high": 2.0}
    >>> rows = pd.DataFrame([{**one, "scenario": "code"}, {**one, "scenario": "chat"}])
    >>> panels(rows, ["words"], row="scenario", x_title="weight").layout.annotations[0].text
    'words'
    """
    known = np.isfinite(frame["estimate"].to_numpy("float64"))
    groups, rows = (list(dict.fromkeys(frame[name].astype(str))) for name in ("group", row))
    defined = set(frame.loc[known, "term"])
    wanted = [term for term in terms if term in defined]
    per_row, fit = _room(len(rows), len(groups))
    tall = min(len(rows), fit) * per_row + _BETWEEN
    most = _COLUMNS * max(1, int((TALLEST - _FIXED) // tall))
    shown = wanted[:most]
    lines = unplaced(frame[~known], groups)
    if len(shown) < len(wanted):
        lines.append(f"The first {len(shown)} of {len(wanted)} terms; the table has all.")
    if fit < len(rows):
        lines.append(f"The first {fit} of {len(rows)} rows; the table has all.")
        rows = rows[:fit]
    down = -(-len(shown) // _COLUMNS) or 1
    figure = make_subplots(
        rows=down,
        cols=min(_COLUMNS, max(len(shown), 1)),
        subplot_titles=[label(term) for term in shown],
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.03,
        vertical_spacing=min(0.9 / down, _BETWEEN / (tall * down)),
    )
    style(figure, height=_FIXED + round(down * tall), title=None)
    here = frame["term"].isin(shown) & frame[row].astype(str).isin(rows)
    drawn = frame[known & here.to_numpy()]
    centre, low, high = (
        drawn[name].to_numpy("float64") for name in ("estimate", "conf_low", "conf_high")
    )
    limits = robust_limits(centre, low, high, include=reference)
    for k, term in enumerate(shown):
        at = {"row": k // _COLUMNS + 1, "col": k % _COLUMNS + 1}
        own = drawn[drawn["term"] == term]
        _panel(figure, own, at, limits, groups, _places(own[row].astype(str), rows), k == 0)
    _axes(figure, rows, limits, reference, x_title, down)
    figure.update_layout(showlegend=len(groups) > 1, legend_y=1 + 30 / (down * tall))
    return note_below(figure, lines)


def _room(rows: int, groups: int) -> tuple[float, int]:
    """Return the pixels of a row, and how many rows there is room for."""
    room = TALLEST - _FIXED - _BETWEEN
    row: float = max(_ROW, _GROUP * groups)
    if rows * row > room:
        row = max(_LEAST_ROW, _LEAST_GROUP * groups, room / rows)
    return row, max(1, int(room / row + 1e-9))


def _places(names: pd.Series, rows: list[str]) -> NDArray[np.float64]:
    place = {name: k for k, name in enumerate(rows)}
    return np.asarray(names.map(place), "float64")


def _panel(
    figure: go.Figure,
    own: pd.DataFrame,
    at: dict[str, int],
    limits: tuple[float, float],
    groups: list[str],
    y: NDArray[np.float64],
    first: bool,
) -> None:
    shift = offsets(len(groups))
    centre, low, high = (
        own[name].to_numpy("float64") for name in ("estimate", "conf_low", "conf_high")
    )
    beyond = cut_ends(centre, low, high, limits)
    for k, group in enumerate(groups):
        mine = (own["group"].astype(str) == group).to_numpy()
        if first or mine.any():
            figure.add_trace(
                points(own[mine], y[mine] + shift[k], group, k).update(
                    showlegend=first, **_small()
                ),
                **at,
            )
        for edge, cut, sign in zip(limits, beyond, ("left", "right"), strict=True):
            if (mine & cut).any():
                where = mine & cut
                figure.add_trace(arrows(own[where], y[where] + shift[k], edge, sign, k), **at)


def _small() -> dict[str, Any]:
    return {"marker_size": 7, "error_x_width": 0, "error_x_thickness": 1.3}


def _axes(
    figure: go.Figure,
    rows: list[str],
    limits: tuple[float, float],
    reference: float | None,
    x_title: str,
    down: int,
) -> None:
    figure.update_xaxes(range=limits, gridcolor=_GRID, zeroline=False, automargin=True, nticks=6)
    figure.update_xaxes(title=x_title, row=down)
    figure.update_annotations(font={"size": 13}, yshift=2)
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=labels(rows),
        range=[len(rows) - 0.5, -0.5],
        gridcolor=_GRID,
        zeroline=False,
        automargin=True,
    )
    for k in range(1, len(rows), 2):
        band = {"fillcolor": BAND, "line": {"width": 0}, "layer": "below"}
        figure.add_hrect(y0=k - 0.5, y1=k + 0.5, **band)
    if reference is not None:
        figure.add_vline(x=reference, line={"color": "rgba(128,128,128,0.8)", "width": 1.2})
