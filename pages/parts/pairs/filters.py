"""The filters of the example browser, each kept in the link."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st
from parts.choices import one, some
from parts.pairs.found import dated, names, span
from parts.slicing.save import save_box
from parts.ui import note

import workbench as wb
from workbench.data.browse import names_of
from workbench.data.on_view.slices import Slice

_EMPTY: dict[str, Any] = {
    "search": "", "labelled": [], "within": [], "agreement": "any", "by_model": [],
    "of_criterion": [], "factor": None, "at_least": None, "at_most": None,
    "first_day": None, "last_day": None,
}  # fmt: skip
"""What each filter holds where it is not set, by the key of its widget and its link."""
_MORE = ("by_model", "of_criterion", "factor", "first_day", "last_day")


def filters(data: wb.PreferenceData, key: str) -> Slice:
    """Show the filters and return what they ask for.

    Parameters
    ----------
    data : PreferenceData
        With every label of the pairs, and the factors that are fitted.
    key : str
        Names these data in caches.
    """
    known = names(key, "scenario", data)
    words, who, agree, *where = st.columns([3, 3, 2, *([2] if known else [])])
    with words:
        text = st.text_input("Search prompt and responses", key="search", bind="query-params")
    with who:
        annotators = some("Labelled by all of", names_of(data, "annotator"), "labelled")
    with agree:
        agreement = one("Verdicts", names_of(data, "agreement"), "agreement")
    scenarios: list[str] = []
    for place in where:
        with place:
            scenarios = some("In scenario", known, "within")
    chosen = Slice(
        text=text or "",
        annotators=tuple(annotators),
        scenarios=tuple(scenarios),
        agreement=agreement,
    )
    used = any(name in st.query_params or st.session_state.get(name) for name in _MORE)
    with st.expander("More filters: factor, model, criterion, date", expanded=bool(used)):
        chosen = _more(data, key, chosen)
    if not chosen.whole:
        with st.container(horizontal=True, vertical_alignment="center"):
            note(f"Filtered: {chosen.line()}")
            save_box(chosen, _EMPTY)
    return chosen


def _more(data: wb.PreferenceData, key: str, chosen: Slice) -> Slice:
    which, low, high = st.columns([4, 2, 2])
    with which:
        factor = one(
            "Factor", data.factor_names, "factor", index=None, placeholder="any",
            help="A pair stays where the coded difference A minus B lies within the bounds.",
        )  # fmt: skip
    told = span(key, factor, data) if factor else (None, None)
    least, greatest = (
        place.number_input(
            what, value=None, key=name, bind="query-params", placeholder=_short(bound),
            disabled=factor is None,
        )
        for place, what, name, bound in ((low, "From", "at_least", told[0]),
                                        (high, "To", "at_most", told[1]))
    )  # fmt: skip
    left, right = st.columns(2)
    with left:
        models = _some("A model wrote one of them", names(key, "model", data), "by_model")
    with right:
        several = data.criteria if len(data.criteria) > 1 else []
        criteria = _some("With a verdict on", several, "of_criterion")
    bounded = factor is not None and (least is not None or greatest is not None)
    return replace(
        chosen,
        factors=((factor, least, greatest),) if bounded else (),
        models=tuple(models),
        criteria=tuple(criteria),
        dates=_days(data, key),
    )


def _days(data: wb.PreferenceData, key: str) -> tuple[str | None, str | None]:
    """Show the first and the last day where the file has dates."""
    known = dated(key, data)
    if known is None:
        return None, None
    told = [
        place.date_input(
            f"{what} ({bound})", value=None, min_value=known[0], max_value=known[1],
            key=name, bind="query-params", format="YYYY-MM-DD",
        )
        for place, what, name, bound in zip(
            st.columns(2), ("From day", "To day"), ("first_day", "last_day"), known, strict=True
        )
    ]  # fmt: skip
    first, last = (None if day is None else day.isoformat() for day in told)
    return first, last


def _some(label: str, known: list[str], key: str) -> list[str]:
    return some(label, known, key) if known else []


def _short(bound: float | None) -> str:
    return "any" if bound is None else f"{bound:.3g}"
