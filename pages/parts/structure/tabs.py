"""Questions side by side: a tab each, of which only the open one is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from parts.structure.made import found_for
from parts.structure.shown import shown
from parts.structure.views import View
from parts.ui import failure

import workbench as wb


def tabs(views: Sequence[View], key: str, data: wb.PreferenceData, choices: dict[str, Any]) -> None:
    """Show a tab for each view.

    Parameters
    ----------
    views : sequence of View
    key : str
        Of the open tab in the link.
    data : PreferenceData
    choices : dict
        Options of the verbs by name.
    """
    # only the open view is computed, and a link opens it again
    places = st.tabs([view.name for view in views], key=key, bind="query-params")
    for view, place in zip(views, places, strict=True):
        if place.open:
            with place:
                try:
                    _answer(view, data, choices)
                except wb.WorkbenchError as error:
                    failure(error)


def _answer(view: View, data: wb.PreferenceData, choices: dict[str, Any]) -> None:
    """Show what a view finds, or what it needs to be told first."""
    st.caption(view.question)
    key = view.verb.replace("_", "-")
    if view.needs and choices.get(view.needs[0]) is None:
        st.info(f"This needs {view.needs[1]}, and these data have none.", icon=":material/info:")
        return
    said = not view.only_if or st.checkbox(view.only_if, key=key, bind="query-params")
    if not said:
        st.info("Nothing is computed until you say so.", icon=":material/info:")
        return
    found = found_for(view, data, choices)
    if view.files is not None:
        view.files(found)
    (view.draw or shown)(found, key, data)
