"""Factors that nobody named: a run that looks for them, what it found, and their pairs."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.endpoints import endpoint_of
from parts.places import begin, known_runs
from parts.runs import watch
from parts.ui import failure, figure, note, table, text, warn

import workbench as wb
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.estimate import estimate
from workbench.annotate.folder import RunFolder
from workbench.annotate.process import status
from workbench.discover.result import Discovery

_OFFLINE, _ENDPOINT = "offline", "endpoint"


def discovered(data: wb.PreferenceData) -> None:
    """Let a visitor look for factors, and show what runs found."""
    st.subheader("Discovered factors")
    st.caption(Discovery.about)
    known = known_runs("discover")
    try:
        with st.expander("Look for factors", icon=":material/explore:", expanded=not known):
            config = _asked(data)
            if st.button("What would it take?", key="d-estimate", icon=":material/calculate:"):
                found = estimate(config, data, None)
                table(found.stages, "d-stages", "The names: what they take at most")
            if st.button("Start", key="d-start", type="primary", icon=":material/play_arrow:"):
                begin(config, data, "discover-run")
        if known:
            chosen = known[st.selectbox("Run", list(known), key="discover-run")]
            if status(chosen).state == "finished":
                _show(chosen)
            else:
                watch(chosen)
    except wb.WorkbenchError as error:
        failure(error)


def _asked(data: wb.PreferenceData) -> AnnotateConfig:
    left, middle, right = st.columns(3)
    who = [*sorted(data.annotators["kind"].unique()), *data.annotators["annotator"]]
    whose = left.selectbox("Whose labels", who, key="d-whose")
    k = left.number_input("Directions", 1, 512, 32, key="d-k")
    model = middle.text_input("Model", "offline:plain", key="d-model", max_chars=200)
    if model.startswith("offline:"):
        warn(f"{model} is built in: it counts words. Names and their fidelity are simulated.")
    endpoint = endpoint_of(right, "d-url")
    # what a visitor types names no file of this machine
    embedding = middle.selectbox("Embeddings", [_OFFLINE, _ENDPOINT], key="d-embedding")
    own: dict[str, Any] = {}
    if embedding == _ENDPOINT:
        named = right.text_input("Embedding model", key="d-embedder", max_chars=200)
        own = {"embedding_model": named or None}
    tested = right.number_input("Pairs to test a name on", 2, 1000, 60, key="d-pairs")
    return AnnotateConfig().updated(
        "Principles page",
        model=model or None,
        **endpoint,
        **own,
        directions=int(k),
        embedding=embedding,
        fidelity_pairs=int(tested),
        annotators=(whose,),
    )


def _show(folder: RunFolder) -> None:
    found = Discovery.load(folder.results / "discovery")
    words = found.summary().splitlines()
    text("\n".join(words[:2]))
    if len(found.survivors):
        figure(found.plot(), "Weights on prompts that did not choose the factor", "discovered")
    table(
        found.to_frame(), "directions", "Every direction: measurable, named, expressed, or joined"
    )
    with st.expander("All of it in words"):
        text("\n".join(words))
    _pairs(found, folder.data)


def _pairs(found: Discovery, data: wb.PreferenceData) -> None:
    """Show the pairs that have most of a direction."""
    own = found.to_frame()
    own = own[own["direction"].isin(found.shown["direction"])]
    if not len(own):
        note("No direction was named from pairs.")
        return
    names = dict(zip(own["term"], own["direction"], strict=True))
    direction = names[st.selectbox("Pairs with most of", list(names), key="d-direction")]
    rows = found.shown[found.shown["direction"] == direction].reset_index(drop=True)
    at = int(st.number_input("Pair", 1, len(rows), 1, key="d-pair"))
    row = rows.loc[at - 1]
    pair = data.pairs.set_index("pair_id").loc[row["pair_id"]]
    note(f"Response {row['more'].upper()} has more of it: {row['activation']:+.2f}")
    text(pair["prompt"])
    for place, side in zip(st.columns(2), "ab", strict=True):
        with place:
            note(f"Response {side.upper()}")
            text(pair[f"response_{side}"])
