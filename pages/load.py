"""Open preference data, see what became of every row, look at pairs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from parts.entry import enter
from parts.media import media_of_prompt, media_of_responses
from parts.reading import reading_of
from parts.state import adopt, announce, current
from parts.ui import failure, note, table, text

import workbench as wb
from workbench.data.formats.registry import FORMATS
from workbench.data.reading.files import KNOWN, PACKED, SUFFIXES
from workbench.report.data_card import card_of
from workbench.report.main_job import has_text
from workbench.report.pair_view import labels_of


def open_upload(upload: Any) -> None:
    """Preview an uploaded file, and load it when asked."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(upload.name).name
        path.write_bytes(upload.getbuffer())
        look = wb.preview(path)
        st.caption(f"First records. Recognised as: {look.format or 'nothing; map the columns'}.")
        records = [{k: str(v)[:200] for k, v in record.items()} for record in look.records]
        st.dataframe(records, key="preview", height=210)
        known = FORMATS.index(look.format or "tabular") if look.format in (None, *FORMATS) else None
        form = st.selectbox("Read as", FORMATS, index=known, key=f"format-{upload.file_id}")
        how = reading_of(look, upload.file_id, form == "tabular")
        if st.button("Show how it is read", key="explain", icon=":material/search:"):
            text(str(wb.explain(path, form, **how)))
        if st.button("Load this file", key="load", type="primary", icon=":material/check:"):
            adopt(wb.load(path, form, **how))
            # a new key empties the uploader: the file need not stay in memory twice
            st.session_state["uploaded"] = st.session_state.get("uploaded", 0) + 1
            st.rerun()


enter("Load preference data")
with st.expander("Open your own file", icon=":material/upload_file:"):
    st.caption(f"{KNOWN}. It stays in this session.")
    upload = st.file_uploader(
        "File",
        type=[*(suffix.removeprefix(".") for suffix in (*SUFFIXES, *PACKED)), "txt", "zip"],
        key=f"upload-{st.session_state.get('uploaded', 0)}",
        max_upload_size=50,
    )
    if upload is not None:
        try:
            open_upload(upload)
        except wb.WorkbenchError as error:
            failure(error)

data = current()
announce(data)
report, card = data.load_report, card_of(data, None)
scenarios = data.pairs["scenario"].value_counts().reset_index()
tiles = {
    "Pairs": card["n_pairs"],
    "Clusters": card["n_clusters"],
    "Scenarios": len(scenarios),
    "Labels": card["n_labels"],
    "Annotators": len(data.annotators),
    "Rows left out": sum(e.count for e in report.left_out.values()) if report else 0,
}
# of six in a row, a laptop shows a digit or two
for place, (name, value) in zip([*st.columns(3), *st.columns(3)], tiles.items(), strict=True):
    place.metric(name, f"{value:,}", border=True)

kept, who, look_at = st.tabs(["Load report", "Annotators and scenarios", "Pairs"])
with kept:
    if report is None:
        st.info("This data set was not read from a file.")
    else:
        note(str(report))
        table(report.to_frame(), "left_out", "Examples of rows left out, by reason")
with who:
    table(data.annotators, "annotators", "Who labelled how much")
    verdicts = pd.DataFrame(card["verdicts"].items(), columns=["verdict", "labels"])
    table(verdicts, "verdicts", "Verdicts: every label, failed ones too")
    if len(scenarios):
        table(scenarios, "scenarios", "Pairs by scenario")
with look_at:
    number = st.number_input("Pair", 1, len(data.pairs), 1, key=f"pair-{data.digest}", width=200)
    pair = data.pairs.iloc[int(number) - 1]
    if has_text(data):
        note("Prompt")
        text(pair["prompt"])
        for place, side in zip(st.columns(2), "ab", strict=True):
            with place:
                note(f"Response {side.upper()}")
                text(pair[f"response_{side}"])
    else:
        columns = pair.dropna().astype(str).rename("value").rename_axis("column").reset_index()
        table(columns, "columns", "This pair has no text; its columns")
    media_of_prompt(pair, data)
    media_of_responses(pair, data)
    own = labels_of(data, pair["pair_id"])
    table(own, "labels", "Labels of this pair: P(A preferred)")
