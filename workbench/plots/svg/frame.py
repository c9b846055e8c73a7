"""What stands around and behind the marks: ticks, grid, titles, legend, shapes, notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.errors import DataError
from workbench.plots.svg.axis import Axis
from workbench.plots.svg.box import LEGEND_ROW, TICK, TITLE, Box, ticks_height
from workbench.plots.svg.marks import dashed, key
from workbench.plots.svg.text import colour, lines, px, xml

_GRID = 'fill="none" stroke="currentColor" stroke-opacity=".18"'
_ZERO = 'fill="none" stroke="currentColor" stroke-opacity=".5"'
_BOLD = 'font-weight="600"'


def title(layout: Mapping[str, Any]) -> Iterator[str]:
    """Write the title of the figure."""
    text = (layout.get("title") or {}).get("text")
    if text:
        yield _text(4, TITLE + 4, " ".join(lines(text)), TITLE, _BOLD)


def legend(box: Box) -> Iterator[str]:
    """Draw the legend above the plot area."""
    first = box.head - LEGEND_ROW * len(box.legend)
    for k, row in enumerate(box.legend):
        middle = first + LEGEND_ROW * (k + 0.5)
        for trace, text, left in row:
            yield key(trace, left, middle)
            yield _text(left + 28, middle + 4, text, TICK)


def grid(box: Box) -> Iterator[str]:
    """Draw the grid and the lines of zero, in pixels of the plot area."""
    for axis in box.axes.values():
        if not axis.spec.get("visible", True):
            continue
        if axis.spec.get("showgrid", True):
            steps = "".join(_across(box, axis, place) for place, _ in axis.ticks)
            yield f'<path d="{steps}" {_GRID}/>'
        low, high = sorted((axis.low, axis.high))
        if axis.spec.get("zeroline", False) and low <= 0 <= high:
            yield f'<path d="{_across(box, axis, float(axis(0.0)))}" {_ZERO}/>'


def ticks(box: Box) -> Iterator[str]:
    """Write the labels of the ticks, and what the axes show."""
    for axis in box.axes.values():
        beside = axis.name[0] == "y"
        if axis.seen:
            yield from (_tick(box, axis, place, text) for place, text in axis.ticks)
        told = (axis.spec.get("title") or {}).get("text")
        if told and axis.spec.get("visible", True):
            middle = (axis.start + axis.end) / 2
            words = " ".join(lines(told))
            if beside:
                left, at = px(14), px(box.top + middle)
                yield _text(
                    14, box.top + middle, words, TICK,
                    f'text-anchor="middle" transform="rotate(-90 {left} {at})"',
                )  # fmt: skip
            else:
                y = box.top + _bottom(box, axis) + ticks_height(axis) + TICK + 2
                yield _text(box.left + middle, y, words, TICK, 'text-anchor="middle"')


def shapes(layout: Mapping[str, Any], box: Box, *, below: bool) -> Iterator[str]:
    """Draw the lines and rectangles of one layer, in pixels of the plot area."""
    for shape in layout.get("shapes", ()):
        if (shape.get("layer", "above") == "below") != below:
            continue
        (x0, x1), (y0, y1) = (_refer(shape, letter, box) for letter in "xy")
        look = shape.get("line") or {}
        width = float(look.get("width", 2))
        pen = ""
        if width:
            ink = look.get("color")
            pen = f' stroke="{colour(ink) if ink else "currentColor"}" stroke-width="{px(width)}"'
            pen += dashed(look)
        if shape["type"] == "line":
            yield f'<path d="M{px(x0)} {px(y0)}L{px(x1)} {px(y1)}" fill="none"{pen}/>'
        elif shape["type"] == "rect":
            yield (
                f'<rect x="{px(min(x0, x1))}" y="{px(min(y0, y1))}" width="{px(abs(x1 - x0))}" '
                f'height="{px(abs(y1 - y0))}" fill="{colour(shape.get("fillcolor") or "none")}"'
                f"{pen}/>"
            )
        else:
            raise DataError(
                "A static picture does not know this shape.",
                found=str(shape["type"]),
                expected="line or rect",
                fix="Draw it as a trace.",
            )


def notes(layout: Mapping[str, Any], box: Box) -> Iterator[str]:
    """Write the annotations."""
    anchors = {"left": "start", "center": "middle", "right": "end", "auto": "middle"}
    for note in layout.get("annotations", ()):
        if note.get("showarrow", True):
            raise DataError(
                "A static picture draws no arrows.",
                found=str(note.get("text")),
                expected="an annotation with showarrow=False",
                fix="Draw the arrow as a line, or leave it out.",
            )
        x = box.left + _place(note, "x", note.get("x", 0.5), box) + float(note.get("xshift") or 0)
        y = box.top + _place(note, "y", note.get("y", 0.5), box) - float(note.get("yshift") or 0)
        size = float((note.get("font") or {}).get("size") or TICK)
        y += {"bottom": -4.0, "top": size, "middle": 0.35 * size}[
            {"auto": "middle"}.get(note.get("yanchor", "auto"), note.get("yanchor", "middle"))
        ]
        anchor = anchors[note.get("xanchor", "auto")]
        for k, line in enumerate(lines(note["text"])):
            yield _text(x, y + k * 1.36 * size, line, size, f'text-anchor="{anchor}"')


def _refer(shape: Mapping[str, Any], letter: str, box: Box) -> tuple[float, float]:
    first, second = (_place(shape, letter, shape[f"{letter}{k}"], box) for k in (0, 1))
    return first, second


def _place(thing: Mapping[str, Any], letter: str, value: Any, box: Box) -> float:
    """Return the pixel of a value in the terms that a shape or a note refers to."""
    ref = str(thing.get(f"{letter}ref") or letter)
    if ref == "paper":
        size = box.inner_width if letter == "x" else box.inner_height
        return float(value) * size if letter == "x" else (1 - float(value)) * size
    axis = box.axes[ref.split()[0]]
    if ref.endswith("domain"):
        return axis.start + float(value) * (axis.end - axis.start)
    return float(axis(float(value)))


def _across(box: Box, axis: Axis, place: float) -> str:
    if axis.name[0] == "x":
        own = _beside(box, axis)
        return f"M{px(place)} {px(min(own.start, own.end))}V{px(max(own.start, own.end))}"
    # a line of one of several plots side by side goes no further than its own
    own = _beside(box, axis)
    return f"M{px(own.start)} {px(place)}H{px(own.end)}"


def _beside(box: Box, axis: Axis) -> Axis:
    """Return the other axis of a plot, of several side by side its own."""
    other = "y" if axis.name[0] == "x" else "x"
    return box.axes.get(str(axis.spec.get("anchor") or other), box.axes[other])


def _bottom(box: Box, axis: Axis) -> float:
    own = _beside(box, axis)
    return max(own.start, own.end)


def _tick(box: Box, axis: Axis, place: float, text: str) -> str:
    size = float((axis.spec.get("tickfont") or {}).get("size") or TICK)
    if axis.name[0] == "y":
        y = box.top + place + 0.35 * size
        x = box.left + _beside(box, axis).start - 8
        return _text(x, y, text, size, 'text-anchor="end"')
    x, y = box.left + place, box.top + _bottom(box, axis) + size + 5
    if axis.above:
        own = _beside(box, axis)
        y = box.top + min(own.start, own.end) - 6
    tilt = float(axis.spec.get("tickangle") or 0.0)
    if tilt:
        turn = f'text-anchor="end" transform="rotate({px(tilt)} {px(x)} {px(y - 4)})"'
        return _text(x, y - 4, text, size, turn)
    return _text(x, y, text, size, 'text-anchor="middle"')


def _text(x: float, y: float, text: str, size: float, more: str = "") -> str:
    space = " " if more else ""
    return f'<text x="{px(x)}" y="{px(y)}" font-size="{px(size)}"{space}{more}>{xml(text)}</text>'
