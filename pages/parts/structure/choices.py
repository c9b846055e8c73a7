"""Whose labels, who a person is, and what is weighed: kept in the link."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.choices import criteria, one, some

import workbench as wb
from workbench.data.columns import LABEL_COLUMNS, PAIR_COLUMNS

_FACTORS, _MODELS = "factors", "which model answered"
_EMPTY = "empty: people, or everybody without people"


def chosen_people(data: wb.PreferenceData) -> dict[str, Any]:
    """Show the choices in the side bar and return them as options of the verbs."""
    with st.sidebar:
        asked = criteria(data)
        names = some(f"Whose labels ({_EMPTY})", data.annotators["annotator"].tolist(), "labels_of")
        columns = _columns(data)
        by = one("A person is a value of", columns, "person") if len(columns) > 1 else columns[0]
        named = bool(data.pairs["model_a"].notna().any())
        weighed = one("What is weighed", [_FACTORS, _MODELS], "weighed") if named else _FACTORS
        factors: list[str] = []
        if weighed == _FACTORS and data.factor_names:
            factors = some("Factors (all when empty)", data.factor_names, "factors")
        return {
            "criteria": asked,
            "annotators": tuple(names) or None,
            "by": by,
            "items": "model" if weighed == _MODELS else None,
            "factors": tuple(factors) or None,
            "ties": one("Ties", ["half", "drop"], "ties"),
        }


def _columns(data: wb.PreferenceData) -> list[str]:
    """Return what may name a person: annotators, or text that the file has beside our columns."""
    own = {*LABEL_COLUMNS, *PAIR_COLUMNS}
    found = [
        str(name)
        for frame in (data.labels, data.pairs)
        for name in frame.select_dtypes(exclude="number").columns
        if str(name) not in own and frame[name].notna().any()
    ]
    return list(dict.fromkeys(["annotator", *found]))
