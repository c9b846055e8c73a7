"""Two responses side by side with the words marked that stand in one of them only.

This is the one place where text of a data set becomes part of HTML; it is escaped here.
"""

from __future__ import annotations

import html

import streamlit as st
from parts.ui import note

from workbench.data.word_diff import Difference, Kind

_BOX = (
    "white-space:pre-wrap;overflow-wrap:anywhere;font-size:0.9rem;line-height:1.55;padding:0.75rem;"
    "border:1px solid rgba(128,128,128,0.35);border-radius:0.5rem;max-height:34rem;overflow-y:auto"
)
# seen on light and on dark grounds, and underlined for readers who do not see the colour
_MARKS = {
    "only_a": "background:rgba(0,114,178,0.25);color:inherit;text-decoration:underline",
    "only_b": "background:rgba(213,94,0,0.25);color:inherit;text-decoration:underline",
}


def marked(difference: Difference, kind: Kind) -> str:
    """Return one text as HTML, every piece of it escaped, the words of its own marked."""
    pieces = []
    for part, text in difference.side(kind):
        escaped = html.escape(text)
        style = _MARKS.get(part)
        pieces.append(f'<mark style="{style}">{escaped}</mark>' if style else escaped)
    return f'<div dir="auto" style="{_BOX}">{"".join(pieces)}</div>'


def show_difference(difference: Difference, titles: tuple[str, str]) -> None:
    """Show two texts in two columns."""
    kinds: tuple[Kind, Kind] = ("only_a", "only_b")
    for place, kind, title in zip(st.columns(2), kinds, titles, strict=True):
        with place:
            note(title)
            st.html(marked(difference, kind))
    if difference.unit != "word":
        st.caption(f"Very long or repetitive: compared by {difference.unit}, not by word.")
