"""Add a judge: its verdicts on the pairs that are open, and its weights beside the others."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from parts.choices import choose
from parts.entry import enter
from parts.state import adopt, announce, current, job_of
from parts.ui import failure, figure, note, table

import workbench as wb
from workbench.data.on_view.spreadsheet import to_csv
from workbench.json_values import to_json
from workbench.plots.forest import forest


def template() -> str:
    """Return the pairs to judge as CSV with an empty column for the verdicts."""
    columns = ["pair_id", "prompt", "response_a", "response_b"]
    return to_csv(data.pairs[columns].assign(verdict=""))


def read(upload: Any, name: str, in_order: bool) -> None:
    """Add the uploaded verdicts, and make the data with them the current ones."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(upload.name).name
        path.write_bytes(upload.getbuffer())
        adopt(wb.add_judge(data, path, name=name, in_order=in_order))
    st.session_state["added"] = name
    # a new key empties the uploader
    st.session_state["judged"] = st.session_state.get("judged", 0) + 1
    st.rerun()


def show(name: str) -> None:
    """Show the weights of the added judge beside those of the reference."""
    job = job_of(data, {**choose(data), "annotators": (name,)})
    fits = [fit for fit in (job.people, job.judges) if fit is not None]
    estimates = pd.concat([fit.to_frame() for fit in fits], ignore_index=True)
    figure(forest(estimates), f"Weights of {name} beside {job.people.groups[0]}", "added")
    table(estimates, "added_weights", "Every weight with n, interval, method")
    st.download_button(
        "Download the weights (JSON)",
        lambda: to_json([fit.to_dict() for fit in fits]),
        file_name="weights.json",
        mime="application/json",
        on_click="ignore",
        icon=":material/data_object:",
    )
    if job.gap is not None:
        table(job.gap.to_frame(), "added_differences", "Differences to the reference, q-values")
    note("Compare shows it beside all annotators.")


enter("Add a judge")
data = current()
announce(data)
st.caption(
    "Verdicts as CSV, TSV, JSON or JSONL: A, B or tie, or P(A preferred), by pair_id or by "
    "another column that the pairs have; or one verdict a pair, in the order of the data. They "
    "stay in this session."
)
st.download_button(
    "Download the pairs to judge (CSV)",
    template,
    file_name="pairs_to_judge.csv",
    mime="text/csv",
    on_click="ignore",
    icon=":material/download:",
)
judge = st.text_input("Name of the judge", key="judge-name", max_chars=80).strip()
ordered = st.checkbox("One verdict a pair, in the order of the data", key="judge-in-order")
verdicts = st.file_uploader(
    "Verdicts",
    type=["csv", "tsv", "json", "jsonl", "txt", "parquet", "gz", "zst"],
    key=f"verdicts-{st.session_state.get('judged', 0)}",
    max_upload_size=50,
)
ready = verdicts is not None and judge != ""
try:
    if st.button("Add this judge", key="add-judge", disabled=not ready, type="primary"):
        read(verdicts, judge, ordered)
    added = st.session_state.get("added")
    if added in set(data.annotators["annotator"]):
        note(str(data.load_report))
        if data.factor_names:
            show(added)
        else:
            note("These data have no factors: the Leaderboard and Judge audit show its verdicts.")
except wb.WorkbenchError as error:
    failure(error)
