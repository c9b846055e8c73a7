"""Figures that show everywhere: live where plotly runs, a static picture where it does not."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import plotly.graph_objects as go

from workbench.errors import ConfigError
from workbench.plots.svg.draw import to_svg
from workbench.plots.svg.text import xml
from workbench.plots.words import alt_of
from workbench.whole_file import write_text

_LIVE = "application/vnd.plotly.v1+json"
_SAID = 1500
_TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)


class Drawn(Protocol):
    """What has a figure."""

    def plot(self) -> go.Figure:
        """Return it."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with its static picture.

    Attributes
    ----------
    figure : plotly Figure
    alt : str
        What stands for it where it is not seen.
    """

    figure: go.Figure
    alt: str

    @property
    def svg(self) -> str:
        """The picture as a file of its own, with a ground for light and for dark readers."""
        return to_svg(self.figure, self.alt, alone=True)

    def save(self, path: str | Path) -> Path:
        """Write the picture as an SVG file.

        Raises
        ------
        ConfigError
            The name does not end in .svg.
        """
        path = Path(path)
        if path.suffix.lower() != ".svg":
            raise ConfigError(
                "A picture is an SVG file.",
                found=path.name,
                expected="a name that ends in .svg",
                fix=f"Save it as {path.name}.svg.",
            )
        write_text(path, self.svg)
        return path

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Return the live figure and the picture: a reader takes the best that it can show."""
        live = json.loads(self.figure.to_json())
        live["layout"].pop("template", None)
        return {_LIVE: live, "image/svg+xml": self.svg, "text/plain": self.alt}


def picture(of: Drawn | go.Figure, what: str = "") -> Picture:
    """Return a figure, or that of a result, as it shows in notebooks and on code hosts.

    Parameters
    ----------
    of : result or plotly Figure
    what : str
        What it shows; the heading of a result when empty.

    Examples
    --------
    >>> from workbench.plots.forest import forest
    >>> import pandas as pd
    >>> row = {"term": "words", "estimate": 1.0, "conf_low": 0.5, "conf_high": 2.0}
    >>> picture(forest(pd.DataFrame([row])), "Weights").svg.startswith("<svg")
    True
    """
    figure = of if isinstance(of, go.Figure) else of.plot()
    return Picture(figure, alt_of(figure, what or str(getattr(of, "heading", ""))))


def inline(figure: go.Figure, what: str) -> str:
    """Return a figure as an ``img`` element that brings the whole picture along.

    Nothing of it can run, and no style of the page reaches it or comes out of it.
    """
    svg = to_svg(figure, what, alone=True)
    alt = alt_of(figure, what)[:_SAID]
    head, title, rest = svg.partition("</title>")
    # an img shows no text of its marks: it need not carry any
    plain = head + title + _TITLE.sub("", rest)
    text = base64.b64encode(plain.encode()).decode()
    return f'<img alt="{xml(alt)}" style="max-width:100%" src="data:image/svg+xml;base64,{text}">'
