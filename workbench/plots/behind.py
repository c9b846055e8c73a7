"""Whose number a mark is: what a page needs to find the pairs behind it."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

KEYS = ("group", "term", "against")
"""What the custom data of a mark hold, in this order: raw names, None where there is none.
Where a mark is of one scenario only, that comes fourth."""

_SCENARIO = "scenario"
_ALSO = {"group": ("annotator",), "against": ("reference", "other")}
"""Names that tables have for the same."""

EXTRA = "extra"
"""The ``meta`` of marks whose numbers other marks of the figure have too."""


def customdata(frame: pd.DataFrame) -> list[list[Any]]:
    """Return the group, term and second group of each row, as the data name them.

    Parameters
    ----------
    frame : DataFrame
        With some of ``group`` (or ``annotator``), ``term, against`` (or ``reference``) and
        ``scenario``.

    Examples
    --------
    >>> customdata(pd.DataFrame({"group": ["<b>"], "term": ["words"]}))
    [['<b>', 'words', None]]
    """
    names = [*KEYS, *([_SCENARIO] if _SCENARIO in frame else [])]
    found = [next((n for n in (name, *_ALSO.get(name, ())) if n in frame), None) for name in names]
    columns = [[None] * len(frame) if name is None else frame[name] for name in found]
    return [
        [None if pd.isna(value) or value == "" else str(value) for value in row]
        for row in zip(*columns, strict=True)
    ]


def of_rows(figure: go.Figure, key: str) -> go.Figure:
    """Return a forest whose rows are no terms: each mark tells its row's name as ``key``.

    Parameters
    ----------
    figure : plotly Figure
    key : {"group", "term"}
        What the rows are: groups, as of held-out scores; or what has a number of its own
        without a group, as a rated model.

    Examples
    --------
    >>> mark = {"x": [0.7], "customdata": [["factors", "judge", None]]}
    >>> of_rows(go.Figure(go.Scatter(mark)), "group").data[0].customdata
    (['judge', None, None],)
    """
    for trace in figure.data:
        if trace.customdata is not None:
            rows = [row[KEYS.index("term")] for row in trace.customdata]
            trace.customdata = [[name if k == key else None for k in KEYS] for name in rows]
    return figure


def selected(point: dict[str, Any]) -> dict[str, str]:
    """Return the group, term and second group of a point that was selected, those that it has.

    Parameters
    ----------
    point : mapping
        As the page gets it, with its ``customdata``.

    Examples
    --------
    >>> selected({"customdata": ["human", "words", None]})
    {'group': 'human', 'term': 'words'}
    >>> selected({"x": 1.0})
    {}
    """
    row = point.get("customdata")
    row = list(row) if isinstance(row, list | tuple) else []
    return {
        key: value
        for key, value in zip((*KEYS, _SCENARIO), row, strict=False)
        if isinstance(value, str)
    }


def drawn_points(figure: go.Figure) -> pd.DataFrame:
    """Return the marks of a figure as a table: the numbers that a reader of it sees.

    Parameters
    ----------
    figure : plotly Figure

    Returns
    -------
    DataFrame
        One row a mark with custom data or a text of its own: ``group, term, against, x, y`` and
        the ends ``x_low, x_high, y_low, y_high`` where the figure has intervals; for a heatmap
        one row a cell with its number as ``value``.

    Examples
    --------
    >>> mark = {"x": [1.0], "y": [2.0], "customdata": [["human", "words", None]]}
    >>> drawn_points(go.Figure(go.Scatter(mark)))[["group", "term", "x"]].values.tolist()
    [['human', 'words', 1.0]]
    """
    parts = [_rows(trace) for trace in figure.data if _is_mark(trace)]
    kept = [part for part in parts if len(part)]
    if not kept:
        return pd.DataFrame(columns=[*KEYS, "x", "y"])
    return pd.concat(kept, ignore_index=True).dropna(axis="columns", how="all")


def _is_mark(trace: Any) -> bool:
    return bool(trace.hoverinfo != "skip" and trace.meta != EXTRA)


def _rows(trace: Any) -> pd.DataFrame:
    if trace.type == "heatmap":
        values = np.asarray(trace.z, "float64")
        rows = np.indices(values.shape).reshape(2, -1)
        text = np.asarray(trace.hovertext).ravel()
        return pd.DataFrame(
            {"row": rows[0], "column": rows[1], "value": values.ravel(), "text": _plain(text)}
        )
    count = 0 if trace.x is None else len(trace.x)
    named = trace.customdata if trace.customdata is not None else [[None] * len(KEYS)] * count
    names = [*KEYS, _SCENARIO]
    frame = pd.DataFrame([[*row, None][: len(names)] for row in named], columns=names)
    frame.insert(0, "mark", html.unescape(trace.name or ""))
    for axis in ("x", "y"):
        frame[axis] = list(trace[axis])
        frame = frame.assign(**_ends(trace, axis))
    return frame


def _ends(trace: Any, axis: str) -> dict[str, Any]:
    bars = getattr(trace, f"error_{axis}", None)
    if bars is None or bars.array is None:
        return {}
    centre = np.asarray(trace[axis], "float64")
    low = bars.array if bars.arrayminus is None else bars.arrayminus
    return {
        f"{axis}_low": centre - np.asarray(low, "float64"),
        f"{axis}_high": centre + np.asarray(bars.array, "float64"),
    }


def _plain(texts: Any) -> list[str]:
    return [html.unescape(str(text).replace("<br>", "; ")) for text in texts]
