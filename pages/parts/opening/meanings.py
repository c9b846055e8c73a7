"""What each verdict of a table means: a box for each of a few."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.opening.rating_rule import OPEN

_MEANINGS = ("a", "b", "tie", "both_bad", "both_good", "not_applicable", "failed", "no_judgement")
_VALUES = 10
"""Verdicts that have a box each: more are numbers on a scale."""


def meaning_boxes(verdicts: Any, key: str) -> None:
    """Show a box for each verdict of a table, which says what it means."""
    if len(verdicts) == 0 or "value" not in verdicts:
        return
    values = list(dict.fromkeys(verdicts["value"].astype(str)))
    if len(values) > _VALUES:
        return
    st.caption("What verdicts mean: a is response A, or its model. Beside each how it is read now.")
    known = st.session_state.setdefault(f"values-{key}", [])
    for value, place in zip(values, st.columns(5) * (_VALUES // 5), strict=False):
        if value not in known:
            known.append(value)
        read = verdicts.loc[verdicts["value"].astype(str) == value, "meaning"].iloc[0]
        with place:
            st.text(f"{value[:60]}: {read}")
            st.selectbox(
                "Meaning of a verdict", [OPEN, *_MEANINGS], label_visibility="collapsed",
                # a value is no part of a key: it may be as long as a text
                key=f"meaning-{known.index(value)}-{key}",
            )  # fmt: skip


def meanings(key: str) -> dict[str, str]:
    """Return what the boxes of verdicts say: they stand below, so their state is read."""
    said = {
        value: st.session_state.get(f"meaning-{place}-{key}", OPEN)
        for place, value in enumerate(st.session_state.get(f"values-{key}", []))
    }
    return {value: meaning for value, meaning in said.items() if meaning != OPEN}
