"""Pairs one by one: the texts, every label, the factors, and what a fit makes of them."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from parts.choices import choose
from parts.difference import show_difference
from parts.entry import enter
from parts.examples import IN_ORDER, RANKED, filters, fits_of, found, navigate, prediction, ranking
from parts.media import media_of_prompt, media_of_responses
from parts.state import announce, current, job_of
from parts.ui import failure, figure, note, table, text

import workbench as wb
from workbench.data.word_diff import word_diff
from workbench.explain.attribution import attribute
from workbench.report.pair_view import factor_values, labels_of, titles_of

enter("Examples")
whole = data = current()
announce(data)
choices = choose(data)
job = None
try:
    # battles without texts or columns have no factors: there is nothing to fit
    if data.factor_names:
        job = job_of(data, choices)
        data = job.data
except wb.WorkbenchError as error:
    failure(error)

fits = fits_of(job)
chosen = tuple(filters(data).items())
view = prediction(list(fits))
at = found(data.digest, chosen, data)
if view["order"] != IN_ORDER and len(at):
    ids = data.pairs["pair_id"].iloc[at]
    key = (data.digest, tuple(sorted(choices.items())), chosen)
    ranked = ranking(key, tuple(view.items()), fits, ids)
    note(f"The first {len(ranked):,} (at most {RANKED}) of {len(at):,} pairs that pass the filters")
    with st.expander("The ranking, with the factors behind each pair"):
        table(ranked, "ranking", "Pairs in this order, with n, prediction and method")
    at = pd.Index(data.pairs["pair_id"]).get_indexer(ranked["pair_id"])
if not len(at):
    st.info("No pair passes these filters.")
    st.stop()

pair = data.pairs.iloc[at[navigate(len(at), (chosen, view))]]
scenario = "" if pd.isna(pair["scenario"]) else f", scenario {pair['scenario']}"
note(f"Pair {pair['pair_id']}{scenario}")
if pd.isna(pair["response_a"]) and pd.isna(pair["response_b"]):
    columns = pair.dropna().astype(str).rename("value").rename_axis("column").reset_index()
    table(columns, "columns", "This pair has no text; its columns")
    media_of_prompt(pair, whole)
else:
    note("Prompt")
    text(pair["prompt"])
    media_of_prompt(pair, whole)
    sides = [pair[f"response_{side}"] for side in "ab"]
    show_difference(word_diff(*("" if pd.isna(s) else s for s in sides)), titles_of(pair))
    st.caption("Underlined words stand in this response only.")
media_of_responses(pair, whole)

why, labels, factors = st.tabs(["Why", "Labels", "Factors"])
with why:
    if view["group"] is None:
        st.info("No fit: choose other annotators or factors at the side.")
    else:
        scale = st.segmented_control(
            "Scale",
            ["probability", "logit"],
            default="probability",
            required=True,
            key="scale",
            bind="query-params",
        )
        fit, group = fits[view["group"]], view["group"]
        shares = attribute(fit, group=group, pairs=[pair["pair_id"]], scale=scale)
        st.caption(
            "How each factor moves the prediction from no difference (50 %, logit 0); right is "
            "towards A. Shares are Shapley values of the fitted model, not causes."
        )
        figure(shares.plot(), "Waterfall of the factors' shares in this prediction", "waterfall")
        table(shares.pairs, "prediction", "The prediction with its interval, and the label")
        table(shares.to_frame(), "shares", "Every share with its interval")
with labels:
    own = labels_of(whole, pair["pair_id"])
    table(own, "labels", "Every label of this pair: P(A preferred), failed verdicts too")
with factors:
    values = factor_values(data, pair["pair_id"])
    table(values, "factors", "Raw value of each side, and the coded difference A minus B")
