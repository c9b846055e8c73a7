"""Where things stand: margins that hold the labels, and rows of the legend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.plots.svg.axis import Axis, spans
from workbench.plots.svg.cells import BAR
from workbench.plots.svg.text import lines, width_of

TITLE, TICK, LEGEND_ROW = 15.0, 12.0, 20.0
"""Sizes of the text of titles and ticks; height of a row of the legend."""

_AXIS_TITLE = 20.0
PANEL = 14.0
"""Room for the names of panels above the first of them."""
_NARROWEST, _LOWEST = 120.0, 40.0


@dataclass(frozen=True)
class Box:
    """The place of everything, in pixels.

    Attributes
    ----------
    width, height : float
        Of the picture.
    left, top, inner_width, inner_height : float
        Of the plot area.
    axes : dict of str to Axis
    legend : list of rows of (trace, text, left)
    head : float
        Where the title and the legend end.
    """

    width: float
    height: float
    left: float
    top: float
    inner_width: float
    inner_height: float
    axes: dict[str, Axis]
    legend: list[list[tuple[Mapping[str, Any], str, float]]]
    head: float


def laid_out(figure: Mapping[str, Any], width: float) -> Box:
    """Return where everything of a figure stands.

    Examples
    --------
    >>> box = laid_out({"data": [{"x": [0, 10], "y": [1, 1]}], "layout": {"height": 300}}, 600)
    >>> box.height, sorted(box.axes)
    (300.0, ['x', 'y'])
    """
    layout = figure["layout"]
    ranges = spans(figure)
    scaled = any(trace.get("type") == "heatmap" for trace in figure["data"])
    # labels do not depend on how long an axis is, unless its ticks are chosen by its length
    draft = {n: Axis(n, s, lo, hi, 0.0, 400.0) for n, (s, lo, hi) in ranges.items()}
    left = _beside(draft["y"])
    right = max(16.0, BAR + 8 if scaled else 0.0)
    left = min(left, width - right - _NARROWEST)
    legend = _legend(figure, width - 10)
    title = lines((layout.get("title") or {}).get("text") or "")
    head = (TITLE + 12) * bool(title[0]) + LEGEND_ROW * len(legend)
    # lines below the axis have told the figure how much room they need
    asked = float((layout.get("margin") or {}).get("b") or 0.0)
    notes = layout.get("annotations", ())
    named = any(note.get("yanchor") == "bottom" for note in notes)
    above = 12.0 + max(PANEL * named, TICK * any(axis.above for axis in draft.values()))
    top, bottom = head + above, max(_below(draft["x"]), asked)
    # a legend of several rows makes the picture taller, not the plot lower
    height = float(layout.get("height") or 450) + LEGEND_ROW * max(0, len(legend) - 1)
    inner_height = max(height - top - bottom, _LOWEST)
    inner_width = width - left - right
    axes = {n: _placed(n, *r, inner_width, inner_height) for n, r in ranges.items()}
    total = top + inner_height + bottom
    return Box(width, total, left, top, inner_width, inner_height, axes, legend, head)


def _placed(
    name: str, spec: Mapping[str, Any], low: float, high: float, wide: float, tall: float
) -> Axis:
    first, last = spec.get("domain") or (0.0, 1.0)
    if name[0] == "x":
        return Axis(name, spec, low, high, first * wide, last * wide)
    return Axis(name, spec, low, high, (1 - first) * tall, (1 - last) * tall)


def _beside(axis: Axis) -> float:
    longest = max((width_of(text, TICK) for _, text in axis.ticks), default=0.0)
    titled = bool((axis.spec.get("title") or {}).get("text"))
    return (longest + 14 if axis.seen else 10.0) + _AXIS_TITLE * titled


def ticks_height(axis: Axis) -> float:
    """Return how much room the labels of an axis take below it."""
    if not axis.seen:
        return 6.0
    tilt = abs(float(axis.spec.get("tickangle") or 0.0))
    longest = max((width_of(text, TICK) for _, text in axis.ticks), default=0.0) if tilt else 0.0
    return TICK + 8 + longest * math.sin(math.radians(tilt))


def _below(axis: Axis) -> float:
    titled = bool((axis.spec.get("title") or {}).get("text"))
    return ticks_height(axis) + (_AXIS_TITLE + 2) * titled + 6


def _legend(
    figure: Mapping[str, Any], width: float
) -> list[list[tuple[Mapping[str, Any], str, float]]]:
    named = [
        trace
        for trace in figure["data"]
        if trace.get("name") and trace.get("showlegend", True) and trace.get("type") != "heatmap"
    ]
    wanted = figure["layout"].get("showlegend")
    if not named or wanted is False or (wanted is None and len(figure["data"]) < 2):
        return []
    rows: list[list[tuple[Mapping[str, Any], str, float]]] = [[]]
    left = 4.0
    for trace in named:
        text = lines(trace["name"])[0]
        room = 44 + width_of(text, TICK)
        if rows[-1] and left + room > width:
            rows.append([])
            left = 4.0
        rows[-1].append((trace, text, left))
        left += room
    return rows
