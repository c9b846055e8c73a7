"""Any result about people: the verdict first, figures, tables with the pairs behind them."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import streamlit as st
from parts.charts.figure import figure
from parts.charts.selection import Select
from parts.judges import findings
from parts.linking import to_pairs
from parts.ui import result, table, text, texts_of

import workbench as wb
from workbench.report.main_job import has_text
from workbench.results import Result

_VERDICT = "verdict: "
"""How the line of a summary begins that says what it comes down to."""

_NAMES = ("group", "annotator", "term", "other")
"""Columns in which the name of an annotator may stand."""


def shown(found: Result, key: str, data: wb.PreferenceData) -> None:
    """Show a result; a row of an annotator leads to the pairs that this one labelled."""
    text(verdict_of(found))
    findings(found.findings(), key)
    st.caption(found.about)
    for name, plot in found.figures().items():
        st.caption(name)
        figure(plot, name, f"figure-{key}-{name}", how=found.about)
    people = set(data.annotators["annotator"])
    for name, frame in found.tables().items():
        if frame.empty:
            continue
        title = name.replace("_", " ").capitalize()
        leads = _leads(frame, people)
        more = ". Select a row: the pairs of this annotator" if leads else ""
        table(frame, f"{key}-{name}", title + more, select=leads)
        if "pair_id" in frame and has_text(data):
            texts_of(frame["pair_id"].astype("str"), data, f"pair-{key}-{name}")
    with st.expander("All of it in words"):
        text(found.summary())
    for part in found.parts():
        st.subheader(part.heading)
        result(part, f"{key}-{part.heading}")


def verdict_of(found: Result) -> str:
    """Return the sentence that a result comes down to: its verdict, or what crossed a threshold."""
    lines = found.summary().splitlines()
    said = next((line for line in lines if line.lower().startswith(_VERDICT)), None)
    crossed = sorted(found.findings(), key=lambda one: one.level != "warning")
    if said:
        return said[len(_VERDICT) :]
    return str(found.settings.get("verdict") or (crossed[0].message if crossed else lines[0]))


def _leads(frame: pd.DataFrame, people: Iterable[str]) -> Select | None:
    """Return what a row of a table about annotators leads to."""
    known = set(people)
    if not any(set(frame[name].astype("str")) & known for name in _NAMES if name in frame):
        return None

    def lead(of: dict[str, str]) -> None:
        named = [name for name in dict.fromkeys(of.values()) if name in known]
        if named:
            to_pairs(labelled=named)

    return lead
