"""What can be opened instead: the sets of this session, the sample, another file."""

from __future__ import annotations

import streamlit as st
from parts.opening.served import SAMPLE, SHELF, source
from parts.opening.sets import DATA, KEPT, choose, name_of, opened, uploads
from parts.ui import note, text, warn

import workbench as wb


def say_refused(error: wb.WorkbenchError, *, elsewhere: bool) -> None:
    """Say that the server cannot read its data, and what can be done or opened instead."""
    st.error("What this server was started with cannot be read.", icon=":material/error:")
    text(error)
    if st.button("Try again", key="try-again", icon=":material/refresh:"):
        SHELF.forget_error(source())
        st.rerun()
    offer(elsewhere=elsewhere)


def say_absent(*, elsewhere: bool) -> None:
    """Say that a link names data that nobody opened in this session."""
    warn(
        "This link names data that are not open here. An upload lives in the session of the "
        "person who made it, and a reload of the page ends it. Open the same file under Load, "
        "read in the same way, and this link shows it again; or go on with what is open."
    )
    offer(elsewhere=elsewhere)


def offer(*, elsewhere: bool) -> None:
    """Offer what can be opened by one click, where nothing is shown."""
    sets(here=False)
    if elsewhere and st.button("Open a file", key="open-file", icon=":material/upload_file:"):
        st.switch_page("load.py")


def sets(*, here: bool = True) -> None:
    """List the data sets of this session, each a click away.

    Parameters
    ----------
    here : bool
        Whether one of them is on view.
    """
    # as the link names it: what is on view may be a part of it
    now = st.session_state.get(DATA) if here else None
    for digest, data in reversed(uploads().items()):
        _row(f"open-{digest}", name_of(data), data, now)
    # the sample is offered before it is made, which takes some seconds
    for name in dict.fromkeys((source(), SAMPLE)):
        key = "open-sample" if name == SAMPLE else "open-served"
        try:
            data = opened(name) if name != SAMPLE or SHELF.is_ready(SAMPLE) else None
        except wb.WorkbenchError:
            if here:
                note("What this server was started with: cannot be read")
            continue
        if data is None or data.digest not in uploads():
            _row(key, "The simulated sample" if data is None else name_of(data), data, now)
    if len(uploads()) == KEPT:
        note(f"This session keeps {KEPT} uploads: of another, the oldest leaves.")


def _row(key: str, name: str, data: wb.PreferenceData | None, now: str | None) -> None:
    """Show one data set with the button that opens it; its name is no Markdown."""
    with st.container(horizontal=True, vertical_alignment="center"):
        here = data is not None and data.digest == now
        if st.button("Open now" if here else "Open", key=key, disabled=here, width=110):
            choose((opened(SAMPLE) if data is None else data).digest)
            st.rerun()
        size = "" if data is None else f": {len(data):,} pairs, {len(data.labels):,} labels"
        note(f"{name}{size}")
