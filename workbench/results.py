"""The shape that every result shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.finding import Finding
from workbench.json_values import json_ready, records
from workbench.provenance import Provenance

if TYPE_CHECKING:
    import plotly.graph_objects as go

TIDY = (
    "term",
    "estimate",
    "std_error",
    "conf_low",
    "conf_high",
    "p_value",
    "q_value",
    "n",
)
"""Columns that every table of estimates has, in this order."""


class Result(ABC):
    """A frozen result: a tidy table, a text, a figure, and where it came from.

    Subclasses are frozen dataclasses with the attributes ``settings`` (a mapping of the
    options that made the result) and ``provenance``.

    Attributes
    ----------
    heading : str
        What a report and the dashboard call it.
    about : str
        What it says and how to read it, in a sentence or two.
    """

    heading: ClassVar[str] = ""
    about: ClassVar[str] = ""
    settings: dict[str, Any]
    provenance: Provenance

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """Return the estimates, one row each, with the columns of :data:`TIDY`."""

    @abstractmethod
    def summary(self) -> str:
        """Return a plain-text summary that names n, interval and method."""

    @abstractmethod
    def plot(self) -> go.Figure:
        """Return a plotly figure of the estimates with their intervals."""

    def figures(self) -> dict[str, go.Figure]:
        """Return every figure of the result by what it shows; the first is :meth:`plot`."""
        return {self.heading or type(self).__name__: self.plot()}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every table of the result by name; the first is :meth:`to_frame`."""
        return {"estimates": self.to_frame()}

    def parts(self) -> list[Result]:
        """Return results that this one is made of and that stand beside it in a report."""
        return []

    def findings(self) -> list[Finding]:
        """Return what of it crossed a stated threshold."""
        return []

    def to_dict(self) -> dict[str, Any]:
        """Return the whole result as plain JSON values (NaN becomes None)."""
        return {
            "type": type(self).__name__,
            "settings": json_ready(dict(self.settings)),
            "provenance": self.provenance.to_dict(),
            "tables": {name: records(frame) for name, frame in self.tables().items()},
        }

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the clear rows, a static picture, how to read them."""
        from workbench.plots.notebook.view import view

        name = self.heading or type(self).__name__
        return view(name, self.about, self.to_frame(), self.plot, self.summary())
