"""Questions side by side: a tab each, of which only the open one is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from parts.structure.made import found_for
from parts.structure.shown import shown
from parts.structure.views import View
from parts.ui import failure

import workbench as wb
from workbench.results import Result

Extra = Callable[[Result], None]


def tabs(
    views: Sequence[View],
    key: str,
    data: wb.PreferenceData,
    choices: dict[str, Any],
    extras: dict[str, Extra] | None = None,
) -> None:
    """Show a tab for each view, and below its result what a verb has beside it.

    Parameters
    ----------
    views : sequence of View
    key : str
        Of the open tab in the link.
    data : PreferenceData
    choices : dict
        Options of the verbs by name.
    extras : dict of str to callable, optional
        By verb: what to show below its result.
    """
    # only the open view is computed, and a link opens it again
    places = st.tabs([view.name for view in views], key=key, bind="query-params")
    for view, place in zip(views, places, strict=True):
        if place.open:
            with place:
                try:
                    _answer(view, data, choices, (extras or {}).get(view.verb))
                except wb.WorkbenchError as error:
                    failure(error)


def _answer(
    view: View, data: wb.PreferenceData, choices: dict[str, Any], extra: Extra | None
) -> None:
    """Show what a view finds, or what it needs to be told first."""
    st.caption(view.question)
    key = view.verb.replace("_", "-")
    said = not view.only_if or st.checkbox(view.only_if, key=key, bind="query-params")
    if not said:
        st.info("Nothing is computed until you say so.", icon=":material/info:")
        return
    found = found_for(view, data, choices)
    shown(found, key, data)
    if extra is not None:
        extra(found)
