"""Filters that become a slice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st
from parts.slicing.link import EMPTIED
from parts.slicing.store import SLICE, view

from workbench.data.on_view.slices import Slice


def save_box(chosen: Slice, empty: dict[str, Any]) -> None:
    """Offer to make filters a slice; they are then empty, as the slice holds them.

    Parameters
    ----------
    chosen : Slice
        What the filters ask for.
    empty : dict
        The value of each filter where it is not set.
    """
    with st.popover("Save as a slice", icon=":material/bookmark_add:"):
        st.text_input("Name", key="slice-name", max_chars=60, placeholder="hard coding pairs")
        st.button("Save and show it on every page", key="save-slice", type="primary",
                  on_click=_save, args=(chosen, empty))  # fmt: skip


def _save(chosen: Slice, empty: dict[str, Any]) -> None:
    name = (st.session_state.get("slice-name") or "").strip() or "filtered"
    larger = st.session_state.get(SLICE)
    within = None if larger is None else replace(Slice.of_json(larger), name="")
    view(replace(chosen, name=name, within=within).to_json())
    st.session_state.update(empty)
    st.session_state[EMPTIED] = tuple(empty)
    st.session_state["slice-name"] = ""
