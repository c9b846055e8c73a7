"""The card of a judge as files."""

from __future__ import annotations

import streamlit as st

import workbench as wb


def card_files(found: wb.MeasuredJudge) -> None:
    """Offer the card as ``workbench judge-card --out`` writes it."""
    forms = (
        ("Card as Markdown", found.card.to_markdown(), "card.md", "text/markdown"),
        ("Card as JSON", found.card.to_json(), "card.json", "application/json"),
    )
    for place, (title, text, name, mime) in zip(st.columns(len(forms)), forms, strict=True):
        with place:
            st.download_button(
                title, text, file_name=name, mime=mime, key=name, on_click="ignore",
                icon=":material/download:", width="stretch",
            )  # fmt: skip
