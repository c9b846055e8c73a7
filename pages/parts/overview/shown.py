"""How the overview looks: verdicts, findings, the chart beside them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st
from parts.charts.selection import CLICK
from parts.linking import pairs_link, to_page, to_pairs
from parts.ui import figure, note, table

import workbench as wb
from workbench.overview.point import Point
from workbench.plots.theme import CONFIG

_ELSEWHERE = {
    "rows-left-out": ("load.py", "How the file was read"),
    "verdicts-unread": ("load.py", "How the file was read"),
    "rated-first": ("leaderboard.py", "All models"),
    "agreement": ("judge_audit.py", "Audit the verdicts"),
}
SHOWN = 8
"""Judges that have a line on the first screen."""

_MARK = {"warning": ":material/warning:", "note": ":material/lightbulb:"}


_WIDTHS = [6, 4, 5, 2.6, 6, 4.2, 4.2, 5]
"""Of the columns of verdicts."""

_NARROW = """<style>@media (max-width: 640px) {
.st-key-verdicts [data-testid=stHorizontalBlock] {flex-wrap: nowrap}
.st-key-verdicts [data-testid=stColumn] {min-width: 0}
.st-key-verdicts [data-testid=stColumn]:nth-child(n+4) {display: none}
}</style>"""
"""On a phone columns would stand below each other: three stay, and all are in the table below."""


def early(place: Any) -> Any:
    """Return where the first chart goes: what draws charts is fetched while the rest is made."""
    chart = place.empty()
    hidden = {"visible": False}
    layout = {"height": 200, "xaxis": hidden, "yaxis": hidden}
    blank = {"data": [{"type": "scatter", "x": [], "y": []}], "layout": layout}
    chart.plotly_chart(blank, config=CONFIG, alt="The chart comes in a moment")
    return chart


def every_number(found: wb.Overview) -> None:
    """Show the tables behind the page once they are asked for."""
    every = st.expander("Every number of the verdicts and findings", on_change="rerun", key="every")
    if every.open:
        with every:
            table(found.verdicts, "judges", "Verdicts on judges, with intervals and reasons")
            table(found.to_frame(), "found", "Findings: estimates, intervals, n and what to do")


def rows(verdicts: pd.DataFrame) -> None:
    """Show verdicts as lines of text: what draws tables takes a fifth of a page's code to load."""
    st.html(_NARROW)
    with st.container(border=True, gap="xxsmall", key="verdicts"):
        places = st.columns(_WIDTHS, gap="xxsmall")
        for place, name in zip(places, verdicts.columns, strict=True):
            place.caption(name)
        for row in verdicts.head(SHOWN).itertuples(index=False):
            places = st.columns(_WIDTHS, gap="xxsmall")
            for place, value in zip(places, row, strict=True):
                place.text(value)
        if len(verdicts) > SHOWN:
            st.caption(f"The first {SHOWN} of {len(verdicts)}; all stand below.")


def finding(point: Point, drawn: Any, k: int) -> None:
    """Show a finding: what, one click to its pairs, and folded why, how sure and what to do."""
    with st.container(border=True, key=f"finding-{k}", gap="xsmall"):
        note(point.message)
        with st.container(horizontal=True, vertical_alignment="center"):
            if point.where:
                pairs_link("Show the pairs", **point.where)
            else:
                to_page(*_ELSEWHERE.get(point.rule_id, ("compare.py", "Look under Compare")))
            # no run when it opens or closes: a link that closes it would be forgotten
            folded = st.popover("Why · how sure · what to do", type="tertiary")
            st.badge(point.level, icon=_MARK[point.level],
                     color="orange" if point.level == "warning" else "blue")  # fmt: skip
    with folded:
        _why(point, drawn, k)


def _why(point: Point, drawn: Any, k: int) -> None:
    note(f"Why: {point.why}\nHow sure: {point.how_sure}\nWhat to do: {point.to_do}")
    if drawn is not None:
        alt = "The clear numbers of whom this finding is of"
        chart(drawn, alt, f"why-{k}-chart")


def chart(drawn: Any, alt: str, key: str) -> None:
    """Show a figure whose points lead to their pairs."""
    # the figures are those of all visitors, and what draws one adds to it
    figure(type(drawn)(drawn), alt, key, select=lambda of: to_pairs(**of), how=CLICK)
