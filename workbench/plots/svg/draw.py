"""A plotly figure of ours as one SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

import plotly.graph_objects as go

from workbench.errors import DataError
from workbench.plots.svg import frame, marks
from workbench.plots.svg.axis import Axis
from workbench.plots.svg.box import Box, laid_out
from workbench.plots.svg.cells import cells, scale
from workbench.plots.svg.text import px, xml

_WIDTH = 900.0
_FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif"
_OWN_GROUND = (
    "<style>svg{color:#1c2430;background:#fff}@media (prefers-color-scheme:dark)"
    "{svg{color:#e6eaf0;background:#14181f}}</style>"
)
_DRAWN: dict[str, Callable[[Mapping[str, Any], Axis, Axis], Iterator[str]]] = {
    "scatter": marks.scatter,
    "bar": marks.bars,
    "heatmap": cells,
}


def to_svg(figure: go.Figure, alt: str, *, width: float = _WIDTH, alone: bool = False) -> str:
    """Draw a figure without any script, the same bytes every time.

    Parameters
    ----------
    figure : plotly Figure
        Of :mod:`workbench.plots`: points, lines, intervals, bars, heatmaps, reference lines.
    alt : str
        What stands for the picture where it is not seen.
    width : float
        In pixels; the height is that of the figure.
    alone : bool
        Whether it is a file of its own, which brings the colours of its ground, light or dark
        as the reader's system is; otherwise it takes the colour of the text around it.

    Returns
    -------
    str
        An ``svg`` element. Each mark has the figure's hover text as its ``title``.

    Raises
    ------
    DataError
        The figure holds something that this cannot draw.

    Examples
    --------
    >>> from workbench.plots.forest import forest
    >>> import pandas as pd
    >>> row = {"term": "<x>", "estimate": 1.0, "conf_low": 0.5, "conf_high": 2.0}
    >>> text = to_svg(forest(pd.DataFrame([row])), "One weight")
    >>> text.startswith("<svg"), "&lt;x&gt;" in text, "<x>" in text
    (True, True, False)
    """
    plain = figure.to_dict()
    plain["data"] = [t for t in plain["data"] if t.get("visible", True) is True]
    for trace in plain["data"]:
        trace.setdefault("type", "scatter")
        _check(trace)
    box = laid_out(plain, width)
    body = "".join(_body(plain, box))
    name, size = xml(alt), f"{px(box.width)} {px(box.height)}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{px(box.width)}" '
        f'height="{px(box.height)}" role="img" aria-label="{name}" font-family="{xml(_FONT)}" '
        f'fill="currentColor"><title>{name}</title>'
    )
    return f"{head}{_OWN_GROUND if alone else ''}{body}</svg>"


def _check(trace: Mapping[str, Any]) -> None:
    if trace["type"] not in _DRAWN or trace.get("fill") or trace.get("stackgroup"):
        raise DataError(
            "A static picture does not know this kind of trace.",
            found=f"{trace['type']}, fill {trace.get('fill') or 'none'}",
            expected=", ".join(_DRAWN) + ", without fill",
            fix="Draw it with one of these.",
        )


def _body(figure: Mapping[str, Any], box: Box) -> Iterator[str]:
    layout = figure["layout"]
    yield from frame.title(layout)
    yield from frame.legend(box)
    # an svg within the svg cuts off what leaves the plot area, and needs no name for it
    yield (
        f'<svg x="{px(box.left)}" y="{px(box.top)}" width="{px(box.inner_width)}" '
        f'height="{px(box.inner_height)}" overflow="hidden">'
    )
    yield from frame.shapes(layout, box, below=True)
    yield from frame.grid(box)
    whole = [t for t in figure["data"] if t["type"] == "scatter" and t.get("cliponaxis") is False]
    inside = [t for t in figure["data"] if t not in whole]
    yield from chain.from_iterable(_drawn(trace, box) for trace in inside)
    yield from frame.shapes(layout, box, below=False)
    yield "</svg>"
    yield f'<g transform="translate({px(box.left)} {px(box.top)})">'
    yield from chain.from_iterable(_drawn(trace, box) for trace in whole)
    for trace in figure["data"]:
        if trace["type"] == "heatmap":
            yield from scale(trace, box.inner_width + 10, 0.0, box.inner_height)
        else:
            yield from marks.words(trace, *_axes(trace, box))
    yield "</g>"
    yield from frame.ticks(box)
    yield from frame.notes(layout, box)


def _drawn(trace: Mapping[str, Any], box: Box) -> Iterator[str]:
    return _DRAWN[trace["type"]](trace, *_axes(trace, box))


def _axes(trace: Mapping[str, Any], box: Box) -> tuple[Axis, Axis]:
    return box.axes[trace.get("xaxis") or "x"], box.axes[trace.get("yaxis") or "y"]
