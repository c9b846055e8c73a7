"""Open files of one's own: choose, map, look at what is read, load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st
from parts.opening.advice import in_the_app
from parts.opening.form import reading_of
from parts.opening.look import (
    Look,
    first_look,
    forget,
    heads_folder,
    look_into,
    read_as,
    was_read,
)
from parts.opening.meanings import meaning_boxes
from parts.opening.preview import show_counts, show_raw, show_read
from parts.opening.rarely import limits_box, limits_of
from parts.opening.refusals import missing, refuse
from parts.opening.sets import adopt
from parts.opening.uploading import Source, check_size, chosen_files, forget_files, key_of, placed
from parts.ui import text, warn

import workbench as wb
from workbench.data.reading.bounds.limits import bounded


def open_files() -> bool:
    """Let files be opened; tell whether some wait to be loaded."""
    files = chosen_files()
    if not files:
        forget()
        return False
    hide = ""
    try:
        check_size(files)
        with placed(files) as (folder, source), heads_folder() as heads:
            hide = str(folder)
            size = sum(file.size for file in files)
            key = key_of(files)
            with bounded(limits_of(key)):
                shown = look_into(source, size, Path(heads))
            _open(source, shown, key)
    except wb.WorkbenchError as error:
        refuse(error, hide=hide)
    return True


def _open(source: Source, shown: Look, key: str) -> None:
    """Show how files are read, and load them when asked."""
    try:
        look = first_look(shown.source, key, limits_of(key))
    except wb.WorkbenchError:
        # what a file may cost is said before anything can be seen of it
        limits_box(key)
        raise
    known = "nothing that is known: say what the columns hold"
    st.caption(f"Recognised as: {look.format or known}.")
    if look.to_try:
        warn("The columns below are a guess by what they hold: check the judgements as read.")
    form, how = reading_of(look, key)
    meanings = st.container()
    asked = (key, form, repr(how))
    raw, read = st.columns(2)
    with raw:
        show_raw(look)
    problem = False
    if shown.quick or was_read(asked) or _is_asked():
        found = read_as(shown.source, form, how, asked)
        with read:
            show_read(found)
        with meanings:
            if found.format in (None, "tabular"):
                meaning_boxes(found.verdicts, key)
        show_counts(found, shown.whole)
        problem = found.problem is not None
        if problem:
            missing(found.problem or "")
        with st.expander("Every column and verdict, as read"):
            text(in_the_app(str(found)))
    _load(source, form, how, blocked=problem and shown.whole)


def _is_asked() -> bool:
    """Let files be read for a look that are too large to be read without being asked."""
    told = "These files are large: how they are read is shown when asked for."
    return st.button("Show how it is read", key="explain", icon=":material/search:", help=told)


def _load(source: Source, form: str | None, how: dict[str, Any], *, blocked: bool) -> None:
    pressed = st.button(
        "Load", key="load", type="primary", icon=":material/check:", disabled=blocked,
        help="Not yet: something is missing above." if blocked else None,
    )  # fmt: skip
    if pressed:
        with st.spinner("Reading all of it ..."):
            adopt(wb.load(source, form, **how))
        forget()
        forget_files()
        st.rerun()
