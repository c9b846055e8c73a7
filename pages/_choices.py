"""The choices of a comparison, kept in the URL so that a link opens the same view."""

from __future__ import annotations

from typing import Any

import streamlit as st

import workbench as wb


def choose(data: wb.PreferenceData) -> dict[str, Any]:
    """Show the choices in the side bar and return them as options of the main job."""
    table = data.annotators
    kinds = sorted(table["kind"].unique())
    names = table["annotator"].tolist()
    with st.sidebar:
        reference = st.selectbox(
            "Reference",
            [*kinds, *names],
            index=kinds.index("human") if "human" in kinds else 0,
            key="reference",
            bind="query-params",
            help="A kind pools all its annotators.",
        )
        own = set(table.loc[table["kind"] == reference, "annotator"]) | {reference}
        others = [name for name in names if name not in own]
        judges = table.loc[
            (table["kind"] != "human") & table["annotator"].isin(others), "annotator"
        ]
        chosen = st.multiselect(
            "Compared with it",
            others,
            default=(judges.tolist() or others)[:8],
            key="annotators",
            bind="query-params",
        )
        factors = st.multiselect(
            "Factors (all when empty)", data.factor_names, key="factors", bind="query-params"
        )
        scenarios = st.multiselect(
            "Scenarios (all when empty)",
            sorted(data.pairs["scenario"].dropna().unique()),
            key="scenarios",
            bind="query-params",
        )
        covariance = st.selectbox(
            "Standard errors",
            ["cluster", "HC1", "classical"],
            key="covariance",
            bind="query-params",
        )
        ties = st.selectbox("Ties", ["half", "drop"], key="ties", bind="query-params")
    return {
        "reference": reference,
        "annotators": tuple(chosen),
        "factors": tuple(factors) or None,
        "scenarios": tuple(scenarios),
        "covariance": covariance,
        "ties": ties,
    }
