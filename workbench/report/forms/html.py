"""A report as one HTML page without any script."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import jinja2
import plotly.graph_objects as go

from workbench.errors import DataError
from workbench.plots.svg.draw import to_svg
from workbench.plots.svg.numbers import values
from workbench.report.page import Page

_SPOKEN = ("hovertext", "hoverinfo", "hovertemplate", "customdata")
"""What a figure says when touched: it stands in the picture, not in the file of its numbers."""


def page_of(page: Page, *, framed: bool = False) -> str:
    """Return the page of a page.

    Its Content-Security-Policy allows styles and nothing else: no script runs, nothing is
    fetched. Within the ``srcdoc`` of a frame its links must be told that they stay there.
    Figures are static SVG, each with its numbers as a file in a ``data:`` link.
    """
    return _environment().get_template("report.html").render(
        title=page.title,
        sections=page.sections,
        tiles=page.tiles,
        simulated=page.simulated,
        framed=framed,
        picture=picture,
        numbers=numbers,
    )  # fmt: skip


def picture(figure: go.Figure, alt: str) -> str:
    """Return a figure as SVG, or a line that says why there is none.

    Examples
    --------
    >>> picture(go.Figure(go.Pie(values=[1])), "Pie")
    '<p>No static picture of this figure: its numbers stand in the table below.</p>'
    """
    try:
        return to_svg(figure, alt)
    except DataError:
        # a figure of somebody's own result: what it shows is in its tables all the same
        return "<p>No static picture of this figure: its numbers stand in the table below.</p>"


def numbers(figure: go.Figure) -> str:
    """Return a figure's plotly JSON, to seven digits, without theme and hover text, as base64.

    Examples
    --------
    >>> text = base64.b64decode(numbers(go.Figure(go.Scatter(x=[1], y=[2], hovertext="x"))))
    >>> json.loads(text)["data"]
    [{'x': [1], 'y': [2], 'type': 'scatter'}]
    """
    plain: dict[str, Any] = json.loads(figure.to_json())
    plain["layout"].pop("template", None)
    for trace in plain["data"]:
        for name in _SPOKEN:
            trace.pop(name, None)
    text = json.dumps(_listed(plain), ensure_ascii=True, separators=(",", ":"))
    return base64.b64encode(text.encode()).decode()


def _listed(value: Any) -> Any:
    """Return plain lists for plotly's packed arrays, and short numbers."""
    if isinstance(value, dict):
        if "bdata" in value:
            return _listed(values(value))
        return {name: _listed(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_listed(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.7g}") if math.isfinite(value) else None
    return value


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("workbench.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
