"""The pairs behind a measure of a judge, with the texts that the judge was shown."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from parts.ui import note, table, text

from workbench.annotate.auditing import plan_of
from workbench.annotate.folder import RunFolder
from workbench.audit.judges.plan import Plan
from workbench.audit.judges.scorecard import JudgeAudit

_SHOWN = 20
_TOLD = {
    "prompt": "Prompt, as the judge was shown it",
    "watched": "The watched response, as it was changed",
    "other": "The other response",
    "control prompt": "Prompt of the control",
    "control": "The watched response in the control",
}


def evidence(found: JudgeAudit, row: pd.Series, folder: RunFolder) -> None:
    """Show the pairs that say most clearly what a measure says, and the texts of one."""
    cases = found.evidence_of(row["id"])
    st.subheader("Pairs behind it")
    note(f"{row['measure']} ({row['dimension']}): {row['word']}")
    if cases.empty:
        note("It is a measure of the calls, not of single pairs: Runs shows every call.")
        return
    few = cases.head(_SHOWN)
    told = f"The {len(few)} clearest of {len(cases):,} cases; score: P(the watched response wins)"
    table(few, f"behind-{row['id']}", told)
    names = few["variant"] + ", pair " + few["pair_id"]
    chosen = st.selectbox("Case", few.index, format_func=names.__getitem__, key=f"case-{row['id']}")
    plan = _plan(*stamp(folder), folder)
    for name, said in plan.texts(plan.cases.loc[chosen]).items():
        st.caption(_TOLD[name])
        text(said)


def stamp(folder: RunFolder) -> tuple[str, float]:
    """Return the key of what was read from a run: its place, and when it changed."""
    return str(folder.path.resolve()), folder.progress().get("updated", 0.0)


@st.cache_resource(max_entries=2, show_spinner="Looking the texts up ...", scope="session")
def _plan(place: str, changed: float, _folder: RunFolder) -> Plan:
    return plan_of(_folder)
