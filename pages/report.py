"""The comparison as a file: a page that needs no network, Markdown, JSON or PDF."""

from __future__ import annotations

import streamlit as st
from parts.choices import choose, some
from parts.commands import report_command
from parts.entry import enter
from parts.opening.run_file import run_file
from parts.report.earlier import compare
from parts.report.files import downloads, preview
from parts.report.options import made, options
from parts.state import announce, current, job_of, need_factors
from parts.ui import failure, note, table, text

import workbench as wb
from workbench.overview.findings import findings_frame
from workbench.report.further import FURTHER

enter("Report")
data = current()
announce(data)
need_factors(data)
try:
    further = some("Also in the report", list(FURTHER), "further")
    choices = {**choose(data), "further": tuple(further)}
    whole = made(data, choices, job_of(data, choices), report_command(data, choices))
except wb.WorkbenchError as error:
    failure(error)
    st.stop()

sections, notes = options()
command = whole.command + (f" --sections {','.join(sections)}" if sections else "")
report = whole.showing(sections, notes, command + (" --notes notes.txt" if notes else ""))
downloads(report)
preview(report)
table(findings_frame(report.findings), "findings", "Findings: results that crossed a threshold")
compare(report)
run_file(data, choices, sections)
note("The same from the command line:")
text(report.command)
