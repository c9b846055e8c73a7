"""Pairs one by one: who preferred which text, the factors, and what a fit makes of them."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from parts.choices import choose
from parts.entry import enter
from parts.linking import BEHIND, arrive
from parts.media import media_of_prompt, media_of_responses
from parts.pairs.filters import filters
from parts.pairs.found import found, with_every_label
from parts.pairs.notes import write_down, written_down
from parts.pairs.number import contrast_of, heads_of, marked_values, say_number, say_pull
from parts.pairs.order import IN_ORDER, fits_of, ordering
from parts.pairs.ranking import RANKED, ranking
from parts.pairs.steps import navigate
from parts.pairs.texts import show_texts, show_verdicts, written_or_rendered
from parts.state import announce, current, job_of
from parts.ui import failure, figure, note, table

import workbench as wb
from workbench.explain.attribution import attribute
from workbench.report.pair_view import labels_of

enter("Examples")
arrive()
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
key = f"{whole.digest} {data.digest}"
seen = with_every_label(data, whole)
chosen = filters(seen, key)
view = ordering(fits)
at = found(chosen, seen, key)
ranked = None
if view["order"] != IN_ORDER and len(at):
    ids = None if len(at) == len(data) else data.pairs["pair_id"].iloc[at]
    made = (key, tuple(sorted(choices.items())))
    try:
        gap = contrast_of(made, view, fits, job)
        if view["order"] == BEHIND:
            say_number(view, fits, gap)
        ranked = ranking((*made, chosen.to_json()), tuple(view.items()), fits, ids, gap)
    except wb.WorkbenchError as error:
        failure(error)
if ranked is not None:
    note(f"The first {len(ranked):,} (at most {RANKED}) of {len(at):,} pairs that pass the filters")
    with st.expander("The ranking, with the numbers behind each pair"):
        table(ranked, "ranking", "Pairs in this order, with n, numbers and method")
    at = pd.Index(data.pairs["pair_id"]).get_indexer(ranked["pair_id"])
if not len(at):
    st.info("No pair passes these filters.")
    st.stop()

with st.container(horizontal=True, vertical_alignment="bottom"):
    place = navigate(len(at), (chosen, view))
    pair = data.pairs.iloc[at[place]]
    bare = pd.isna(pair["response_a"]) and pd.isna(pair["response_b"])
    how = None if bare else written_or_rendered()
scenario = "" if pd.isna(pair["scenario"]) else f", scenario {pair['scenario']}"
note(f"Pair {pair['pair_id']}{scenario}")
behind = ranked is not None and view["order"] == BEHIND
values = marked_values(data, pair["pair_id"], view["term"])
if behind:
    say_pull(ranked.iloc[place], view["term"], values)
if bare:
    columns = pair.dropna().astype(str).rename("value").rename_axis("column").reset_index()
    table(columns, "columns", "This pair has no text; its columns")
    show_verdicts(pair, whole)
    media_of_prompt(pair, whole)
else:
    show_texts(pair, whole, how, heads_of(values, view["term"] if behind else None))
    media_of_prompt(pair, whole)
media_of_responses(pair, whole)

why, labels, factors, own_words = st.tabs(["Why", "Labels", "Factors", "Tags and notes"])
with why:
    if view["group"] is None:
        st.info("No fit: no factors, or choose other annotators or factors at the side.")
    else:
        scale = st.radio(
            "Scale", ["probability", "logit"], horizontal=True, key="scale", bind="query-params"
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
    table(values, "factors", "Raw value of each side, and the coded difference A minus B")
with own_words:
    set_name = st.session_state["data"]
    write_down(set_name, pair["pair_id"])
    written_down(set_name, whole)
