"""Transitivity: may these be ranked, what goes round, and whose labels make it."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.choices import criteria, one, some
from parts.entry import enter
from parts.judges import findings
from parts.linking import pairs_link, to_page
from parts.state import announce, current
from parts.ui import failure, figure, note, table, text

import workbench as wb

_PROMPT, _ALL = "one prompt", "everything"
_CONTEXTS = {_PROMPT: "prompt", _ALL: None}
_WORST = 5
_Key = tuple[tuple[str, Any], ...]


# Streamlit does not hash arguments that start with _, so digest and choices are the key
@st.cache_resource(max_entries=4, show_spinner="Looking for cycles ...", scope="session")
def _tested(digest: str, choices: _Key, _data: wb.PreferenceData) -> wb.Transitivity:
    return wb.transitivity(_data, **dict(choices))


def _choices(data: wb.PreferenceData) -> dict[str, Any]:
    """Show the choices in the side bar; the URL keeps them."""
    kinds, names = sorted(data.annotators["kind"].unique()), data.annotators["annotator"].tolist()
    with st.sidebar:
        criterion = criteria(data)
        told = "Side by side. If empty: people together, every other annotator alone."
        who = some("Judged by", list(dict.fromkeys([*kinds, *names])), "cycles_of", help=told)
        told = "Triads are of one annotator and of one context, never of several people."
        context = one("Context of a triad", list(_CONTEXTS), "cycles_in", help=told)
    return {"criteria": criterion, "annotator": tuple(who) or None, "context": _CONTEXTS[context]}


enter("Transitivity")
whole = current()
announce(whole)
choices = _choices(whole)
try:
    data = whole.filter(criteria=choices.pop("criteria") or None)
    found = _tested(data.digest, tuple(choices.items()), data)
except wb.WorkbenchError as error:
    failure(error)
    st.stop()
shown = found.tables()


def verdict() -> None:
    """Show whether these may be ranked, and what that stands on."""
    st.caption(found.about)
    text("\n".join(f"{v['group']}: {v['verdict']}" for v in found.verdicts))
    findings(found.findings(), "transitivity")
    what = "Cyclic energy beyond noise, and cyclic triads"
    figure(found.plot(), what, "cycles", how=found.about)
    table(found.to_frame(), "cycles-estimates", "Each measure with n, interval, null and method",
          ("group", "term", "estimate", "conf_low", "conf_high", "null", "p_value"))  # fmt: skip
    to_page("leaderboard.py", "The ratings")


def triangles() -> None:
    """Show the triangles that go round most surely, with ways to their pairs."""
    if "triangles" not in shown:
        st.info("No three items all met each other: there is no triangle.")
        return
    first = ("group", "term", "z", "q_value", "n", "share_12", "share_23", "share_31", "cyclic")
    title = "Triangles by z: the sum of log-odds once around, and the labels behind it"
    table(shown["triangles"], "cycles-triangles", title, first)
    for rank, row in enumerate(shown["triangles"].head(_WORST).to_dict("records"), 1):
        note(f"{rank}. {row['group']}: {row['term']} (z = {row['z']:.2f}, n = {row['n']:,.0f})")
        pairs_link(f"Pairs of triangle {rank}", by_model=[row[f"item_{k}"] for k in (1, 2, 3)])
    table(shown["edges"], "cycles-edges", "Each two items: share, what a ranking says, and pool")


def triads() -> None:
    """Show the triads of single annotators beside what chance makes."""
    st.caption(
        "Below one Bradley-Terry's share: a result about dependence, not an error. An annotator "
        "who keeps a ranking in mind makes fewer cycles than independent draws do."
    )
    first = ("group", "null", "estimate", "conf_low", "conf_high", "expected", "p_value", "n")
    table(found.triads, "cycles-triads", "Cyclic share of the triads without ties", first)
    if "people" in shown:
        table(shown["people"], "cycles-people", "Each annotator, with Kendall's d and zeta")


def shares() -> None:
    """Show stochastic transitivity, and the pools of annotators."""
    table(found.stochastic, "cycles-stochastic", "Weak, moderate and strong transitivity of shares")
    if "triples" in shown:
        table(shown["triples"], "cycles-triples", "Triples by likelihood ratio")
    if "pools" in shown:
        st.caption("Different people labelled different items: cycles may be between the pools.")
        table(shown["pools"], "cycles-pools", "The cyclic energy within each pool of annotators")
    if "exclusions" in shown:
        table(shown["exclusions"], "cycles-left-out", "Labels left out, by reason")


VIEWS = {"Verdict": verdict, "Triangles": triangles, "Triads of annotators": triads,
         "Shares and pools": shares}  # fmt: skip
# only the open view is computed, and a link opens it again
places = st.tabs(list(VIEWS), key="cycles_view", bind="query-params")
for view, place in zip(VIEWS.values(), places, strict=True):
    if place.open:
        with place:
            view()
