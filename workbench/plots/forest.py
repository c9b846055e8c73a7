"""Forest plots: estimates with their intervals, one row a term."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.errors import DataError
from workbench.plots.fold import lay_out, remember
from workbench.plots.limits import cut_ends, robust_limits
from workbench.plots.marks import arrows, points
from workbench.plots.ranking import Ranking
from workbench.plots.theme import axes, axis_on_top, legend_room, offsets, style
from workbench.plots.unplaced import note_below, unplaced

_NEEDED = ("term", "estimate", "conf_low", "conf_high")


def forest(
    frame: pd.DataFrame,
    title: str | None = None,
    x_title: str = "weight (log-odds per unit)",
    reference: float | None = 0.0,
    *,
    ranking: Ranking | None = None,
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
    ranking : Ranking, optional
        The order of the rows, from :func:`clear_first`; :func:`~workbench.plots.fold.folded`
        then shows the clear ones alone. The order of the table when None.

    Returns
    -------
    plotly Figure
        An undefined estimate has no place on the axis: a line below says which and why. An
        interval that would squash the others is cut, and an arrow at the edge says so; its
        hover text gives the whole. Rows beyond those that a screen or two can show are left
        to the table.

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
    groups = list(dict.fromkeys(frame["group"]))
    known = np.isfinite(frame["estimate"].to_numpy("float64"))
    lines = unplaced(frame[~known], groups)
    terms = list(dict.fromkeys(frame.loc[known, "term"]))
    if ranking is not None:
        terms = [term for term in (*ranking.clear, *ranking.rest) if term in set(terms)]
    rows = lay_out(len(terms), len(groups), ranked=ranking is not None)
    if rows.shown < len(terms):
        lines.append(f"The first {rows.shown} of {len(terms)} rows; the table has all.")
        terms = terms[: rows.shown]
    drawn = frame[known & frame["term"].isin(terms).to_numpy()]
    figure = style(go.Figure(), height=rows.height, title=title)
    figure.update_layout(showlegend=len(groups) > 1)
    axes(figure, x_title, [str(t) for t in terms])
    if reference is not None:
        figure.add_vline(x=reference, line={"color": "rgba(128,128,128,0.8)", "width": 1.2})
    _draw(figure, drawn, _places(drawn, terms, groups), groups, reference)
    remember(figure, rows, len(groups), rows.shown if ranking is None else len(ranking.clear))
    return axis_on_top(note_below(legend_room(figure), lines))


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


def _places(drawn: pd.DataFrame, terms: list[Any], groups: list[Any]) -> NDArray[np.float64]:
    shift = dict(zip(groups, offsets(len(groups)), strict=True))
    if not drawn["term"].duplicated().any():
        # groups that share no row are each in the middle of theirs
        shift = dict.fromkeys(groups, 0.0)
    place = {term: k for k, term in enumerate(terms)}
    rows = drawn["term"].map(place).to_numpy("float64")
    return np.asarray(rows + drawn["group"].map(shift).to_numpy("float64"))


def _draw(
    figure: go.Figure,
    drawn: pd.DataFrame,
    y: NDArray[np.float64],
    groups: list[Any],
    reference: float | None,
) -> None:
    """Draw the marks of each group, and arrows where an interval goes beyond the axis."""
    centre, low, high = (
        drawn[name].to_numpy("float64") for name in ("estimate", "conf_low", "conf_high")
    )
    limits = robust_limits(centre, low, high, include=reference)
    figure.update_xaxes(range=limits)
    beyond = cut_ends(centre, low, high, limits)
    for k, group in enumerate(groups):
        own = (drawn["group"] == group).to_numpy()
        if not own.any():
            continue
        figure.add_trace(points(drawn[own], y[own], str(group), k))
        for edge, cut, sign in zip(limits, beyond, ("left", "right"), strict=True):
            if (own & cut).any():
                at = own & cut
                figure.add_trace(arrows(drawn[at], y[at], edge, sign, k))
