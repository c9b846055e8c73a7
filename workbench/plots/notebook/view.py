"""A result in a notebook: heading, the clear rows with intervals, a picture, how to read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.errors import DataError
from workbench.plots.fold import folded
from workbench.plots.notebook.picture import inline
from workbench.plots.ranking import clear_first
from workbench.plots.svg.text import xml

_ROWS = 12
_LONG = 80
"""Characters of a cell; the table of the result has the whole text."""

_SAID = 1500
_LARGEST = 34_000
"""Characters of a picture: with the table, all is well below 50 kB."""

_KNOWN = ("group", "term", "estimate", "q_value", "n")
_HEADS = {"estimate": "estimate [interval]", "q_value": "q"}
_CELL = 'style="text-align:left;padding:2px 12px 2px 0;vertical-align:top"'


def view(
    heading: str, about: str, table: pd.DataFrame, plot: Callable[[], go.Figure], summary: str
) -> str:
    """Return HTML of at most 50 kB, without script; text of the data is escaped.

    Parameters
    ----------
    heading, about : str
        What it is, and how to read it.
    table : DataFrame
        Of the estimates.
    plot : callable
        Returns its figure.
    summary : str
        Stands in for rows that the table does not have.

    Examples
    --------
    >>> rows = pd.DataFrame({"term": ["<x>"], "estimate": [1.0], "conf_low": [0.5],
    ...                      "conf_high": [2.0], "n": [9]})
    >>> "&lt;x&gt;" in view("Weights", "", rows, go.Figure, "")
    True
    """
    parts = [f"<h4>{xml(heading)}</h4>"]
    if {"term", "estimate", "conf_low", "conf_high"} <= set(table) and len(table):
        parts.append(_table(table))
    else:
        parts.append(f"<pre>{xml(_cut(summary, _SAID))}</pre>")
    parts.append(_picture(plot, heading))
    if about:
        parts.append(f"<p><b>How to read it.</b> {xml(about)}</p>")
    more = "<code>.summary()</code>, <code>.to_frame()</code> and <code>.plot()</code> have all"
    return "\n".join([*parts, f"<p><small>{more}.</small></p>"])


def _picture(plot: Callable[[], go.Figure], heading: str) -> str:
    try:
        image = inline(folded(plot()), heading)
    except DataError:
        # a figure of somebody's own result: the live one is a call away
        return ""
    if len(image) > _LARGEST:
        return "<p>The picture is too large for a notebook: <code>.plot()</code> draws it.</p>"
    return image


def _table(table: pd.DataFrame) -> str:
    rows = _first(table)
    known = [
        name
        for name in _KNOWN
        if name in table and (name == "estimate" or table[name].notna().any())
    ]
    heads = "".join(f"<th {_CELL}>{xml(_HEADS.get(name, name))}</th>" for name in known)
    body = "".join(
        "<tr>" + "".join(f"<td {_CELL}>{_cell(row, name)}</td>" for name in known) + "</tr>"
        for row in rows.to_dict("records")
    )
    left = len(table) - len(rows)
    told = f"<p><small>{len(rows)} of {len(table):,} rows, the clear ones first.</small></p>"
    shown = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return shown + (told if left else "")


def _first(table: pd.DataFrame) -> pd.DataFrame:
    """Return the first rows, in the order in which a reader meets their terms."""
    ranking = clear_first(table)
    place = {term: k for k, term in enumerate([*ranking.clear, *ranking.rest])}
    order = table["term"].map(place).fillna(len(place)).sort_values(kind="stable").index
    return table.loc[order].head(_ROWS)


def _cell(row: dict[Any, Any], name: str) -> str:
    value = row[name]
    if name == "estimate":
        return xml(_estimate(row))
    if name == "q_value":
        return "–" if pd.isna(value) else f"{value:.2g}"
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        return "–" if pd.isna(value) else f"{value:,.0f}"
    return xml(_cut(str(value), _LONG))


def _estimate(row: dict[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        reason = row.get("reason")
        return f"undefined: {_cut(str(reason), _LONG)}" if isinstance(reason, str) else "undefined"
    if pd.isna(row["conf_low"]) or pd.isna(row["conf_high"]):
        return f"{row['estimate']:+.3f} [no interval]"
    return f"{row['estimate']:+.3f} [{row['conf_low']:+.3f}, {row['conf_high']:+.3f}]"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
