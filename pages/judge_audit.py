"""Judge audit: probes of a model, verdicts that are there, and judges beside each other."""

from __future__ import annotations

import streamlit as st
from parts.entry import enter
from parts.judges import asked, scorecard, verdicts
from parts.places import begin, known_runs
from parts.runs import watch
from parts.state import announce, current
from parts.ui import failure, note, table

import workbench as wb
from workbench.annotate.process import status
from workbench.annotate.run import estimate, found_in
from workbench.audit.judges.plan import plan_audit
from workbench.report.main_job import has_text


def existing() -> None:
    """Show what the verdicts that are there tell."""
    try:
        verdicts(data)
    except wb.WorkbenchError as error:
        failure(error)


enter("Judge audit")
data = current()
announce(data)
st.caption(
    "Probes change one thing at a time, in both orders, beside a control of the same length: what "
    "should not matter (invariance) and what must (sensitivity). Existing verdicts need no call."
)
if not has_text(data):
    st.info("Probes change texts, and these data have none: their verdicts are looked at below.")
    existing()
    st.stop()
probes, seen = st.tabs(["Probes", "Existing verdicts"])
known = known_runs("audit")
with probes:
    try:
        with st.expander("New audit", icon=":material/policy:", expanded=not known):
            config = asked(data)
            plan = plan_audit(data, config.suite or "default", n=config.pairs, vetoed=config.vetoed)
            note(plan.summary())
            table(plan.samples(1), "probe-samples", "Samples: look at them, and veto what is wrong")
            if st.button("What would it take?", key="a-estimate", icon=":material/calculate:"):
                table(estimate(config, data, None).stages, "a-stages", "Requests, tokens and cost")
            if st.button("Start", key="a-start", type="primary", icon=":material/play_arrow:"):
                begin(config, data, "audit-run")
        if known:
            chosen = known[st.selectbox("Audit", list(known), key="audit-run")]
            if status(chosen).state == "finished":
                scorecard(found_in(chosen))
            else:
                watch(chosen)
    except wb.WorkbenchError as error:
        failure(error)
with seen:
    existing()
