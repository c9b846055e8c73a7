"""Principles: discover, edit, vote, select and evaluate a constitution, each step a run."""

from __future__ import annotations

import json

import streamlit as st
from parts.constitution import edited, effects, exports, pairs_wrong, worth
from parts.discovered import discovered
from parts.endpoints import endpoint_of
from parts.entry import enter
from parts.groups import by_group
from parts.places import begin, known_runs, scratch
from parts.runs import watch
from parts.state import announce, current, need_texts
from parts.ui import failure, note, table, warn

import workbench as wb
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.estimate import estimate
from workbench.annotate.folder import RunFolder
from workbench.annotate.process import status
from workbench.annotate.run import found_in


def asked() -> AnnotateConfig:
    """Let the user say what to explain, by whom, and how, and return it."""
    left, middle, right = st.columns(3)
    names = data.annotators["annotator"].tolist()
    kinds = sorted(data.annotators["kind"].unique())
    who = left.selectbox("Whose preferences", [*kinds, *names], key="whose")
    model = middle.text_input("Model", "offline:plain", key="p-model", max_chars=200)
    endpoint = endpoint_of(right, "p-url")
    if model.startswith("offline:"):
        warn(f"{model} is built in: it computes text factors. Its numbers are simulated.")
    recipe = left.selectbox("Recipe", ["ours", "icai"], key="recipe")
    n = middle.number_input("Principles, at most", 1, 40, 5, key="p-n")
    every = len(data.pairs)
    pairs = right.number_input("Pairs", 2, every, min(every, 300), key="p-pairs")
    traits = left.checkbox("Standard traits are candidates too", key="traits")
    judge = middle.checkbox("Ask a judge with and without it", value=True, key="p-judge")
    ways = {"One split": {}, "5 folds": {"folds": 5}, "Adaptive": {"adaptive": True}}
    way = right.selectbox("Held out, and votes", list(ways), key="p-way")
    return AnnotateConfig().updated(
        "Principles page",
        model=model or None,
        **endpoint,
        principles=recipe,
        annotators=(who,),
        n=int(n),
        pairs=int(pairs),
        traits=traits,
        evaluate=judge,
        **ways[way],
    )


def show(folder: RunFolder) -> None:
    """Show what a run found: effects, accuracy, the pairs that it gets wrong, exports."""
    found = found_in(folder)
    if found is None:
        note("Too little was asked yet to say anything.")
        return
    names = ["Effects", "Held-out accuracy", "Pairs", "Groups", "Edit and export"]
    seen, held, wrong, groups, out = st.tabs(names)
    with seen:
        effects(found)
    with held:
        worth(found)
    with wrong:
        pairs_wrong(found)
    with groups:
        by_group(folder.data, found)
    with out:
        exports(found)
        changed = edited(found)
        if changed is not None:
            file = scratch() / f"{changed.digest}.json"
            file.write_text(json.dumps(changed.to_dict()), encoding="utf-8")
            votes = folder.results / "votes.parquet"
            options = {"constitution": str(file), "known": str(votes), "propose": False}
            changed_run = folder.config.updated("Principles page", **options)
            begin(changed_run, data, "principles-run")


enter("Principles")
data = current()
announce(data)
need_texts(data)
st.caption(
    "Sentences that say which response is preferred: proposed and selected on some prompts, "
    "measured on others. Each step is a run of its own, which goes on when the tab is closed; an "
    "edit asks for votes on what is new only."
)
known = known_runs("principles")
try:
    with st.expander("Discover", icon=":material/travel_explore:", expanded=not known):
        config = asked()
        if st.button("What would it take?", key="p-estimate", icon=":material/calculate:"):
            found = estimate(config, data, None)
            table(found.stages, "p-stages", "The first round: what it takes at most")
        if st.button("Start", key="p-start", type="primary", icon=":material/play_arrow:"):
            begin(config, data, "principles-run")
    if known:
        chosen = known[st.selectbox("Run", list(known), key="principles-run")]
        if status(chosen).state == "finished":
            show(chosen)
        else:
            watch(chosen)
except wb.WorkbenchError as error:
    failure(error)
discovered(data)
