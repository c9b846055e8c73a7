"""Judge audit: its scorecard first, then a new audit, and what existing verdicts tell."""

from __future__ import annotations

import streamlit as st
from parts.calls.scorecard import audited
from parts.entry import enter
from parts.judges import asked, planned, verdicts
from parts.places import begin, known_runs
from parts.runs import watch
from parts.state import announce, current
from parts.ui import failure, note, table

import workbench as wb
from workbench.annotate.estimate import estimate
from workbench.annotate.process import status
from workbench.report.main_job import has_text


def existing() -> None:
    """Show what the verdicts that are there tell."""
    try:
        verdicts(data)
    except wb.WorkbenchError as error:
        failure(error)


enter("Judge audit")
data = current()
known = known_runs("audit")
if known:
    chosen = known[st.selectbox("Audit", list(known), key="audit-run")]
    try:
        if status(chosen).state == "finished":
            audited(chosen)
        else:
            watch(chosen)
    except wb.WorkbenchError as error:
        failure(error)
else:
    note("No judge was audited yet. Existing verdicts need no call: the second tab.")
st.caption(
    "Probes change one thing at a time, in both orders, beside a control of the same length: what "
    "should not matter (invariance) and what must (sensitivity). Existing verdicts need no call."
)
announce(data)
if not has_text(data):
    st.info("Probes change texts, and these data have none: their verdicts are looked at below.")
    existing()
    st.stop()
probes, seen = st.tabs(["New audit", "Existing verdicts"])
with probes:
    try:
        config = asked(data)
        with st.spinner("Planning ..."):
            plan = planned(data, config)
        note(plan.summary())
        with st.expander("Samples: look at them, and veto what is wrong", expanded=not known):
            table(plan.samples(1), "probe-samples", "A case of every form and dose")
        if st.button("What would it take?", key="a-estimate", icon=":material/calculate:"):
            with st.spinner("Reckoning ..."):
                stages = estimate(config, data, None).stages
            table(stages, "a-stages", "Requests, tokens and cost")
        if st.button("Start", key="a-start", type="primary", icon=":material/play_arrow:"):
            with st.spinner("Preparing the run ..."):
                begin(config, data, "audit-run")
    except wb.WorkbenchError as error:
        failure(error)
with seen:
    existing()
