"""A constitution for each group, from votes that are there."""

from __future__ import annotations

import streamlit as st
from parts.ui import failure, result, text

import workbench as wb
from workbench.principles.extraction import Extraction
from workbench.principles.held_out.personal import personal


def by_group(data: wb.PreferenceData, found: Extraction) -> None:
    """Select a constitution for each group from the same votes: nothing is asked."""
    st.caption(
        "A constitution of each person, judge, kind or scenario, measured on pairs that were held "
        "out where it was selected; what separates them; and whose fits whom."
    )
    columns = ["kind", "annotator", "scenario"]
    by = st.selectbox("Group by", columns, key="group-by")
    least = int(st.number_input("Leave out groups with fewer pairs", 2, 10_000, 30, key="least"))
    if not st.button("Select for each group", key="personal"):
        return
    try:
        rule = found.settings["recipe"]["rule"]
        apart = personal(data, found.votes, by=by, least=least, rule=rule, pair_ids=found.unseen)
    except wb.WorkbenchError as error:
        failure(error)
        return
    text(apart.summary())
    for part in (apart, *apart.parts()):
        result(part, f"personal-{part.heading}")
