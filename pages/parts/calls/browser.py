"""The calls of a run, a page at a time: what was sent, what came back, what was read of it."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from parts.choices import one
from parts.ui import note, text, warn

from workbench.annotate.calls import Call, Which, calls_of, pairs_of
from workbench.annotate.folder import RunFolder

_N = 15
_CUT = 90
_KINDS: dict[str, Which] = {
    "failures first": "all", "failures only": "failed", "answers only": "answered",
}  # fmt: skip


def browse(folder: RunFolder) -> None:
    """Show a page of calls, and one of them whole."""
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    with left:
        which = _KINDS[one("Show", list(_KINDS), "calls-of")]
    told = "Prompt, reply or reason holds these words; the case of ASCII letters is ignored."
    words = right.text_input("Search", key="calls-search", max_chars=200, help=told)
    marks = _marks(folder, which, words)
    with st.spinner("Looking the calls up ..."):
        found = calls_of(folder, after=marks[-1], n=_N, search=words, which=which)
    if folder.config.offline:
        warn("The model of this run is built in: these replies are simulated, not a judge's.")
    if found.damaged:
        note(f"{found.damaged:,} rows on the way are damaged, and left out.")
    if not found.calls:
        note("No call." if not words else f"No call holds these words, of {found.total:,}.")
        return
    first = (len(marks) - 1) * _N + 1
    last = first + len(found.calls) - 1
    many = f"Calls {first:,} to {last:,}" + (" that hold these words," if words.strip() else "")
    note(f"{many} of {found.total:,}")
    chosen = _chosen(found.calls)
    back, on, _ = st.columns([1, 1, 2])
    if back.button("Previous page", key="calls-back", disabled=len(marks) == 1):
        marks.pop()
        st.rerun()
    if on.button("Next page", key="calls-on", disabled=found.next is None):
        marks.append(found.next)
        st.rerun()
    _shown(found.calls[chosen], folder)


def _marks(folder: RunFolder, which: str, words: str) -> list[str | None]:
    """Return the calls before the first of each page so far; anew where something else is asked."""
    asked = (str(folder.path), which, words)
    kept = st.session_state.get("calls-marks")
    if kept is None or kept[0] != asked:
        kept = st.session_state["calls-marks"] = (asked, [None])
    return kept[1]


def _chosen(calls: list[Call]) -> int:
    rows = [
        {
            "call": call.name,
            "read as": _line(call.read) or "nothing",
            "reply": _line(call.reply),
            "failed because": _line(call.reason or ""),
            "prompt": _line(next(iter(call.texts.values()), call.prompt)),
            "tokens in": call.prompt_tokens,
            "tokens out": call.completion_tokens,
        }
        for call in calls
    ]
    # the key tells pages apart, so that a choice does not stay on another one
    event = st.dataframe(
        pd.DataFrame(rows), key=f"calls-{calls[0].name}", hide_index=True, on_select="rerun",
        selection_mode="single-row",
    )  # fmt: skip
    return event.selection.rows[0] if event.selection.rows else 0


def _shown(call: Call, folder: RunFolder) -> None:
    """Show a call whole: reply beside what was read of it, then what was sent."""
    st.subheader(f"Call {call.name}")
    left, right = st.columns(2)
    with left:
        st.caption("Reply, as the model wrote it")
        text(call.reply or "(empty)")
    with right:
        st.caption("Read as" if call.reason is None else "It counts as failed")
        text(call.read if call.reason is None else call.reason)
        note(
            f"calls sent for it: {call.attempts}; tokens {call.prompt_tokens:,} in, "
            f"{call.completion_tokens:,} out; ended by: {call.finish_reason or 'not told'}\n"
            f"form of the request: {call.form}"
        )
    if call.thinking:
        with st.expander("What it thought before it answered: never read"):
            text(call.thinking)
    ids = pairs_of(call, folder)
    if ids:
        note(f"It is about {'this pair' if len(ids) == 1 else 'these pairs'}: {', '.join(ids)}")
    for role, said in call.messages:
        st.caption(f"Sent as {role}" if role in ("system", "user", "assistant") else "Sent")
        text(said)
    if not call.messages:
        note("What was sent is not kept of this call.")
    if call.sent:
        st.caption("Sent beside the messages")
        text(call.sent)


def _line(value: str) -> str:
    flat = " ".join(value[: 4 * _CUT].split())
    return flat if len(flat) <= _CUT else f"{flat[:_CUT]} ..."
