"""The controls of the example browser: what is shown, in which order, and which pair."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st
from parts.choices import one, some
from parts.ui import note

import workbench as wb
from workbench.data.browse import find_pairs
from workbench.explain.hard_pairs import disagreements, most_wrong
from workbench.report.job import MainJob

IN_ORDER, WRONG, APART = "as in the data", "most wrong first", "two annotators disagree"
RANKED = 200
"""Pairs that a ranking holds: each comes with its factors."""

_NUMBER, _VIEW = "example", "example-view"


def fits_of(job: MainJob | None) -> dict[str, Any]:
    """Return the fit of each group: the reference first, then those compared with it."""
    fits = [] if job is None else [fit for fit in (job.people, job.judges) if fit is not None]
    return {group: fit for fit in fits for group in fit.groups}


def filters(data: wb.PreferenceData) -> dict[str, Any]:
    """Show the filters and return them."""
    words, who, where, agree = st.columns([3, 3, 2, 2])
    known = sorted(data.pairs["scenario"].dropna().unique())
    with words:
        text = st.text_input("Search prompt and responses", key="search", bind="query-params")
    with who:
        names = data.annotators["annotator"].tolist()
        annotators = some("Labelled by all of", names, "labelled")
    with where:
        scenarios = some("In scenario", known, "within") if known else []
    with agree:
        agreement = one("Verdicts", ["any", "agree", "disagree"], "agreement")
    return {
        "text": text or "",
        "annotators": tuple(annotators),
        "scenarios": tuple(scenarios),
        "agreement": agreement,
    }


def prediction(groups: list[str]) -> dict[str, str | None]:
    """Show whose prediction is on view, and in which order pairs come."""
    if not groups:
        return {"group": None, "order": IN_ORDER, "other": None}
    left, middle, right = st.columns(3)
    with left:
        group = one("Prediction of", groups, "group")
    with middle:
        order = one("Order", [IN_ORDER, WRONG, APART][: 2 + (len(groups) > 1)], "order")
    other = None
    if order == APART:
        with right:
            other = one("Against", [name for name in groups if name != group], "against")
    return {"group": group, "order": order, "other": other}


# the digest and the choices are the key: Streamlit does not hash what starts with _
@st.cache_data(max_entries=32, show_spinner="Searching ...", scope="session")
def found(digest: str, options: tuple[tuple[str, Any], ...], _data: wb.PreferenceData) -> Any:
    """Return the positions of the pairs that pass the filters."""
    return find_pairs(_data, **dict(options))


@st.cache_data(max_entries=16, show_spinner="Ranking ...", scope="session")
def ranking(
    key: tuple[Any, ...], view: tuple[tuple[str, Any], ...], _fits: dict[str, Any], _ids: pd.Series
) -> pd.DataFrame:
    """Return the ranked pairs of a view, among those that pass the filters."""
    chosen = dict(view)
    group, other = chosen["group"], chosen["other"]
    if chosen["order"] == WRONG:
        return most_wrong(_fits[group], group, n=RANKED, among=_ids)
    return disagreements(_fits[group], group, other, against=_fits[other], n=RANKED, among=_ids)


def navigate(count: int, view: object) -> int:
    """Show go to, previous and next; return the position among the ``count`` pairs of a view."""
    if st.session_state.setdefault(_VIEW, view) != view:
        st.session_state[_VIEW], st.session_state[_NUMBER] = view, 1
    if not 1 <= int(st.session_state.get(_NUMBER) or 1) <= count:
        st.session_state[_NUMBER] = 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        # first, as a number of the URL is known only once its widget is there
        chosen = st.number_input("Go to", 1, count, key=_NUMBER, bind="query-params", width=160)
        now = int(chosen or 1)
        st.button("Previous", key="previous", on_click=_step, args=(-1, count), disabled=now <= 1)
        st.button("Next", key="next", on_click=_step, args=(1, count), disabled=now >= count)
        note(f"of {count:,} pairs")
    return now - 1


def _step(by: int, count: int) -> None:
    number = int(st.session_state.get(_NUMBER) or 1) + by
    st.session_state[_NUMBER] = min(max(number, 1), count)
