"""Points, lines, intervals, bars and words of a trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DataError
from workbench.plots.svg.axis import Axis, ends_of
from workbench.plots.svg.numbers import floats, values
from workbench.plots.svg.signs import sign
from workbench.plots.svg.text import colour, lines, px, xml

Array = NDArray[np.float64]
_INK = "#0072B2"
_CLEAR = "rgba(0,0,0,0)"
DASHES = {"dot": "2 3", "dash": "7 4", "dashdot": "7 3 2 3", "solid": None}
_SHIFT = {"top": -9.0, "middle": 4.0, "bottom": 16.0}
_ANCHOR = {"left": ("end", -8.0), "center": ("middle", 0.0), "right": ("start", 8.0)}


def scatter(trace: Mapping[str, Any], x: Axis, y: Axis) -> Iterator[str]:
    """Draw the line, the intervals and the points of a trace."""
    places = x(floats(trace.get("x"))), y(floats(trace.get("y")))
    parts = str(trace.get("mode") or "lines+markers").split("+")
    if "lines" in parts:
        yield _line(*places, trace.get("line") or trace.get("marker") or {})
    for letter in "xy":
        if trace.get(f"error_{letter}"):
            yield from _intervals(trace, letter, places, x if letter == "x" else y)
    # marks that nobody sees are there to be clicked
    look = trace.get("marker") or {}
    unseen = look.get("opacity") == 0 or look.get("color") == _CLEAR
    if "markers" in parts and not unseen:
        yield _points(trace, *places)
    elif "lines" in parts:
        yield from _touched(trace, *places)


def bars(trace: Mapping[str, Any], x: Axis, y: Axis) -> Iterator[str]:
    """Draw the bars of a trace."""
    flat = trace.get("orientation") == "h"
    along, across = (x, y) if flat else (y, x)
    length, place = floats(trace.get(along.name[0])), floats(trace.get(across.name[0]))
    base = _each(trace.get("base", 0.0), len(length))
    half = float(trace.get("width") or 0.8) / 2
    start, end = along(np.asarray(base)), along(np.asarray(base) + length)
    low, high = across(place - half), across(place + half)
    fills = _each((trace.get("marker") or {}).get("color", _INK), len(length))
    tips = _tips(trace, len(length))
    for k in np.flatnonzero(np.isfinite(length)):
        a, b = sorted((start[k], end[k]))
        c, d = sorted((low[k], high[k]))
        left, top, wide, tall = (a, c, b - a, d - c) if flat else (c, a, d - c, b - a)
        yield (
            f'<rect x="{px(left)}" y="{px(top)}" width="{px(wide)}" height="{px(tall)}" '
            f'fill="{colour(fills[k])}">{tips[k]}</rect>'
        )


def words(trace: Mapping[str, Any], x: Axis, y: Axis) -> Iterator[str]:
    """Write the words beside the points of a trace, or beyond its bars."""
    bar = trace.get("type") == "bar"
    if not bar and "text" not in str(trace.get("mode")).split("+"):
        return
    places = floats(trace.get("x")), floats(trace.get("y"))
    count = len(places[0])
    shown = [lines(t)[0] if t else "" for t in _each(trace.get("text") or "", count)]
    font = trace.get("textfont") or {}
    inks = _each(font.get("color") or "currentColor", count)
    size = float(font.get("size") or 11)
    if bar and count:
        where = _beyond(trace, places)
        moved = floats(_each(trace.get("base", 0.0), count)) + places[0]
        across, up = x(moved), y(places[1])
    else:
        where = _each(trace.get("textposition") or "middle center", count)
        across, up = x(places[0]), y(places[1])
    for k in range(count):
        if not shown[k] or not np.isfinite([across[k], up[k]]).all():
            continue
        height, side = where[k].split()
        anchor, shift = _ANCHOR[side]
        down = _SHIFT[height] if height != "middle" else 0.35 * size
        ink = inks[k] if inks[k] == "currentColor" else colour(inks[k])
        yield (
            f'<text x="{px(across[k] + shift)}" y="{px(up[k] + down)}" font-size="{px(size)}" '
            f'text-anchor="{anchor}" fill="{ink}">{xml(shown[k])}</text>'
        )


def key(trace: Mapping[str, Any], left: float, middle: float) -> str:
    """Draw the sign of a trace in the legend."""
    look = trace.get("marker") or {}
    mode = str(trace.get("mode") or "")
    ink = _first(look.get("color") or (trace.get("line") or {}).get("color") or _INK)
    if trace.get("type") == "scatter" and "markers" not in mode:
        return _line(np.array([left, left + 22]), np.array([middle, middle]), trace["line"])
    symbol = look.get("symbol") or "circle"
    # a group whose points are filled and open has the filled sign in the legend
    name = (
        symbol if isinstance(symbol, str) else str(_first(symbol, "circle")).removesuffix("-open")
    )
    path, filled = sign(name, 9.0)
    fill = colour(ink) if filled else "none"
    return (
        f'<path d="M{px(left + 11)} {px(middle)}{path}" fill="{fill}" stroke="{colour(ink)}" '
        'stroke-width="1.5"/>'
    )


def _line(x: Array, y: Array, look: Mapping[str, Any]) -> str:
    steps, pen = [], "M"
    for a, b in zip(x, y, strict=True):
        if not np.isfinite([a, b]).all():
            pen = "M"
            continue
        steps.append(f"{pen}{px(a)} {px(b)}")
        pen = "L"
    dash = dashed(look)
    ink = colour(_first(look.get("color") or _INK))
    return (
        f'<path d="{"".join(steps)}" fill="none" stroke="{ink}" '
        f'stroke-width="{px(float(look.get("width") or 2))}"{dash}/>'
    )


def dashed(look: Mapping[str, Any]) -> str:
    """Return the attribute of a line that is dotted or dashed."""
    kind = str(look.get("dash") or "solid")
    if kind not in DASHES:
        raise DataError(
            "A static picture does not know this line.",
            found=kind,
            expected=", ".join(DASHES),
            fix="Use one of these as dash.",
        )
    return f' stroke-dasharray="{DASHES[kind]}"' if DASHES[kind] else ""


def _intervals(
    trace: Mapping[str, Any], letter: str, places: tuple[Array, Array], along: Axis
) -> Iterator[str]:
    error = trace[f"error_{letter}"]
    centre = floats(trace.get(letter))
    up, down = ends_of(error, len(centre))
    start, end = along(centre - down), along(centre + up)
    cap = float(error.get("width") if error.get("width") is not None else 4)
    steps = []
    other = places[1] if letter == "x" else places[0]
    for a, b, c in zip(start, end, other, strict=True):
        if not np.isfinite([a, b, c]).all() or a == b:
            continue
        if letter == "x":
            caps = [f"M{px(e)} {px(c - cap)}v{px(2 * cap)}" for e in (a, b)] if cap else []
            steps += [f"M{px(a)} {px(c)}H{px(b)}", *caps]
        else:
            caps = [f"M{px(c - cap)} {px(e)}h{px(2 * cap)}" for e in (a, b)] if cap else []
            steps += [f"M{px(c)} {px(a)}V{px(b)}", *caps]
    if steps:
        ink = error.get("color") or (trace.get("marker") or {}).get("color") or _INK
        yield (
            f'<path d="{"".join(steps)}" fill="none" stroke="{colour(_first(ink))}" '
            f'stroke-width="{px(float(error.get("thickness") or 2))}"/>'
        )


def _points(trace: Mapping[str, Any], x: Array, y: Array) -> str:
    look = trace.get("marker") or {}
    count = len(x)
    inks = _each(look.get("color") or _INK, count)
    symbols = _each(look.get("symbol") or "circle", count)
    sizes = _each(look.get("size") or 6, count)
    tips = _tips(trace, count)
    drawn = []
    for k in range(count):
        if not np.isfinite([x[k], y[k]]).all():
            continue
        path, filled = sign(str(symbols[k]), float(sizes[k]))
        own = "" if filled else ' fill="none"'
        if inks[k] != inks[0]:
            own = f' stroke="{colour(inks[k])}" fill="{colour(inks[k]) if filled else "none"}"'
        drawn.append(f'<path d="M{px(x[k])} {px(y[k])}{path}"{own}>{tips[k]}</path>')
    if not drawn:
        return ""
    ink = colour(inks[0])
    return f'<g fill="{ink}" stroke="{ink}" stroke-width="1.2">{"".join(drawn)}</g>'


def _touched(trace: Mapping[str, Any], x: Array, y: Array) -> Iterator[str]:
    """Give a line without points its text at its first point, if it has one for all."""
    told = trace.get("hovertext")
    if isinstance(told, str) and trace.get("hoverinfo") == "text" and len(x):
        look = {"color": _CLEAR, "width": 9}
        yield _line(x, y, look).replace("/>", f">{_tip(told)}</path>")


def _tips(trace: Mapping[str, Any], count: int) -> list[str]:
    told = trace.get("hovertext")
    if trace.get("hoverinfo") == "skip" or told is None:
        return [""] * count
    return [_tip(t) for t in _each(told, count)]


def _tip(text: object) -> str:
    return f"<title>{xml(chr(10).join(lines(text)))}</title>" if text else ""


def _beyond(trace: Mapping[str, Any], places: tuple[Array, Array]) -> list[str]:
    """Return where the number of each bar stands: beyond its end."""
    if trace.get("orientation") != "h" or trace.get("textposition") != "outside":
        raise DataError(
            "A static picture writes the numbers of bars beyond their ends.",
            found=f"{trace.get('orientation', 'v')}, {trace.get('textposition', 'auto')}",
            expected='orientation="h" and textposition="outside"',
            fix="Draw bars that lie, with their text outside.",
        )
    return ["middle left" if length < 0 else "middle right" for length in places[0]]


def _each(given: Any, count: int) -> list[Any]:
    """Return one value a point of what is given once, or once a point."""
    if isinstance(given, (str, int, float)):
        return [given] * count
    return values(given)


def _first(given: Any, fallback: str = _INK) -> Any:
    if isinstance(given, (str, int, float)):
        return given
    found = values(given)
    return found[0] if found else fallback
