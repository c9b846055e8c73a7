"""What has no place on an axis, told in a line or two with the reasons."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from workbench.plots.theme import escape
from workbench.reasons import UNKNOWN, Missing, by_reason

_LINES, _WIDTH = 5, 96
_LINE = 15
"""Pixels of a line of the note."""
_BEGINS = re.compile("<br>(?=No number for |and [0-9]+ more: )")
_NOTE = "note below"
_TITLE = 30
"""Pixels that a title takes above what stands there without one."""


def unplaced(frame: pd.DataFrame, groups: Sequence[str]) -> list[str]:
    """Return why some rows have no number, those of one reason together.

    Parameters
    ----------
    frame : DataFrame
        The undefined rows: ``group, term`` and, where it has it, ``reason``.
    groups : sequence of str
        All groups of the figure.

    Examples
    --------
    >>> rows = {"group": "a", "term": ["tables", "links"], "reason": "too few clusters (2)"}
    >>> unplaced(pd.DataFrame(rows), ["a"])
    ['No number for tables, links: too few clusters (2)']
    >>> unplaced(pd.DataFrame(rows), ["a", "b"])
    ['No number for tables (a), links (a): too few clusters (2)']
    """
    reasons = frame["reason"] if "reason" in frame else [None] * len(frame)
    rows = [
        Missing(str(group), str(term), UNKNOWN if pd.isna(reason) else str(reason))
        for group, term, reason in zip(frame["group"], frame["term"], reasons, strict=True)
    ]
    lines = by_reason(rows, groups, "No number for")
    more = len(lines) - _LINES
    return lines if more <= 0 else [*lines[:_LINES], f"and {more} more: the table says why"]


def note_below(figure: go.Figure, lines: Sequence[str]) -> go.Figure:
    """Write lines below the axis of a figure, and give it the height for them."""
    if not lines:
        return figure
    rows = [part for line in lines for part in textwrap.wrap(line, _WIDTH) or [""]]
    room = _LINE * len(rows) + 8
    figure.add_annotation(
        text="<br>".join(escape(row) for row in rows),
        xref="paper", yref="paper", x=0, y=0, xanchor="left", yanchor="top", yshift=-50,
        align="left", showarrow=False, font={"size": 11}, name=_NOTE,
    )  # fmt: skip
    below = int(figure.layout.margin.b or 0)
    return figure.update_layout(
        height=int(figure.layout.height or 0) + room, margin_b=max(below, 56) + room
    )


def words_beside(figure: go.Figure) -> tuple[go.Figure, str, str]:
    r"""Return a figure without its title and the note below it, and both as plain text.

    Text beside a figure goes on in the next line where the figure is narrow; in it, it is cut.

    Examples
    --------
    >>> figure = go.Figure(layout={"title": "A &lt; B", "height": 300})
    >>> figure = note_below(figure, ["No number for x"] * 2)
    >>> bare, title, note = words_beside(figure)
    >>> title, note, len(bare.layout.annotations), bare.layout.title.text
    ('A < B', 'No number for x\nNo number for x', 0, None)
    """
    layout = figure.layout
    title = layout.title.text
    notes = [one for one in layout.annotations if one.name == _NOTE]
    if not title and not notes:
        return figure, "", ""
    rows = sum(one.text.count("<br>") + 1 for one in notes)
    below, above = _LINE * rows + 8 * len(notes), _TITLE if title else 0
    bare = go.Figure(figure)
    bare.layout.annotations = [one for one in layout.annotations if one.name != _NOTE]
    bare.layout.title = None
    # what a figure does not say is left to what draws it
    margin = bare.layout.margin
    for box, side, less in (
        (bare.layout, "height", below + above), (margin, "b", below), (margin, "t", above),
    ):  # fmt: skip
        if box[side] is not None:
            box[side] = max(box[side] - less, 10)
    # only lines that were wrapped are joined again
    told = "\n".join(_BEGINS.sub("\n", one.text).replace("<br>", " ") for one in notes)
    return bare, html.unescape((title or "").replace("<br>", " ")), html.unescape(told)
