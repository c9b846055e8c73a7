"""Two responses side by side with the words marked that stand in one of them only.

Text of a data set becomes part of HTML here, escaped, and in
:mod:`workbench.data.on_view.markdown`; nowhere else.
"""

from __future__ import annotations

import html

import streamlit as st

from workbench.data.on_view.word_diff import Difference, Kind

BOX = (
    "overflow-wrap:anywhere;font-size:0.9rem;line-height:1.55;padding:0.75rem;"
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
    return f'<div dir="auto" style="white-space:pre-wrap;{BOX}">{"".join(pieces)}</div>'


def show_head(lines: tuple[str, ...]) -> None:
    """Show what stands above a text: what it is, and who preferred it, which stands out."""
    what, *who = (html.escape(line) for line in lines)
    told = "<br>".join(f"<strong>{line}</strong>" for line in who)
    st.html(f'<div dir="auto" style="overflow-wrap:anywhere">{what}<br>{told}</div>')


def show_difference(difference: Difference, heads: tuple[tuple[str, ...], ...]) -> None:
    """Show two texts in two columns, some lines above each."""
    kinds: tuple[Kind, Kind] = ("only_a", "only_b")
    for place, kind, head in zip(st.columns(2), kinds, heads, strict=True):
        with place:
            show_head(head)
            st.html(marked(difference, kind))
    if difference.unit != "word":
        st.caption(f"Very long or repetitive: compared by {difference.unit}, not by word.")
