"""The texts of a pair, who preferred which at the head of each, as written or rendered."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from parts.pairs.difference import BOX, show_difference, show_head
from parts.ui import note, text

import workbench as wb
from workbench.data.on_view.markdown import LONGEST, rendered
from workbench.data.on_view.verdicts import Verdicts, verdicts_of
from workbench.data.on_view.word_diff import word_diff
from workbench.report.pair_view import titles_of

_WRITTEN, _RENDERED = "as written", "rendered"


def written_or_rendered() -> str:
    """Let it be chosen how texts are shown; the choice stands in the link."""
    return st.radio(
        "Texts", [_WRITTEN, _RENDERED], horizontal=True, key="texts",
        bind="query-params", label_visibility="collapsed",
        help="Rendered: Markdown without links, images and HTML.",
    )  # fmt: skip


def show_texts(pair: pd.Series, data: wb.PreferenceData, how: str, values: tuple[str, str]) -> None:
    """Show both responses, each with who preferred it.

    Parameters
    ----------
    how : str
        As :func:`written_or_rendered` gives it.
    values : tuple of str
        What else stands above each response; may be empty.
    """
    two = not pd.isna(pair.get("prompt_b"))
    note("Prompt of A" if two else "Prompt")
    _whole(pair["prompt"], how)
    if two:
        note("Prompt of B")
        _whole(pair["prompt_b"], how)
    found = verdicts_of(data, pair["pair_id"])
    titles = titles_of(pair)
    heads = tuple(
        (", ".join(part for part in (title, value) if part), *_preferred(lines))
        for title, value, lines in zip(titles, values, (found.a, found.b), strict=True)
    )
    sides = [pair[f"response_{side}"] for side in "ab"]
    if how == _RENDERED:
        for place, head, side in zip(st.columns(2), heads, sides, strict=True):
            with place:
                show_head(head)
                _whole(side, how)
    else:
        show_difference(word_diff(*("" if pd.isna(s) else s for s in sides)), heads)
        st.caption("Underlined words stand in this response only.")
    _say_neither(found)


def show_verdicts(pair: pd.Series, data: wb.PreferenceData) -> None:
    """Say who preferred which side of a pair that has no text."""
    found = verdicts_of(data, pair["pair_id"])
    for place, side, lines in zip(st.columns(2), "ab", (found.a, found.b), strict=True):
        model = pair[f"model_{side}"]
        named = f"Side {side.upper()}" + ("" if pd.isna(model) else f", {model}")
        with place:
            show_head((named, *_preferred(lines)))
    _say_neither(found)


def _preferred(lines: tuple[str, ...]) -> list[str]:
    return [f"Preferred by {line}" for line in lines] or ["Preferred by nobody"]


def _say_neither(found: Verdicts) -> None:
    if found.neither:
        note("\n".join(f"Neither: {line}" for line in found.neither))


def _whole(value: object, how: str) -> None:
    """Show one text by itself."""
    if how != _RENDERED or pd.isna(value) or not str(value).strip():
        text(value)
        return
    st.html(f'<div dir="auto" style="{BOX}">{rendered(str(value))}</div>')
    if len(str(value)) > LONGEST:
        st.caption(f"Longer than {LONGEST:,} letters: shown as it was written.")
