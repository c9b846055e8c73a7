"""An audit of a judge: what to ask, and what existing verdicts tell."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from parts.choices import criteria
from parts.endpoints import endpoint_of
from parts.ui import result, table, text, warn

import workbench as wb
from workbench.annotate.config import AnnotateConfig
from workbench.audit.judges.plan import SIZES, Plan, plan_audit
from workbench.audit.judges.probes import PROBES, Suite
from workbench.audit.judges.verdicts.board import judge_board
from workbench.audit.judges.verdicts.corrected import correct_rates
from workbench.audit.judges.verdicts.observed import observe
from workbench.finding import Finding

_REFERENCES = ("human", "objective", "unknown")
"""Kinds that judges can be held against."""


def asked(data: wb.PreferenceData) -> AnnotateConfig:
    """Let the user say whom to audit and by which probes, and return it."""
    left, middle, right = st.columns(3)
    model = left.text_input("Judge: a model", "offline:plain", key="a-model", max_chars=200)
    endpoint = endpoint_of(middle, "a-url")
    suite = right.selectbox("Suite", list(SIZES), key="a-suite")
    if model.startswith("offline:"):
        warn("This model is built in: it computes text factors. Its numbers are simulated.")
    most = len(data.pairs)
    pairs = left.number_input("Pairs", 2, most, min(most, SIZES[suite]), key="a-pairs")
    variants = [f"{probe.id}/{one.name}" for probe in PROBES for one in probe.variants]
    vetoed = middle.multiselect("Leave out", variants, key="a-vetoed")
    edits = right.checkbox("Also measure edits by rule", key="a-edits")
    wordings = right.checkbox("Also ask in other wordings", key="a-wordings")
    return AnnotateConfig().updated(
        "Judge audit page",
        model=model or None,
        **endpoint,
        suite=suite,
        pairs=int(pairs),
        vetoed=tuple(vetoed),
        manipulate=edits,
        wordings=wordings,
    )


def planned(data: wb.PreferenceData, config: AnnotateConfig) -> Plan:
    """Return what an audit would ask, made once for the same choices."""
    return _planned(data.digest, config.suite or "default", config.pairs, config.vetoed, data)


# Streamlit hashes no argument that starts with _
@st.cache_resource(max_entries=2, show_spinner=False, scope="session")
def _planned(
    digest: str, suite: Suite, n: int | None, vetoed: tuple[str, ...], _data: wb.PreferenceData
) -> Plan:
    return plan_audit(_data, suite, n=n, vetoed=vetoed)


def findings(found: list[Finding], key: str) -> None:
    """Show findings with the pairs behind them, warnings first."""
    order = sorted(found, key=lambda one: one.level != "warning")
    rows = [{**one.to_dict(), "evidence": ", ".join(one.evidence)} for one in order]
    if rows:
        table(pd.DataFrame(rows), f"findings-{key}", "Findings, with the pairs that show them")


def verdicts(data: wb.PreferenceData) -> None:
    """Show what existing verdicts tell of the judges, and the judges beside each other."""
    data = data.filter(criteria=criteria(data) or None)
    kinds = [one for one in _REFERENCES if one in set(data.annotators["kind"])]
    names = data.annotators.loc[data.annotators["kind"].isin(kinds), "annotator"].tolist()
    options = [*kinds, *names, "nobody"]
    # people, or nobody: whether others may stand for the truth is the user's to say
    index = 0 if "human" in kinds else len(options) - 1
    reference = st.selectbox("Hold against", options, index=index)
    if not st.button("Audit the verdicts", key="a-verdicts", type="primary"):
        return
    names = None if reference == "nobody" else reference
    with st.spinner("Auditing ..."):
        board = None if names is None else judge_board(data, None, names, style=True)
    seen = observe(data, reference="") if board is None else board.observed
    text(seen.summary())
    findings(seen.findings(), "observed")
    result(seen, "observed")
    for part in seen.parts():
        result(part, f"observed-{part.heading}")
    if board is None:
        return
    text(board.summary())
    result(board, "judge-board")
    if data.pairs["model_a"].notna().any():
        judge = seen.settings["annotators"][0]
        result(correct_rates(data, judge, str(names)), "corrected")
