"""What pairs the filters find, and what there is to filter by: looked up once a session."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st
from parts.ui import failure

import workbench as wb
from workbench.data.browse import names_of
from workbench.data.on_view.dates import dates_of
from workbench.data.on_view.slices import Slice


# Streamlit does not hash what starts with _
@st.cache_data(max_entries=16, scope="session")
def names(key: str, what: str, _data: wb.PreferenceData) -> list[str]:
    """Return the names of one kind, as :func:`workbench.data.browse.names_of`."""
    return names_of(_data, what)


@st.cache_data(max_entries=16, scope="session")
def span(key: str, factor: str, _data: wb.PreferenceData) -> tuple[float, float]:
    """Return the least and the greatest coded difference of a factor."""
    values = _data.factors[factor]
    return float(values.min()), float(values.max())


@st.cache_data(max_entries=8, scope="session")
def dated(key: str, _data: wb.PreferenceData) -> tuple[Any, Any] | None:
    """Return the first and the last day; None where the file has no dates."""
    times = dates_of(_data)
    return None if times is None else (times.min().date(), times.max().date())


@st.cache_data(max_entries=32, show_spinner="Searching ...", scope="session")
def _found(key: str, definition: str, _data: wb.PreferenceData) -> Any:
    return Slice.of_json(definition).rows(_data)


def found(chosen: Slice, data: wb.PreferenceData, key: str) -> Any:
    """Return the positions of the pairs that pass the filters; none where they cannot be read."""
    try:
        return _found(key, chosen.to_json(), data)
    except wb.WorkbenchError as error:
        failure(error)
        return pd.RangeIndex(0).to_numpy()


def with_every_label(data: wb.PreferenceData, whole: wb.PreferenceData) -> wb.PreferenceData:
    """Return the pairs and factors that were fitted, with the labels of every criterion."""
    if data.labels is whole.labels or len(data.labels) == len(whole.labels):
        return data
    if data.factors is whole.factors:
        # what was counted of it before need not be counted again
        return whole
    same = len(data) == len(whole)
    labels = (whole if same else whole.filter(pair_ids=data.pairs["pair_id"])).labels
    return replace(data, labels=labels)
