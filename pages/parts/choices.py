"""The choices of a comparison, kept in the URL so that a link opens the same view."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

import workbench as wb
from workbench.factors import FAMILIES
from workbench.factors.dissection_subsets import CASES
from workbench.factors.steps.values import call_share
from workbench.report.main_job import has_text

_ASKED, _ANEW = "criterion-asked", "annotators-anew"
_SHOWN = 8
"""Annotators compared at first: more are hard to read in one figure."""


def choose(data: wb.PreferenceData) -> dict[str, Any]:
    """Show the choices in the side bar and return them as options of the main job."""
    with st.sidebar:
        asked = criteria(data)
        return {
            **_who(_judging(data, asked)),
            "criteria": asked,
            **_what(data),
            "covariance": one("Standard errors", ["cluster", "HC1", "classical"], "covariance"),
            "cluster": _clusters(data),
            "ties": one("Ties", ["half", "drop"], "ties"),
            "folds": one("Held-out folds (0: none)", [5, 10, 2, 0], "folds"),
        }


def criteria(data: wb.PreferenceData) -> tuple[str, ...]:
    """Let one criterion be chosen where the labels answer several questions."""
    if len(data.criteria) < 2:
        return ()
    return (one("Criterion", data.criteria, "criterion", help="Different questions stay apart."),)


def one(label: str, options: list[Any], key: str, **more: Any) -> Any:
    """Let one option be chosen; the choice stands in the link."""
    return st.selectbox(label, options, key=key, bind="query-params", **more)


def some(label: str, options: list[str], key: str, **more: Any) -> list[str]:
    """Let some options be chosen; the choice stands in the link."""
    return st.multiselect(label, options, key=key, bind="query-params", **more)


def _judging(data: wb.PreferenceData, asked: tuple[str, ...]) -> pd.DataFrame:
    """Return the annotators who have a label under the criterion: others cannot be fitted."""
    table = data.annotators
    if not asked:
        return table
    if st.session_state.setdefault(_ASKED, asked) != asked:
        # those who judge by another criterion are other annotators: the choice begins anew
        st.session_state[_ASKED] = asked
        st.session_state[_ANEW] = True
    named = data.labels.loc[data.labels["criterion"].isin(asked), "annotator"].unique()
    return table[table["annotator"].isin(named)]


def _who(table: pd.DataFrame) -> dict[str, Any]:
    names, kinds = table["annotator"].tolist(), sorted(table["kind"].unique())
    reference = one(
        "Reference",
        [*kinds, *names],
        "reference",
        index=kinds.index("human") if "human" in kinds else 0,
        help="A kind pools all its annotators.",
    )
    same = table["annotator"].eq(reference)
    same = same if same.any() else table["kind"].eq(reference)
    others = table[~same]
    judges = others.loc[others["kind"] != "human", "annotator"].tolist()
    default = (judges or others["annotator"].tolist())[:_SHOWN]
    more: dict[str, Any] = {"default": default}
    if st.session_state.pop(_ANEW, False):
        # what is set here is also what the browser shows; a default would not reach it
        st.session_state["annotators"], more = default, {}
    chosen = some("Compared with it", others["annotator"].tolist(), "annotators", **more)
    # nobody but the reference itself: the main job takes an empty choice for everybody
    return {
        "reference": reference,
        "annotators": tuple(chosen or table.loc[same, "annotator"]),
    }


def _clusters(data: wb.PreferenceData) -> tuple[str, ...]:
    """Let it be chosen what the labels are clustered by."""
    named = [name for name in ("session", "user") if name in data.labels or name in data.pairs]
    told = "Empty: prompts, and people where ten or more are pooled. Several are crossed."
    return tuple(some("Clustered by", ["prompt", "annotator", *named], "cluster", help=told))


# Streamlit hashes no argument that starts with _: the digest is the key
@st.cache_data(max_entries=32, show_spinner=False)
def _families(digest: str, _data: wb.PreferenceData) -> list[str]:
    """Return the families that a data set can have: without a call of a tool no steps."""
    return [one for one in FAMILIES if one != "agent" or call_share(_data) > 0]


def _what(data: wb.PreferenceData) -> dict[str, Any]:
    # a family is computed when chosen, so only texts have any
    options = _families(data.digest, data) if has_text(data) else []
    families = some("Factor families", options, "families") if options else []
    names = [spec.name for family in families for spec in FAMILIES[family]] or data.factor_names
    factors = some("Factors (all when empty)", names, "factors")
    known = sorted(data.pairs["scenario"].dropna().unique())
    known += [case for case, fact in CASES.items() if fact in data.pairs]
    scenarios = some("Scenarios (all when empty)", known, "scenarios") if known else []
    return {
        "families": tuple(families),
        "factors": tuple(factors) or None,
        "scenarios": tuple(scenarios),
    }
