"""The slice on view: a part of the data that every page and every link shares."""

from __future__ import annotations

import streamlit as st
from parts.slicing.link import link
from parts.slicing.store import ALL, leave, saved_slices, title_of, view, wanted
from parts.ui import failure, note

import workbench as wb
from workbench.data.on_view.slices import Slice
from workbench.factors import FAMILIES, score_factors

OWN = "own-slices"
"""The key of the digests of slices of this session's uploads."""
_BOX, _LINK = "slice-choice", "copy-link"


def sliced(data: wb.PreferenceData, *, own: bool) -> wb.PreferenceData:
    """Return the part of the data that is on view, and say so; all of it where no slice is.

    Parameters
    ----------
    data : PreferenceData
    own : bool
        Whether the data are an upload of this session: its slices stay in the session too.
    """
    definition = wanted(data.digest)
    _side_bar(definition)
    if definition is None:
        return data
    try:
        chosen = Slice.of_json(definition)
        part = cut(data.digest, definition, data)
    except wb.WorkbenchError as error:
        failure(error)
        part = None
    if part is not None:
        note(
            f"Slice {title_of(chosen)}: {len(part):,} of {len(data):,} pairs ({chosen.line()})\n"
            "All of this page is of these pairs; commands name the whole data set."
        )
        if chosen.by_verdicts:
            note("Verdicts chose these pairs: weights fitted to them are not those of all pairs.")
    if part is None or not len(part):
        st.info("There is nothing of this slice in these data.", icon=":material/filter_alt_off:")
        st.button("Leave the slice: show all pairs", key="leave-slice", on_click=leave,
                  type="primary")  # fmt: skip
        st.stop()
    if own:
        st.session_state.setdefault(OWN, set()).add(part.digest)
    return part


@st.cache_resource(max_entries=4, show_spinner="Slicing ...", scope="session")
def cut(digest: str, definition: str, _data: wb.PreferenceData) -> wb.PreferenceData:
    """Return the part of a data set that a slice defines."""
    chosen = Slice.of_json(definition)
    unknown = chosen.factor_names - set(_data.factor_names)
    # a factor of a family is computed when it is asked for
    specs = [spec for family in FAMILIES.values() for spec in family if spec.name in unknown]
    specs = list({spec.name: spec for spec in specs}.values())
    return chosen.apply(_data, measured=score_factors(_data, specs) if specs else None)


def _side_bar(definition: str | None) -> None:
    saved = saved_slices()
    now = next((name for name, one in saved.items() if one == definition), ALL)
    st.session_state[_BOX] = now
    with st.sidebar:
        st.selectbox(
            "Slice", [ALL, *saved], key=_BOX, on_change=_choose,
            help="A part of the data that all pages share. Make one of the filters of Examples.",
        )  # fmt: skip
        with st.container(horizontal=True):
            place = st.popover("Copy link", icon=":material/link:", key=_LINK, on_change="rerun")
            if place.open:
                place.caption("Opens this view for whoever may open this app. It holds no token.")
                place.code(link(), language=None, wrap_lines=True)
            if now != ALL:
                st.button("Delete slice", key="delete-slice", on_click=_delete, args=(now,))


def _choose() -> None:
    name = st.session_state[_BOX]
    if name == ALL:
        leave()
    else:
        view(saved_slices()[name])


def _delete(name: str) -> None:
    saved_slices().pop(name, None)
    leave()
