"""What has no place on an axis, told in a line or two with the reasons."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from workbench.plots.theme import escape

_NAMES, _LINES, _WIDTH = 12, 5, 96
_UNKNOWN = "no reason recorded"
_LINE = 15
"""Pixels of a line of the note."""


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
    ['No number for tables, links (a): too few clusters (2)']
    """
    if frame.empty:
        return []
    # what each group says of itself is one reason
    reasons = [
        reason.removeprefix(f"{group}: ")
        for reason, group in zip(_reasons(frame), frame["group"], strict=True)
    ]
    known = frame.assign(reason=reasons)
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (reason, term), own in known.groupby(["reason", "term"], sort=False):
        found.setdefault((reason, tuple(dict.fromkeys(own["group"]))), []).append(str(term))
    lines = [
        f"No number for {_listed(terms)}{_of(who, len(groups))}: {reason}"
        for (reason, who), terms in found.items()
    ]
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
        align="left", showarrow=False, font={"size": 11},
    )  # fmt: skip
    below = int(figure.layout.margin.b or 0)
    return figure.update_layout(
        height=int(figure.layout.height or 0) + room, margin_b=max(below, 56) + room
    )


def _reasons(frame: pd.DataFrame) -> pd.Series:
    if "reason" not in frame:
        return pd.Series(_UNKNOWN, index=frame.index)
    return frame["reason"].astype(object).where(frame["reason"].notna(), _UNKNOWN).astype(str)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")


def _of(groups: Sequence[str], count: int) -> str:
    if len(groups) == count:
        return ""
    return f" ({_listed(groups)})" if len(groups) <= 2 else f" ({len(groups)} of {count} groups)"
