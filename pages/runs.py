"""Runs: all that this visitor may see, what they asked and heard, and two beside each other."""

from __future__ import annotations

import streamlit as st
from parts.calls.browser import browse
from parts.calls.files import offer
from parts.calls.listing import beside, link, listed, settings
from parts.choices import one
from parts.entry import enter
from parts.places import known_runs
from parts.runs import watch
from parts.ui import failure, note

import workbench as wb

_VIEWS = {
    "State": watch,
    "Calls": browse,
    "Settings": settings,
    "Files": offer,
}

enter("Runs")
st.caption(
    "A run asks a model and keeps every reply in a folder on this machine. Runs of your uploads "
    "are shown to you alone, runs of the data that the server opens to everybody with its link."
)
known = known_runs()
if not known:
    note("There is no run yet. Annotate starts one; a judge audit and principles are runs too.")
    link("Start one", "annotate.py", ":material/add:")
    st.stop()
listed(known)
left, right = st.columns(2)
with left:
    chosen = one("Run", list(known), "of-run")
with right:
    view = one("View", [*_VIEWS, "Compare with another"], "run-view")
try:
    if view in _VIEWS:
        _VIEWS[view](known[chosen])
    else:
        beside(chosen, known)
except wb.WorkbenchError as error:
    failure(error)
