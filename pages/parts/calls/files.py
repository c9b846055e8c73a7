"""The files of a run, to take along: results, settings, calls. No secret is in them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st
from parts.ui import note

from workbench.annotate.calls import call_counts, every_call
from workbench.annotate.folder import RunFolder
from workbench.annotate.listing import settings_frame
from workbench.data.on_view.spreadsheet import to_csv

_MOST = 20_000
"""Calls that one file holds."""

_LARGEST = 100 * 2**20
"""Bytes of results that one file holds."""


def offer(folder: RunFolder) -> None:
    """Offer the results, and the calls as JSON lines; both are made when they are asked for."""
    total = sum(call_counts(folder).values())
    files = _results(folder)
    if files:
        st.download_button(
            "Results, data and settings (ZIP)", _zipped(folder, files), file_name="run.zip",
            mime="application/zip", key="run-zip", on_click="ignore",
            icon=":material/folder_zip:",
        )  # fmt: skip
        note(f"{len(files)} files: tables, result.json, report.html, and the labels as Parquet.")
    else:
        note("There are no results yet.")
    cut = f", the first {_MOST:,} of them" if total > _MOST else ""
    st.download_button(
        "Calls (JSON lines)", _lines(folder), file_name="calls.jsonl",
        mime="application/x-ndjson", key="run-calls", on_click="ignore", disabled=not total,
        icon=":material/download:",
    )  # fmt: skip
    note(f"{total:,} calls{cut}: what was sent, what came back, what was read. Failures first.")


def _results(folder: RunFolder) -> list[Path]:
    # a link could lead anywhere on this machine
    found = [file for file in sorted(folder.results.rglob("*"))
             if file.is_file() and not file.is_symlink()]  # fmt: skip
    return found if sum(file.stat().st_size for file in found) <= _LARGEST else []


def _zipped(folder: RunFolder, files: list[Path]) -> Callable[[], bytes]:
    def made() -> bytes:
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("settings.csv", to_csv(settings_frame(folder)))
            for file in files:
                archive.write(file, file.relative_to(folder.path))
        return whole.getvalue()

    return made


def _lines(folder: RunFolder) -> Callable[[], bytes]:
    def made() -> bytes:
        whole = io.BytesIO()
        for call in every_call(folder, most=_MOST):
            whole.write(json.dumps(call, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        return whole.getvalue()

    return made
