"""Waterfall: how the factors' shares add up to one prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.errors import DataError
from workbench.plots.behind import KEYS, customdata
from workbench.plots.theme import COLOURS, axes, escape, style

_NEEDED = ("term", "estimate", "conf_low", "conf_high")
_ROWS = 12
"""Factors drawn by themselves; the rest share one bar."""


def waterfall(
    frame: pd.DataFrame,
    *,
    start: float,
    percent: bool = False,
    title: str | None = None,
) -> go.Figure:
    """Draw the shares of one prediction, largest first, from a start to their sum.

    Parameters
    ----------
    frame : DataFrame
        ``term, estimate, conf_low, conf_high``, one row a factor; and where it has them
        ``value``, ``weight``, ``n`` and ``method`` for the hover text. Shares
        of 0 are left out, the smallest of many are drawn as one bar.
    start : float
        Prediction without any factor: 0 on the logit scale, 0.5 on that of probability.
    percent : bool
        Whether shares are probabilities, shown in percent.
    title : str, optional

    Returns
    -------
    plotly Figure
        Shares that favour A go right, those that favour B left; the last row is the
        prediction. Undefined shares are named in a note.

    Raises
    ------
    DataError
        A column is missing, or a factor stands twice.

    Examples
    --------
    >>> rows = {"term": ["x", "y"], "estimate": [0.2, -0.1], "conf_low": 0.0, "conf_high": 0.3}
    >>> figure = waterfall(pd.DataFrame(rows), start=0.5, percent=True)
    >>> [round(float(x), 3) for x in figure.data[0].base]
    [0.5, 0.7, 0.5]
    """
    _check(frame)
    share = frame["estimate"].to_numpy("float64")
    defined = frame[np.isfinite(share) & (share != 0)]
    order = np.argsort(-np.abs(defined["estimate"].to_numpy("float64")), kind="stable")
    defined = defined.iloc[order]
    drawn, folded = _fold(defined)
    steps = [*drawn["estimate"], *([folded["estimate"].sum()] if len(folded) else [])]
    names = [str(name) for name in drawn["term"]]
    hover = [_hover(row, percent) for row in drawn.to_dict("records")]
    if len(folded):
        names.append(f"{len(folded)} other factors")
        hover.append(_folded(folded, percent))
    bases = start + np.concatenate([[0.0], np.cumsum(steps)[:-1]]) if steps else np.empty(0)
    end = start + float(np.sum(steps))
    figure = _draw(names, np.array(steps), bases, start, end, hover, percent, title, frame)
    others = [[None] * len(KEYS)] * (len(names) + 1 - len(drawn))
    return figure.update_traces(customdata=[*customdata(drawn), *others])


def _check(frame: pd.DataFrame) -> None:
    missing = [name for name in _NEEDED if name not in frame]
    if missing or frame["term"].duplicated().any():
        raise DataError(
            f"A waterfall needs the column {missing[0]!r}."
            if missing
            else "A waterfall shows one pair: a factor stands twice.",
            found=", ".join(map(str, frame.columns)) if missing else f"{len(frame)} rows",
            expected=", ".join(_NEEDED) if missing else "one row a factor",
            fix="Pass the table that to_frame() returns for an attribution of one pair.",
        )


def _fold(defined: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    cut = len(defined) if len(defined) <= _ROWS else _ROWS - 1
    return defined.iloc[:cut], defined.iloc[cut:]


def _draw(
    names: list[str],
    steps: np.ndarray,
    bases: np.ndarray,
    start: float,
    end: float,
    hover: list[str],
    percent: bool,
    title: str | None,
    frame: pd.DataFrame,
) -> go.Figure:
    colours = [COLOURS[0] if step > 0 else COLOURS[1] for step in steps]
    figure = go.Figure(
        go.Bar(
            x=[*steps, end - start],
            base=[*bases, start],
            y=list(range(len(names) + 1)),
            orientation="h",
            marker={"color": [*colours, COLOURS[7]]},
            text=[*(_signed(step, percent) for step in steps), _level(end, percent)],
            textposition="outside",
            cliponaxis=False,
            hovertext=[*hover, f"<b>prediction</b><br>{_level(end, percent)}"],
            hoverinfo="text",
            width=0.62,
        )
    )
    for k, place in enumerate(start + np.cumsum(steps)):
        # a thin line carries each level down to the next bar
        line = {"color": "rgba(128,128,128,0.6)", "width": 1}
        figure.add_shape(type="line", x0=place, x1=place, y0=k + 0.31, y1=k + 0.69, line=line)
    label = "P(A preferred)" if percent else "logit of P(A preferred)"
    axes(
        style(figure, height=130 + 30 * (len(names) + 1), title=title),
        label,
        [*names, "prediction"],
    )
    figure.add_vline(x=start, line={"color": "rgba(128,128,128,0.8)", "width": 1.2})
    reach = np.concatenate([[start, end], bases, bases + steps])
    room = 0.18 * max(float(np.ptp(reach)), 0.1)
    figure.update_xaxes(range=[reach.min() - room, reach.max() + room])
    figure.update_layout(showlegend=False)
    if percent:
        figure.update_xaxes(tickformat=".1~%")
    return _note_undefined(figure, frame)


def _note_undefined(figure: go.Figure, frame: pd.DataFrame) -> go.Figure:
    lost = frame.loc[frame["estimate"].isna(), "term"]
    if len(lost):
        shown = ", ".join(escape(name) for name in lost[:6]) + (", ..." if len(lost) > 6 else "")
        figure.add_annotation(
            text=f"undefined, not counted: {shown}",
            xref="paper", yref="paper", x=0, y=1, xanchor="left", yanchor="bottom",
            showarrow=False, font={"size": 11},
        )  # fmt: skip
    return figure


def _hover(row: dict[str, Any], percent: bool) -> str:
    lines = [f"<b>{escape(row['term'])}</b>", _with_interval(row, percent)]
    if np.isfinite(row.get("value", np.nan)):
        lines.append(f"coded difference A minus B: {row['value']:+.3g}")
    if np.isfinite(row.get("weight", np.nan)):
        lines.append(f"weight per unit of it: {row['weight']:+.3f}")
    lines += [f"n = {row['n']:,} labels"] if "n" in row else []
    lines += [escape(row["method"])] if "method" in row else []
    return "<br>".join(lines)


def _folded(folded: pd.DataFrame, percent: bool) -> str:
    rows = folded.to_dict("records")
    shown = [f"{escape(row['term'])}: {_with_interval(row, percent)}" for row in rows[:25]]
    more = [f"and {len(rows) - 25} more"] if len(rows) > 25 else []
    return "<br>".join([f"<b>{len(rows)} other factors</b>", *shown, *more])


def _with_interval(row: dict[str, Any], percent: bool) -> str:
    text = _signed(row["estimate"], percent)
    if not np.isfinite([row["conf_low"], row["conf_high"]]).all():
        return f"{text}, interval undefined"
    return f"{text} [{_signed(row['conf_low'], percent)}, {_signed(row['conf_high'], percent)}]"


def _signed(value: float, percent: bool) -> str:
    return f"{100 * value:+.1f} points" if percent else f"{value:+.3f}"


def _level(value: float, percent: bool) -> str:
    return f"{100 * value:.1f} %" if percent else f"{value:+.3f}"
