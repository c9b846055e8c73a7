"""Heatmaps: cells by their colour, and the scale beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from workbench.plots.svg.axis import Axis
from workbench.plots.svg.numbers import floats, nice_ticks, tick_text, values
from workbench.plots.svg.text import lines, px, xml

_TOLD = 900
"""Cells with a text of their own each; more are drawn together, colour by colour."""

_STEPS = 64
BAR = 64.0
"""Pixels that the scale takes on the right."""


def cells(trace: Mapping[str, Any], x: Axis, y: Axis) -> Iterator[str]:
    """Draw the cells of a heatmap."""
    grid = np.array([floats(row) for row in values(trace["z"])], dtype="float64")
    across, down = floats(trace["x"]), floats(trace["y"])
    left, right = x(across - 0.5), x(across + 0.5)
    top, bottom = y(down - 0.5), y(down + 0.5)
    paints = _paints(trace, grid)
    tips = values(trace.get("hovertext"))
    together: dict[str, list[str]] = {}
    for i, j in zip(*np.nonzero(np.isfinite(grid)), strict=True):
        a, b = sorted((left[j], right[j]))
        c, d = sorted((top[i], bottom[i]))
        wide, tall = px(b - a - 1), px(d - c - 1)
        if grid.size <= _TOLD and tips:
            told = xml("\n".join(lines(tips[i][j])))
            yield (
                f'<rect x="{px(a)}" y="{px(c)}" width="{wide}" height="{tall}" '
                f'fill="{paints[i][j]}"><title>{told}</title></rect>'
            )
        else:
            path = f"M{px(a)} {px(c)}h{wide}v{tall}h-{wide}z"
            together.setdefault(paints[i][j], []).append(path)
    for paint, paths in together.items():
        yield f'<path fill="{paint}" d="{"".join(paths)}"/>'


def scale(trace: Mapping[str, Any], left: float, top: float, height: float) -> Iterator[str]:
    """Draw the scale of a heatmap's colours."""
    bar = trace.get("colorbar") or {}
    tall = min(height * float(bar.get("len") or 1.0), height)
    low, high = float(trace["zmin"]), float(trace["zmax"])
    count = 24
    grid = np.linspace(high, low, count).reshape(-1, 1)
    for k, (paint,) in enumerate(_paints(trace, grid)):
        yield (
            f'<rect x="{px(left)}" y="{px(top + k * tall / count)}" width="12" '
            f'height="{px(tall / count + 0.3)}" fill="{paint}"/>'
        )
    places, step = nice_ticks(low, high, 4)
    for place in places:
        at = top + tall * (high - place) / (high - low)
        text = xml(tick_text(place, step, bar.get("tickformat")))
        yield f'<text x="{px(left + 16)}" y="{px(at + 4)}" font-size="11">{text}</text>'
    title = (bar.get("title") or {}).get("text")
    if title:
        x, middle = px(left + 56), px(top + tall / 2)
        yield (
            f'<text x="{x}" y="{middle}" font-size="11" text-anchor="middle" '
            f'transform="rotate(90 {x} {middle})">{xml(" ".join(lines(title)))}</text>'
        )


def _paints(trace: Mapping[str, Any], grid: np.ndarray) -> list[list[str]]:
    """Return the colour of each number, in so many steps that an eye sees none."""
    low, high = float(trace["zmin"]), float(trace["zmax"])
    share = np.clip((np.nan_to_num(grid) - low) / (high - low), 0, 1)
    share = np.round(share * _STEPS) / _STEPS
    stops = [(float(place), str(paint)) for place, paint in trace["colorscale"]]
    places = [place for place, _ in stops]
    channels = [
        np.interp(share, places, [int(paint[k : k + 2], 16) for _, paint in stops])
        for k in (1, 3, 5)
    ]
    reds, greens, blues = (np.round(c).astype(int) for c in channels)
    return [
        [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in zip(*row, strict=True)]
        for row in zip(reds, greens, blues, strict=True)
    ]
