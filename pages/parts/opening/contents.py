"""What a data set holds: what became of its rows, who labelled, its scenarios, its pairs."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from parts.media import media_of_prompt, media_of_responses
from parts.ui import note, table, text

import workbench as wb
from workbench.report.data_card import card_of
from workbench.report.main_job import has_text
from workbench.report.pair_view import labels_of


def contents(data: wb.PreferenceData) -> None:
    """Show the sizes of a data set, and under tabs its load report, annotators and pairs."""
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
            if report.n_left_out:
                table(report.to_frame(), "left_out", "Examples of rows left out, by reason")
    with who:
        table(data.annotators, "annotators", "Who labelled how much")
        verdicts = pd.DataFrame(card["verdicts"].items(), columns=["verdict", "labels"])
        table(verdicts, "verdicts", "Verdicts: every label, failed ones too")
        if len(scenarios):
            table(scenarios, "scenarios", "Pairs by scenario")
    with look_at:
        _pair(data)


def _pair(data: wb.PreferenceData) -> None:
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
