"""What a figure says, in words with numbers: for those who do not see it."""

from __future__ import annotations

import html
import re
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.plots.behind import drawn_points
from workbench.plots.fold import foldable

_LARGEST = 3
_TAG = re.compile(r"<[^>]*>")


def alt_of(figure: go.Figure, what: str = "") -> str:
    """Return the main message of a figure as text.

    Parameters
    ----------
    figure : plotly Figure
        Of this package: a forest, small multiples, points over two axes, a curve, a heatmap or
        a waterfall.
    what : str
        What it shows, in our own words; its title or axis where it is empty.

    Returns
    -------
    str
        How many marks of which groups it has, the numbers that are furthest from no effect with
        their intervals, and what it has no place for. Names are as the data have them: it is
        plain text.

    Examples
    --------
    >>> from workbench.plots.forest import forest
    >>> row = {"group": "human", "term": "words", "estimate": 1.0, "conf_low": 0.5, "conf_high": 2}
    >>> alt_of(forest(pd.DataFrame([row])), "Weights")
    'Weights: 1 mark of human. Largest: words, human +1.00 [+0.50, +2.00].'
    """
    table = drawn_points(figure)
    parts = [_cells(figure, table) if "value" in table else _marks(figure, table)]
    hidden = foldable(figure)
    if hidden:
        parts.append(f"{hidden} rows are not clear.")
    parts += [_plain(note.text) + "." for note in figure.layout.annotations if _is_note(note)]
    said = what or _title(figure)
    text = " ".join(part for part in parts if part)
    return f"{said}: {text}" if said else text


def _title(figure: go.Figure) -> str:
    layout = figure.layout
    for text in (layout.title.text, *(axis.title.text for axis in figure.select_xaxes())):
        if text:
            return _plain(text)
    return ""


def _is_note(note: Any) -> bool:
    """Tell lines below the axis from names of panels above it."""
    return bool(note.yanchor == "top" and note.text)


def _marks(figure: go.Figure, table: pd.DataFrame) -> str:
    if table.empty:
        return "nothing is drawn."
    groups = [name for name in dict.fromkeys(table.get("mark", [])) if name]
    who = f" of {_listed(groups)}" if groups else ""
    return f"{_count(len(table), 'mark')}{who}. {_largest(figure, table)}".strip()


def _largest(figure: go.Figure, table: pd.DataFrame) -> str:
    """Tell the marks whose intervals are away from no effect, the furthest first."""
    value = pd.to_numeric(table["x"], errors="coerce").to_numpy("float64")
    if "x_low" not in table:
        return _range(table)
    reference = _reference(figure)
    low, high = (table[name].to_numpy("float64") for name in ("x_low", "x_high"))
    away = (
        np.ones(len(value), bool) if reference is None else (low > reference) | (high < reference)
    )
    if not away.any():
        return f"No interval is away from {reference:g}."
    size = np.where(away, value if reference is None else np.abs(value - reference), -np.inf)
    order = np.argsort(-size, kind="stable")[: min(_LARGEST, int(away.sum()))]
    told = [
        f"{_name(table.iloc[k])} {value[k]:+.2f} [{low[k]:+.2f}, {high[k]:+.2f}]" for k in order
    ]
    return f"Largest: {'; '.join(told)}."


def _range(table: pd.DataFrame) -> str:
    value = pd.to_numeric(table["y"], errors="coerce")
    if value.notna().sum() == 0:
        return ""
    low, high = table.loc[value.idxmin()], table.loc[value.idxmax()]
    return f"From {value.min():.2f} ({_at(low)}) to {value.max():.2f} ({_at(high)})."


def _at(row: pd.Series) -> str:
    place = row["x"]
    return f"{_name(row)} at {place:g}".strip() if isinstance(place, float | int) else _name(row)


def _name(row: pd.Series) -> str:
    parts = [row.get(name) for name in ("term", "scenario", "group", "mark")]
    # the name of a mark may be that of its group, shortened
    parts = [part for part in parts if not (isinstance(part, str) and part.endswith("…"))]
    return ", ".join(dict.fromkeys(str(part) for part in parts if isinstance(part, str) and part))


def _reference(figure: go.Figure) -> float | None:
    """Return where the figure has its line of no effect."""
    lines = [s for s in figure.layout.shapes if s.type == "line" and s.x0 == s.x1]
    return float(lines[0].x0) if lines else None


def _cells(figure: go.Figure, table: pd.DataFrame) -> str:
    names = [_plain(name) for name in figure.layout.yaxis.ticktext or []]
    off = table[(table["row"] > table["column"]) & table["value"].notna()]
    if off.empty:
        return f"{_count(len(names), 'row')}, no number."
    ends = off.loc[off["value"].idxmax()], off.loc[off["value"].idxmin()]
    most, least = (
        f"{names[int(end['row'])]} and {names[int(end['column'])]} ({end['value']:.2f})"
        for end in ends
    )
    return f"{_count(len(names), 'row')}. Most alike: {most}; least: {least}."


def _plain(text: str) -> str:
    return html.unescape(_TAG.sub(" ", text)).strip()


def _count(n: int, word: str) -> str:
    return f"{n:,} {word}{'s' * (n != 1)}"


def _listed(names: list[str]) -> str:
    more = len(names) - _LARGEST
    return ", ".join(names[:_LARGEST]) + (f" and {more} more" if more > 0 else "")
