"""How files are read, before they are loaded: raw records beside judgements as they are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from parts.ui import note

from workbench.data.explain import Explanation
from workbench.data.load import Preview

_CELL, _WIDTH = 200, 125
"""Letters of a cell, and pixels of a column."""


def show_raw(look: Preview) -> None:
    """Show the first records as they stand in the file."""
    st.caption("In the file: the first records")
    records = [{k: str(v)[:_CELL] for k, v in one.items()} for one in look.records]
    st.dataframe(records, key="preview", height=250, column_config=_narrow(look.columns))


def show_read(found: Explanation) -> None:
    """Show the first judgements as they are read."""
    st.caption("As read: the first judgements")
    if len(found.rows):
        cut = found.rows.dropna(axis="columns", how="all")
        first = ["verdict", *(c for c in cut if c != "verdict")]
        shown = cut[first].map(_short)
        narrow = _narrow(first)
        st.dataframe(shown, key="as-read", height=250, hide_index=True, column_config=narrow)
    else:
        note("Nothing can be read yet: see below what is missing.")


def _narrow(columns: Sequence[str]) -> dict[str, Any]:
    """Return widths at which long texts leave room for the columns beside them."""
    return {name: st.column_config.Column(width=_WIDTH) for name in columns}


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
