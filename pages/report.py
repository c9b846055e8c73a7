"""The comparison as a file: one HTML page that needs no network."""

from __future__ import annotations

import streamlit as st
from parts.choices import choose, some
from parts.commands import report_command
from parts.entry import enter
from parts.state import announce, current, job_of, need_factors
from parts.ui import failure, note, table, text

import workbench as wb
from workbench.json_values import to_json
from workbench.report.findings import findings_frame
from workbench.report.further import FURTHER

enter("Report")
data = current()
announce(data)
need_factors(data)
try:
    further = some("Also in the report", list(FURTHER), "further")
    choices = {**choose(data), "further": tuple(further)}
    report = job_of(data, choices).report(report_command(data, choices))
except wb.WorkbenchError as error:
    failure(error)
    st.stop()

table(findings_frame(report.findings), "findings", "Findings: results that crossed a threshold")
st.download_button(
    "Download the report (HTML)",
    report.html,
    file_name="report.html",
    mime="text/html",
    on_click="ignore",
    type="primary",
    icon=":material/description:",
)
st.download_button(
    "Download the numbers (JSON)",
    lambda: to_json(report.to_dict()),
    file_name="report.json",
    mime="application/json",
    on_click="ignore",
    icon=":material/data_object:",
)
note("The same from the command line:")
text(report.command)
