"""Open preference data, see what became of every row, look at pairs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import streamlit as st
from _state import adopt, announce, current
from _ui import failure, note, table, text

import workbench as wb

_ROLES = ("prompt", "response_a", "response_b", "label", "annotator", "kind", "scenario",
          "model_a", "model_b", "order_shown")  # fmt: skip


def mapping_of(look: Any) -> dict[str, str] | None:
    """Let the user say which column is what; None where the format needs no mapping."""
    if look.format not in (None, "tabular"):
        return None
    chosen = {}
    options = ["(none)", *look.columns]
    for place, role in zip(st.columns(5) * 2, _ROLES, strict=False):
        guess = look.mapping.get(role)
        index = options.index(guess) if guess in options else 0
        value = place.selectbox(role, options, index=index, key=f"map-{role}")
        if value != "(none)":
            chosen[role] = value
    return chosen


def open_upload(upload: Any) -> None:
    """Preview an uploaded file, and load it when asked."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(upload.name).name
        path.write_bytes(upload.getbuffer())
        look = wb.preview(path)
        note(f"Recognised as: {look.format or 'nothing yet; map the columns below'}")
        st.dataframe(
            [{k: str(v)[:200] for k, v in record.items()} for record in look.records],
            key="preview",
        )
        mapping = mapping_of(look)
        if st.button("Load this file", type="primary", icon=":material/check:"):
            adopt(wb.load(path, None if mapping else look.format, mapping=mapping))
            st.rerun()


st.title("Load preference data")
with st.expander("Open your own file", icon=":material/upload_file:"):
    st.caption("CSV, TSV, JSON, JSONL or Parquet, also .gz or .zst. It stays in this session.")
    upload = st.file_uploader(
        "File",
        type=["csv", "tsv", "json", "jsonl", "parquet", "gz", "zst"],
        key="upload",
        max_upload_size=50,
    )
    if upload is not None:
        try:
            open_upload(upload)
        except wb.WorkbenchError as error:
            failure(error)

data = current()
announce(data)
report = data.load_report
tiles = {
    "Pairs": len(data.pairs),
    "Labels": len(data.labels),
    "Annotators": len(data.annotators),
    "Prompts": data.pairs["cluster"].nunique(),
    "Rows left out": sum(e.count for e in report.left_out.values()) if report else 0,
}
for place, (name, value) in zip(st.columns(len(tiles)), tiles.items(), strict=True):
    place.metric(name, f"{value:,}", border=True)

kept, who, look_at = st.tabs(["Load report", "Annotators", "Pairs"])
with kept:
    if report is None:
        st.info("This data set was not read from a file.")
    else:
        note(str(report))
        table(report.to_frame(), "left_out", "Examples of rows left out, by reason")
with who:
    table(data.annotators, "annotators", "Who labelled how much")
with look_at:
    number = st.number_input("Pair", 1, len(data.pairs), 1, key="pair")
    pair = data.pairs.iloc[int(number) - 1]
    note("Prompt")
    text(pair["prompt"])
    for place, side in zip(st.columns(2), "ab", strict=True):
        with place:
            note(f"Response {side.upper()}")
            text(pair[f"response_{side}"])
    labels = data.labels[data.labels["pair_id"] == pair["pair_id"]]
    table(labels.drop(columns="pair_id"), "labels", "Labels of this pair: P(A preferred)")
