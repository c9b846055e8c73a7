"""How the overview looks: verdicts, findings, the chart beside them."""

from __future__ import annotations

import streamlit as st
from parts.linking import pairs_link, to_page
from parts.ui import figure, note

import workbench as wb
from workbench.overview.point import Point

_ELSEWHERE = {
    "rows-left-out": ("load.py", "How the file was read"),
    "verdicts-unread": ("load.py", "How the file was read"),
    "rated-first": ("leaderboard.py", "All models"),
    "agreement": ("judge_audit.py", "Audit the verdicts"),
}
_MARK = {"warning": ":material/warning:", "note": ":material/lightbulb:"}


def finding(found: wb.Overview, point: Point, k: int) -> None:
    """Show a finding: what, one click to its pairs, and folded why, how sure and what to do."""
    with st.container(border=True, key=f"finding-{k}", gap="xsmall"):
        note(point.message)
        with st.container(horizontal=True, vertical_alignment="center"):
            if point.where:
                pairs_link("Show the pairs", **point.where)
            else:
                to_page(*_ELSEWHERE.get(point.rule_id, ("compare.py", "Look under Compare")))
            st.badge(point.level, icon=_MARK[point.level],
                     color="orange" if point.level == "warning" else "blue")  # fmt: skip
        folded = st.expander("Why, how sure, what to do", on_change="rerun", key=f"why-{k}")
        if folded.open:
            with folded:
                note(f"{point.why}\nHow sure: {point.how_sure}\nWhat to do: {point.to_do}")
                drawn = found.figure(point)
                if drawn is not None:
                    figure(drawn, "The clear numbers of whom this finding is of", f"why-{k}-chart")
