"""Widgets that all pages share. Text of a data set is shown as text, never as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from parts.charts.figure import figure
from parts.charts.selection import Select, rows
from parts.opening.advice import in_the_app

import workbench as wb
from workbench.data.on_view.spreadsheet import to_csv
from workbench.results import Result


def text(value: Any) -> None:
    """Show text of a data set: no Markdown, no HTML, no links."""
    st.code("(none)" if pd.isna(value) else str(value), language=None, wrap_lines=True)


def note(value: str) -> None:
    """Show a quiet line that may hold names of the data."""
    st.text(value)


def warn(value: str) -> None:
    """Show a warning of our own words."""
    st.warning(value, icon=":material/info:")


def failure(error: wb.WorkbenchError) -> None:
    """Show an error with what was found and what to do; it may quote the file."""
    st.error("This did not work.", icon=":material/error:")
    text(in_the_app(error))


def table(
    frame: pd.DataFrame,
    key: str,
    title: str,
    first: Sequence[str] = (),
    *,
    select: Select | None = None,
) -> None:
    """Show a table and offer it as CSV, some columns before the others.

    With ``select`` a row that is chosen leads to its pairs, as a point of a figure does.
    """
    st.caption(title)
    frame = frame[[*first, *frame.columns.difference(first, sort=False)]] if first else frame
    rows(frame, f"table-{key}", select)
    st.download_button(
        "Download CSV",
        to_csv(frame),
        file_name=f"{key}.csv",
        mime="text/csv",
        key=f"download-{key}",
        on_click="ignore",
        icon=":material/download:",
    )


def texts_of(ids: Iterable[str], data: wb.PreferenceData, key: str) -> str | None:
    """Let one of some pairs be chosen, show its texts and return its id; None without any."""
    pairs = data.pairs.set_index("pair_id")
    known = [one for one in ids if one in pairs.index]
    if not known:
        return None
    chosen = st.selectbox("Pair", known, key=key)
    for column in ("prompt", "response_a", "response_b"):
        st.caption(column)
        text(pairs.loc[chosen, column])
    return chosen


def result(
    found: Result,
    key: str,
    *,
    select: Select | None = None,
    meanings: Mapping[str, str] | None = None,
) -> None:
    """Show any result: what it says, its figure and all of its tables."""
    st.caption(found.about)
    for name, plot in found.figures().items():
        st.caption(name)
        figure(plot, name, f"figure-{key}-{name}", select=select, how=found.about,
               meanings=meanings)  # fmt: skip
    tables(found, key, select=select)


def tables(found: Result, key: str, *, select: Select | None = None) -> None:
    """Show all tables of a result."""
    for name, frame in found.tables().items():
        if len(frame):
            title = name.replace("_", " ").capitalize()
            table(frame, f"{key}-{name}", title, select=select)
