"""Which slice a session shows and which it keeps by name; the link holds the definition."""

from __future__ import annotations

import streamlit as st

import workbench as wb
from workbench.data.on_view.slices import Slice

SLICE = "slice"
"""The word of the link before the definition, and the key of the session."""
ALL = "all pairs"
"""What the choice of no slice is called."""
_DATA, _SAVED, _OF, _MOST = "data", "slices", "slice-of", 20


def wanted(digest: str) -> str | None:
    """Return the definition that the link or the session names."""
    asked, kept = st.query_params.get(SLICE), st.session_state.get(SLICE)
    if kept is not None and st.session_state.get(_OF) != digest and asked in (None, kept):
        # other data were opened: a slice belongs to those it was made for
        leave()
        return None
    if asked or kept:
        view(asked or kept)
    return asked or kept


def view(definition: str) -> None:
    """Put a slice on view; the link names it."""
    st.session_state[SLICE] = definition
    st.session_state[_OF] = st.session_state.get(_DATA)
    # each time: what a callback wrote does not reach the browser's line
    st.query_params[SLICE] = definition
    saved = saved_slices()
    if definition in saved.values():
        return
    try:
        title = title_of(Slice.of_json(definition))
    except wb.WorkbenchError:
        return
    names = (title, *(f"{title} ({k})" for k in range(2, _MOST + 3)))
    saved[next(name for name in names if name not in (ALL, *saved))] = definition
    for old in list(saved)[:-_MOST]:
        del saved[old]


def leave() -> None:
    """Show all pairs again; the slice stays among the saved ones."""
    st.session_state.pop(SLICE, None)
    st.session_state.pop(_OF, None)
    if SLICE in st.query_params:
        del st.query_params[SLICE]


def saved_slices() -> dict[str, str]:
    """Return the definitions that this session keeps, by name."""
    return st.session_state.setdefault(_SAVED, {})


def title_of(chosen: Slice) -> str:
    """Return how a slice is called."""
    return chosen.name.strip() or "of a link"
