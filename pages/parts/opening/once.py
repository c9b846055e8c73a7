"""What was made last, kept in the session: a click elsewhere makes nothing again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

_Made = TypeVar("_Made")


def once(slot: str, key: object, make: Callable[[], _Made]) -> _Made:
    """Return what was made last for a key, or make it."""
    kept = st.session_state.get(slot)
    if kept is None or kept[0] != key:
        kept = (key, make())
        st.session_state[slot] = kept
    return kept[1]
