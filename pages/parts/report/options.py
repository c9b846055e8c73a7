"""What stands in the report: sections, and the author's notes."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.choices import some

import workbench as wb
from workbench.report.build import KINDS, Report
from workbench.report.job import MainJob

_LONGEST = 20_000
_MADE = "made-report"


def options() -> tuple[tuple[str, ...], str | None]:
    """Let sections be chosen and notes be written; return both."""
    chosen = some("Sections (all when empty)", list(KINDS), "sections")
    notes = st.text_area(
        "Your notes",
        key="report-notes",
        max_chars=_LONGEST,
        help="Plain text, first in the report. It stays in this session: no link holds it.",
    )
    return tuple(chosen), notes.strip() or None


def made(data: wb.PreferenceData, choices: dict[str, Any], job: MainJob, command: str) -> Report:
    """Return the report of a job, made once: what it finds does not depend on what is shown."""
    key = (data.digest, tuple(sorted(choices.items())))
    kept = st.session_state.get(_MADE)
    if kept is None or kept[0] != key:
        with st.spinner("Checking the fits and looking for findings ..."):
            kept = (key, job.report(command))
            _ = kept[1].findings
        # one in each session: a report may hold an upload
        st.session_state[_MADE] = kept
    return kept[1]
