"""From pair to pair: by number, by button, by key."""

from __future__ import annotations

import streamlit as st
from parts.ui import note

_NUMBER, _VIEW = "example", "example-view"
BACK, ON = "P", "N"
"""Keys of the keyboard: letters, as the arrows move within tabs, lists and tables."""


def navigate(count: int, view: object) -> int:
    """Show go to, previous and next; return the position among the ``count`` pairs of a view."""
    if st.session_state.setdefault(_VIEW, view) != view:
        st.session_state[_VIEW], st.session_state[_NUMBER] = view, 1
    if not 1 <= int(st.session_state.get(_NUMBER) or 1) <= count:
        st.session_state[_NUMBER] = 1
    # first, as a number of the URL is known only once its widget is there
    chosen = st.number_input("Go to", 1, count, key=_NUMBER, bind="query-params", width=160)
    now = int(chosen or 1)
    for label, by, key, last in (("Previous", -1, BACK, 1), ("Next", 1, ON, count)):
        st.button(
            label, key=label.lower(), on_click=_step, args=(by, count), shortcut=key,
            disabled=now == last,
        )  # fmt: skip
    note(f"of {count:,} pairs")
    return now - 1


def _step(by: int, count: int) -> None:
    number = int(st.session_state.get(_NUMBER) or 1) + by
    st.session_state[_NUMBER] = min(max(number, 1), count)
