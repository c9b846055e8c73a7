"""The data sets that a session can show: its uploads, what the server opens, the sample."""

from __future__ import annotations

import streamlit as st
from parts.opening.served import SAMPLE, SHELF, source
from parts.slices import OWN

import workbench as wb
from workbench.report.main_job import with_factors

DATA = "data"
"""The word of the link before the digest, and the key of the session."""
KEPT = 3
"""Uploads that a session keeps: of a fourth, the oldest leaves."""


def opened(name: str) -> wb.PreferenceData:
    """Return a data set of the server: the sample, or what `workbench app DATA` names.

    Raises
    ------
    WorkbenchError
        It cannot be read.
    """
    if SHELF.is_ready(name):
        return SHELF.of(name)
    with st.spinner("Reading the data ..."):
        return SHELF.of(name)


def uploads() -> dict[str, wb.PreferenceData]:
    """Return what this session uploaded, by digest, the newest last."""
    # uploads stay in their own session: a shared cache would show them to everybody
    return st.session_state.setdefault("uploads", {})


def is_own(data: wb.PreferenceData) -> bool:
    """Tell whether data are an upload of this session, or a slice of one: nobody else's."""
    return data.digest in uploads() or data.digest in st.session_state.get(OWN, ())


def adopt(data: wb.PreferenceData) -> None:
    """Make an uploaded data set the current one of this session."""
    data = with_factors(data)
    kept = uploads()
    kept.pop(data.digest, None)
    kept[data.digest] = data
    for old in list(kept)[:-KEPT]:
        del kept[old]
    choose(data.digest)


def choose(digest: str) -> None:
    """Make a data set the current one; the link names it."""
    st.session_state[DATA] = digest
    st.query_params[DATA] = digest


def open_sets() -> dict[str, tuple[str, wb.PreferenceData]]:
    """Return every data set that this session can show, by digest, each with its name.

    Its uploads, the newest first, then what the server opens, then the simulated sample. A
    source that cannot be read is not among them. Names are told apart by their digests where
    they are the same.
    """
    sets = {digest: (name_of(data), data) for digest, data in reversed(uploads().items())}
    for name in dict.fromkeys((source(), SAMPLE)):
        try:
            data = opened(name)
        except wb.WorkbenchError:
            continue
        sets.setdefault(data.digest, (name_of(data), data))
    names = [name for name, _ in sets.values()]
    return {
        digest: (f"{name} ({digest[:6]})" if names.count(name) > 1 else name, data)
        for digest, (name, data) in sets.items()
    }


def is_sample(data: wb.PreferenceData) -> bool:
    """Tell whether the data are the bundled, simulated sample."""
    return data.load_report is not None and data.load_report.format == SAMPLE


def name_of(data: wb.PreferenceData) -> str:
    """Return how a data set is called: the name of its file, on one line."""
    if is_sample(data):
        return "the simulated sample"
    return "data" if data.load_report is None else " ".join(data.load_report.source.split())
