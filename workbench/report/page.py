"""Sections, figures and tables as they stand on the page.

A table shows few digits, with the exact number underneath.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

_COUNTS = ("n", "n_shared", "n_clusters", "n_tied", "n_failed", "df", "row", "rows", "count")

_LONG = 40
_TALL = 24
_ROWS = 500
"""Rows of a table that a page shows: the CSV and JSON files have all."""


@dataclass(frozen=True)
class Part:
    """A piece of a cell: its text, the exact number that it shows, the place it leads to."""

    text: str
    value: str | None = None
    to: str | None = None


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table."""

    parts: tuple[Part, ...]

    @property
    def kind(self) -> str:
        """How the page sets it: ``number``, ``long`` or ``text``."""
        if any(part.value is not None for part in self.parts):
            return "number"
        return "long" if sum(len(part.text) for part in self.parts) > _LONG else "text"


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it stands on the page.

    Attributes
    ----------
    caption : str
    columns : list of str
    rows : list of list of Cell
    head : int or None
        Place of the column that names a row; None where one column is all there is.
    """

    caption: str
    columns: list[str]
    rows: list[list[Cell]]
    head: int | None = 0

    @property
    def tall(self) -> bool:
        """Whether the page should show it in a box that scrolls."""
        return len(self.rows) > _TALL

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        caption: str,
        columns: Mapping[str, str] | Sequence[str] | None = None,
        level: float | None = None,
    ) -> Table:
        """Format a frame.

        Parameters
        ----------
        frame : DataFrame
            A column with ``_low`` and ``_high`` beside it (``conf_low`` and ``conf_high``
            for ``estimate``) becomes one column with its interval.
        caption : str
        columns : mapping or sequence of str, optional
            Which columns, and their headings; those that the frame lacks are passed over,
            and so is a ``reason`` that is never given.
        level : float, optional
            Confidence level, for the headings of intervals.
        """
        chosen = dict(columns) if isinstance(columns, Mapping) else dict.fromkeys(columns or frame)
        names = [name for name in _shown(frame, list(chosen)) if name in frame]
        heads = [
            _heading(name, chosen[name], _bounds(frame, name) is not None, level) for name in names
        ]
        rows = [
            [_cell(row, name, _bounds(frame, name)) for name in names]
            for row in frame.head(_ROWS).to_dict("records")
        ]
        if len(frame) > _ROWS:
            caption += f" (the first {_ROWS:,} of {len(frame):,} rows; the JSON file has all)"
        head = names.index("term") if "term" in names else 0
        return cls(caption, heads, rows, head if len(names) > 1 else None)


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure with the text that stands for it."""

    figure: go.Figure
    alt: str


@dataclass(frozen=True)
class Text:
    """A text of the data, as far as it is shown."""

    text: str
    cut: str | None = None


@dataclass(frozen=True)
class Quote:
    """A pair as it stands on the page.

    Attributes
    ----------
    pair_id : str
    facts : tuple of str
        Who preferred which response, and the factor's values.
    texts : tuple of (str, Text)
        By what they are: prompt and responses.
    """

    pair_id: str
    facts: tuple[str, ...]
    texts: tuple[tuple[str, Text], ...]


@dataclass(frozen=True)
class Quoted:
    """The pairs behind one finding."""

    anchor: str
    title: str
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, eq=False)
class Section:
    """A headed part of the page; only some are open at first."""

    anchor: str
    title: str
    paragraphs: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    quoted: tuple[Quoted, ...] = ()
    unfolded: bool = False

    @property
    def kind(self) -> str:
        """What it is called when sections are chosen: ``weights`` for ``weights-2``."""
        return self.anchor.rstrip("0123456789").rstrip("-")

    @property
    def holds(self) -> str:
        """What is seen once it is unfolded, in a few words."""
        found = ((len(self.figures), "figure"), (len(self.tables), "table"))
        return ", ".join(f"{n} {noun}{'s' * (n != 1)}" for n, noun in found if n)


@dataclass(frozen=True, eq=False)
class Page:
    """All that stands on a page.

    Attributes
    ----------
    title : str
    simulated : str or None
        That the numbers describe nobody, where they do not.
    tiles : list of (str, str)
        Counts at the head, by name.
    sections : list of Section
    """

    title: str
    simulated: str | None
    tiles: list[tuple[str, str]]
    sections: list[Section]


def show(value: Any, name: str = "") -> str:
    """Format a value for a person: few digits, a dash where there is none.

    Examples
    --------
    >>> show(0.123456), show(1234), show(float("nan")), show(0.00001, "p_value")
    ('0.123', '1,234', '–', '1.0e-05')
    """
    if _missing(value):
        return "–"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or name in _COUNTS:
        return f"{int(value):,}"
    if name in ("p_value", "q_value"):
        return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _shown(frame: pd.DataFrame, names: list[str]) -> Iterator[str]:
    inside = {bound for name in names for bound in _bounds(frame, name) or ()}
    for name in names:
        silent = name == "reason" and name in frame and frame[name].isna().all()
        if name not in inside and not silent:
            yield name


def _bounds(frame: pd.DataFrame, name: str) -> tuple[str, str] | None:
    stem = "conf" if name == "estimate" else name
    low, high = f"{stem}_low", f"{stem}_high"
    return (low, high) if low in frame and high in frame else None


def _heading(name: str, heading: str | None, interval: bool, level: float | None) -> str:
    text = heading or name.replace("_", " ")
    if not interval:
        return text
    return f"{text} [{level:.0%} interval]" if level else f"{text} [interval]"


def _cell(row: Mapping[Any, Any], name: str, bounds: tuple[str, str] | None) -> Cell:
    point = _part(row[name], name)
    if bounds is None:
        return Cell((point,))
    if point.value is None:
        return Cell((Part("undefined"),))
    low, high = (_part(row[bound], name) for bound in bounds)
    if low.value is None and high.value is None:
        return Cell((point, Part(" [no interval]")))
    return Cell((point, Part(" ["), low, Part(", "), high, Part("]")))


def _part(value: Any, name: str) -> Part:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    exact = repr(value) if number and not _missing(value) else None
    return Part(show(value, name), exact)
