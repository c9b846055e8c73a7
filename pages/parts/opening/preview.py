"""How files are read, before they are loaded: raw records beside judgements as they are read."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.ui import note

from workbench.data.explain import Explanation
from workbench.data.load import Preview

_CELL = 200


def show_raw(look: Preview) -> None:
    """Show the first records as they stand in the file."""
    st.caption("In the file: the first records")
    records = [{k: str(v)[:_CELL] for k, v in one.items()} for one in look.records]
    st.dataframe(records, key="preview", height=250)


def show_read(found: Explanation) -> None:
    """Show the first judgements as they are read."""
    st.caption("As read: the first judgements")
    if len(found.rows):
        cut = found.rows.dropna(axis="columns", how="all")
        first = ["verdict", *(c for c in cut if c != "verdict")]
        st.dataframe(cut[first].map(_short), key="as-read", height=250, hide_index=True)
    else:
        note("Nothing can be read yet: see below what is missing.")


def _short(value: Any) -> Any:
    return value[:_CELL] if isinstance(value, str) else value


def show_counts(found: Explanation, whole: bool) -> None:
    """Say what became of the rows."""
    report = found.report
    if report is None:
        return
    said = f"{report.n_pairs:,} pairs, {report.n_labels:,} judgements. {report}"
    first = f"Of the first {report.rows_read:,} rows (all are counted once it is loaded): "
    note(said if whole else f"{first}{said}")
