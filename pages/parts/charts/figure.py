"""A figure on a page: its points lead to the pairs behind them, its numbers can be taken along."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st
from parts.charts.selection import Select, fresh, lead

from workbench.data.on_view.spreadsheet import to_csv
from workbench.plots.behind import drawn_points, selected
from workbench.plots.fold import foldable, folded
from workbench.plots.marks import explained
from workbench.plots.theme import CONFIG
from workbench.plots.unplaced import words_beside
from workbench.plots.words import alt_of


def figure(
    plot: Any,
    alt: str,
    key: str,
    *,
    select: Select | None = None,
    frame: pd.DataFrame | None = None,
    how: str = "",
    meanings: Mapping[str, str] | None = None,
) -> None:
    """Show a figure with the text that stands for it, and a menu to take it along.

    Parameters
    ----------
    plot : plotly Figure
    alt : str
        What the figure shows; its main numbers are added, for readers who do not see it.
    key : str
        Also the name of its files.
    select : callable, optional
        Gets ``group``, ``term`` and ``against`` of a point or bar that was clicked, those of
        them that it has, by the names of the data; ``parts.linking.to_pairs`` takes them as
        they are: ``select=lambda of: to_pairs(**of)``.
    frame : DataFrame, optional
        The table behind the figure; the marks that are drawn where it is not given.
    how : str
        What the figure shows and how it was made, in our own words.
    meanings : mapping of str to str, optional
        What each term means, for the text that the mouse brings up.
    """
    explained(plot, meanings or {})
    hidden = foldable(plot)
    if hidden and not st.session_state.get(f"all-{key}"):
        folded(plot)
    bare, title, told = words_beside(plot)
    if title:
        # names of the data are in it
        st.text(title)
    config = {**CONFIG, "toImageButtonOptions": {"filename": file_name(key), "scale": 2}}
    drawn = {"alt": alt_of(plot, alt), "theme": "streamlit", "config": config}
    if select is None:
        st.plotly_chart(bare, key=key, **drawn)
    else:
        event = st.plotly_chart(
            bare, key=fresh(key), on_select="rerun", selection_mode="points", **drawn
        )
        points = event["selection"]["points"]
        lead(select, key, selected(points[0]) if points else {})
    if told:
        st.text(told)
    if hidden:
        st.toggle(f"{hidden} more are not clear: show all", key=f"all-{key}")
    _menu(plot, key, frame, how)


def file_name(key: str) -> str:
    """Return the name of a figure's files: the key without what a file name cannot hold."""
    return re.sub(r"[^\w-]+", "-", key).strip("-").lower() or "figure"


def _menu(plot: Any, key: str, frame: pd.DataFrame | None, how: str) -> None:
    """Offer the numbers and the figure as files, made when they are asked for."""
    with st.popover("About this figure", icon=":material/more_horiz:", type="tertiary"):
        if how:
            # it may name annotators of the data
            st.text(how)
        files = {
            "csv": ("Table (CSV)", lambda: to_csv(drawn_points(plot) if frame is None else frame)),
            "json": ("Figure (plotly JSON)", plot.to_json),
        }
        for ending, (label, made) in files.items():
            st.download_button(
                label,
                made,
                file_name=f"{file_name(key)}-figure.{ending}",
                mime={"csv": "text/csv", "json": "application/json"}[ending],
                key=f"figure-{key}-{ending}",
                on_click="ignore",
                icon=":material/download:",
            )
        st.caption("Picture (PNG): the camera at the figure's top right corner.")
