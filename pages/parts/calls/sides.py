"""Two sides, chosen and compared."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.calls.sources import Source
from parts.ui import note, warn

import workbench as wb
from workbench.compare.side_by_side import SetSide, SideBySide, side_by_side
from workbench.report.main_job import default_reference


def chosen(sources: dict[str, Source], data: wb.PreferenceData) -> tuple[SetSide, SetSide] | None:
    """Let two of some sources be chosen, and whose labels; None where there are not two."""
    if len(sources) < 2:
        note("There is only one. Open another file under Load, save filters of Examples as a "
             "slice, or annotate once more."
             if sources else "There is none yet: Annotate starts a run.")  # fmt: skip
        return None
    # kept in the session: a link would hold the names of files
    keys = list(sources)
    start = keys.index(data.digest) if data.digest in sources else 0
    places = st.columns(2)
    picked: list[tuple[Source, wb.PreferenceData, str]] = []
    for k, (place, name) in enumerate(zip(places, ("First", "Second"), strict=True)):
        with place:
            key = st.selectbox(
                name, keys, index=start if k == 0 else int(start == 0), key=f"side-{k}",
                format_func=lambda one: sources[one].name, persist_state="session",
            )  # fmt: skip
            source = sources[key]
            with st.spinner("Opening ..."):
                own = source.data()
            picked.append((source, own, _annotator(own, source, key, k)))
    if any(source.simulated for source, _, _ in picked):
        warn("A side is simulated: its numbers are no person's and no judge's.")
    names = [source.name for source, _, _ in picked]
    if names[0] == names[1]:
        names = [f"{name}: {who}" for name, (_, _, who) in zip(names, picked, strict=True)]
    if names[0] == names[1]:
        note("Both sides are the same: choose another set, or another annotator.")
        return None
    first, second = (SetSide(name, own, who)
                     for name, (_, own, who) in zip(names, picked, strict=True))  # fmt: skip
    return first, second


def _annotator(data: wb.PreferenceData, source: Source, key: str, k: int) -> str:
    table = data.annotators
    options = [*sorted(table["kind"].unique()), *table["annotator"]]
    wanted = source.annotator or default_reference(data)
    index = options.index(wanted) if wanted in options else 0
    # of each source its own box: a name of one is none of another
    return str(st.selectbox("Whose labels: a kind, or one", options, index=index,
                            key=f"who-{k}-{key}", persist_state="session"))  # fmt: skip


def compared(first: SetSide, second: SetSide) -> SideBySide:
    """Return the comparison of two sides, made once."""
    key = tuple((side.name, side.data.digest, side.annotator) for side in (first, second))
    return _compared(key, (first, second))


# Streamlit hashes no argument that starts with _
@st.cache_resource(max_entries=4, show_spinner="Fitting both ...", scope="session")
def _compared(key: tuple[Any, ...], _sides: tuple[SetSide, SetSide]) -> SideBySide:
    return side_by_side(*_sides)
