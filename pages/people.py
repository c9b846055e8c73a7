"""People: how far they agree, whether they weigh things otherwise, and in which groups."""

from __future__ import annotations

import streamlit as st
from parts.entry import enter
from parts.state import announce, current
from parts.structure.choices import chosen_people
from parts.structure.made import found_for
from parts.structure.shown import shown
from parts.structure.views import VIEWS, View
from parts.ui import failure

import workbench as wb

enter("People")
data = current()
announce(data)
choices = chosen_people(data)


def answer(view: View) -> None:
    """Show what a view finds, or what it needs to be told first."""
    st.caption(view.question)
    key = view.verb.replace("_", "-")
    said = not view.only_if or st.checkbox(view.only_if, key=key, bind="query-params")
    if not said:
        st.info("Nothing is computed until you say so.", icon=":material/info:")
        return
    shown(found_for(view, data, choices), key, data)


# only the open view is computed, and a link opens it again
places = st.tabs([view.name for view in VIEWS], key="people_view", bind="query-params")
for view, place in zip(VIEWS, places, strict=True):
    if place.open:
        with place:
            try:
                answer(view)
            except wb.WorkbenchError as error:
                failure(error)
