"""The report beside an earlier one."""

from __future__ import annotations

import streamlit as st
from parts.ui import failure, note, table

import workbench as wb
from workbench.report.build import Report
from workbench.report.compared import ReportComparison
from workbench.report.forms.record import read_record

_MB = 50


def compare(report: Report) -> None:
    """Take an earlier report.json, and show what came, went and changed since."""
    upload = st.file_uploader(
        "Compare with an earlier report (its JSON file)",
        type="json",
        key="earlier-report",
        max_upload_size=_MB,
    )
    if upload is None:
        return
    try:
        found = wb.compare_reports(read_record(upload.getvalue(), "the uploaded file"),
                                   report.to_dict())  # fmt: skip
    except wb.WorkbenchError as error:
        failure(error)
        return
    _show(found)


def _show(found: ReportComparison) -> None:
    note(found.summary())
    titles = {
        "findings": "Findings that came, went, changed or stayed",
        "weights": "Weights that differ, with both intervals: where they do not overlap they are "
        "apart, which is no test",
        "settings": "Settings, versions and code that differ",
        "data": "Data that differ",
    }
    for name, frame in found.tables().items():
        if len(frame):
            table(frame, f"compared-{name}", titles[name])
