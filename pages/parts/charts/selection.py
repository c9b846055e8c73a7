"""From a chosen point or row to its pairs, once: what was chosen is not chosen on the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st
from parts.charts.columns import configured

from workbench.plots.behind import KEYS, customdata, selected

CLICK = "Click a point or a row: its pairs."

Select = Callable[[dict[str, str]], object]
"""What is done with the group, term and second group of a point or row that was chosen."""

_TAKEN = "taken-selections"
"""How many selections of each figure or table led away: the next one starts with none."""


def rows(frame: pd.DataFrame, key: str, select: Select | None = None) -> None:
    """Show a table; with ``select`` a row of a term or group leads to its pairs."""
    config: Any = configured(frame)
    if select is None or not {*KEYS, "annotator"} & set(frame.columns):
        st.dataframe(frame, key=key, hide_index=True, column_config=config)
        return
    event = st.dataframe(
        frame,
        key=fresh(key),
        hide_index=True,
        column_config=config,
        on_select="rerun",
        selection_mode="single-row",
    )
    chosen = [k for k in event["selection"]["rows"] if k < len(frame)]
    if chosen:
        [of] = customdata(frame.iloc[chosen[:1]])
        lead(select, key, selected({"customdata": of}))


def lead(select: Select, key: str, of: dict[str, str]) -> None:
    """Lead to the pairs of what was chosen, once."""
    if of:
        _taken(key)
        select(of)


def fresh(key: str) -> str:
    """Return the key of a widget that starts anew once its selection was taken.

    A selection that led to another page would otherwise lead there again on the way back.
    """
    count = st.session_state.get(_TAKEN, {}).get(key, 0)
    return f"{key}-{count}" if count else key


def _taken(key: str) -> None:
    """Note that the selection of a figure or table led to another page."""
    counts = st.session_state.setdefault(_TAKEN, {})
    counts[key] = counts.get(key, 0) + 1
