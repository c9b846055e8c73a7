"""Tags and notes of the reader: kept in the session by data set, listed and taken along."""

from __future__ import annotations

import streamlit as st
from parts.ui import failure, table

import workbench as wb
from workbench.data.on_view.tags import (
    LONGEST_NOTE,
    MOST_TAGS,
    Tagged,
    known_tags,
    of_jsonl,
    tagged,
    tags_table,
    to_jsonl,
)

_KEPT, _SETS = "tags", 10  # data sets whose tags a session keeps
_OFFERED = ("wrong label", "unclear", "interesting")


def kept_for(name: str) -> dict[str, Tagged]:
    """Return what is kept for one data set of this session."""
    return st.session_state.setdefault(_KEPT, {}).get(name, {})


def _keep(name: str, kept: dict[str, Tagged]) -> None:
    sets = st.session_state.setdefault(_KEPT, {})
    sets.pop(name, None)
    sets[name] = kept
    for old in list(sets)[:-_SETS]:
        del sets[old]


def write_down(name: str, pair_id: str) -> None:
    """Show the tags and the note of one pair, to be changed.

    Parameters
    ----------
    name : str
        Digest of the whole data set: a slice of it shares its tags.
    """
    kept = kept_for(name)
    own = kept.get(pair_id, Tagged())
    left, right = st.columns([2, 3])
    options = list(dict.fromkeys([*_OFFERED, *known_tags(kept)]))
    tags = left.multiselect(
        "Tags", options, default=list(own.tags), accept_new_options=True,
        max_selections=MOST_TAGS, key=f"tags-{name}-{pair_id}",
    )  # fmt: skip
    note = right.text_area(
        "Note", own.note, max_chars=LONGEST_NOTE, height=80, key=f"note-{name}-{pair_id}"
    )
    try:
        new = tagged(kept, pair_id, tags, note or "")
    except wb.WorkbenchError as error:
        failure(error)
        return
    if new != kept:
        _keep(name, new)


def written_down(name: str, data: wb.PreferenceData) -> None:
    """List what was written down, offer it as files, and read it in again."""
    kept = kept_for(name)
    if kept:
        table(tags_table(kept, data), "tags", f"Pairs with tags or a note: {len(kept):,}")
        st.download_button(
            "Download JSON lines", to_jsonl(kept), file_name="tags.jsonl",
            mime="application/jsonl", key="tags-jsonl", on_click="ignore",
            icon=":material/download:",
        )  # fmt: skip
    else:
        st.caption("Nothing was written down yet. It stays in this session until it is exported.")
    file = st.file_uploader(
        "Read tags and notes in again (JSON lines)", type=["jsonl"], max_upload_size=5,
        key=f"tags-file-{st.session_state.get('tags-read', 0)}",
    )  # fmt: skip
    if file is None:
        return
    try:
        new = of_jsonl(file.getvalue().decode("utf-8", "replace"), kept)
    except wb.WorkbenchError as error:
        failure(error)
        return
    _keep(name, new)
    # boxes of pairs that were seen before would write their old values over it
    for key in [key for key in st.session_state if str(key).startswith((f"tags-{name}", "note-"))]:
        del st.session_state[key]
    st.session_state["tags-read"] = st.session_state.get("tags-read", 0) + 1
    st.rerun()
