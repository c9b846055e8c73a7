"""Whose reasons and values, and where they stand: kept in the link."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.choices import criteria, one, some
from parts.state import is_own

import workbench as wb
from workbench.explain.rationales.texts import reason_columns
from workbench.factors.listed import held_lists

_EXCHANGE = ["auto", "within", "across"]


def chosen_reasons(data: wb.PreferenceData) -> dict[str, Any]:
    """Show the choices in the side bar and return them as options of the verbs."""
    find = _own_columns if is_own(data) else _columns
    reasons, lists = find(data.digest, data)
    with st.sidebar:
        asked = criteria(data)
        names = some("Whose (all when empty)", data.annotators["annotator"].tolist(), "whose")
        found: dict[str, Any] = {"criteria": asked, "annotators": tuple(names) or None}
        if reasons:
            found |= _of_reasons(data, reasons)
        if lists:
            found |= _of_lists(lists)
        return found


def _of_reasons(data: wb.PreferenceData, columns: list[str]) -> dict[str, Any]:
    found = {"reasons_in": one("Reasons stand in", columns, "reasons_in")}
    if data.factor_names:
        found["factors"] = tuple(some("Factors (all when empty)", data.factor_names, "factors"))
    told = "Judges that are asked to weigh a list of criteria name them whatever they find."
    found["told"] = st.checkbox(
        "Count a factor only where the reason says which has more", key="told", help=told,
        bind="query-params",
    )  # fmt: skip
    told = "Of one prompt, or of prompts with as many pairs. The result says which was made."
    found["exchange"] = one("Reasons are exchanged", _EXCHANGE, "exchange", help=told)
    return {name: value or None for name, value in found.items()}


def _of_lists(columns: list[str]) -> dict[str, Any]:
    found = {"lists": one("Lists of values", columns, "lists")}
    told = "Decisions that a value must tell apart for a weight of its own; rarer ones are pooled."
    found["least"] = one("Decisions at least", [10, 5, 20, 50], "least", help=told)
    return found


# Streamlit hashes no argument that starts with _: the digest is the key
def _found(digest: str, _data: wb.PreferenceData) -> tuple[list[str], list[str]]:
    return list(reason_columns(_data)), list(held_lists(_data))


_columns = st.cache_resource(max_entries=16, show_spinner="Looking for reasons ...")(_found)
_own_columns = st.cache_resource(
    max_entries=8, show_spinner="Looking for reasons ...", scope="session"
)(_found)
