"""A report in its forms, looked at first and downloaded."""

from __future__ import annotations

import html
import tempfile
from pathlib import Path

import streamlit as st
from parts.ui import note

from workbench.json_values import to_json
from workbench.report.build import Report
from workbench.report.forms.pdf import browser

_TALL = 900


def downloads(report: Report) -> None:
    """Offer the report in every form; a form is made when it is asked for."""
    forms = [
        ("HTML", report.html, "text/html", "html", ":material/description:"),
        ("Markdown", report.markdown, "text/markdown", "md", ":material/markdown:"),
        ("JSON", lambda: _record(report), "application/json", "json", ":material/data_object:"),
    ]
    if browser() is not None:
        forms.append(
            ("PDF", lambda: _printed(report), "application/pdf", "pdf", ":material/print:")
        )
    st.caption("Download the report as")
    places = st.columns(4)
    for place, (name, make, mime, ending, icon) in zip(places, forms, strict=False):
        place.download_button(
            name,
            make,
            file_name=f"report.{ending}",
            mime=mime,
            key=f"report-{ending}",
            on_click="ignore",
            type="primary" if ending == "html" else "secondary",
            icon=icon,
            width="stretch",
        )
    if browser() is None:
        note("For a PDF the server needs Chromium or Chrome; a browser prints the HTML file too.")


def preview(report: Report) -> None:
    """Show the page within the page, where nothing of it can run or leave."""
    if st.toggle("Show it here", key="report-preview"):
        page = html.escape(report.html(framed=True))
        # sandbox without a word allows nothing: no script, no form, no other window
        frame = (
            f'<iframe sandbox="" srcdoc="{page}" title="Preview of the report" '
            f'style="width:100%;height:{_TALL - 20}px;border:0;background:#fff"></iframe>'
        )
        st.iframe(frame, height=_TALL)


def _record(report: Report) -> str:
    return to_json({**report.to_dict(), "tables": []})


def _printed(report: Report) -> bytes:
    with tempfile.TemporaryDirectory(prefix="workbench-report-") as folder:
        return report.pdf(Path(folder) / "report.pdf").read_bytes()
