"""Let a model judge the pairs or score factors: a run of its own that this page watches."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.calls.listing import link
from parts.endpoints import endpoint_of
from parts.entry import enter
from parts.places import known_runs, launch, place_for, scratch, title_of
from parts.runs import watch
from parts.state import announce, current, need_texts
from parts.ui import failure, note, table, warn

import workbench as wb
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.estimate import estimate
from workbench.annotate.run import prepare
from workbench.factors.rubric.definition import RUBRICS
from workbench.judges import TEMPLATES

_TASKS = {
    "judge": "Judge: which of the two is better",
    "grade": "Judge: a grade for each response alone",
    "rubric": "Factors: scores by a rubric",
}


# of the boxes of the form: what was chosen is there after a look at another page
KEPT: Any = {"persist_state": "session"}


def asked() -> AnnotateConfig:
    """Let the user say what to ask of whom, and return it."""
    task = st.selectbox("What", list(_TASKS), format_func=_TASKS.__getitem__, key="task", **KEPT)
    left, middle, right = st.columns(3)
    model = left.text_input("Model", "offline:plain", key="model", **KEPT, max_chars=200)
    if model.startswith("offline:"):
        warn("This model is built in: it computes text factors. Its numbers are simulated.")
    choices = {"model": model or None, **endpoint_of(middle, "base-url")}
    if task == "rubric":
        choices["rubric"] = left.selectbox("Rubric", list(RUBRICS), key="rubric", **KEPT)
    elif task == "judge":
        choices["template"] = left.selectbox("Template", list(TEMPLATES), key="template", **KEPT)
    choices["orders"] = middle.selectbox("Orders", ["both", "ab", "ba"], key="orders", **KEPT)
    choices["repeats"] = int(
        right.number_input("Replies to each question", 1, 20, 1, key="repeats", **KEPT)
    )
    every = len(data.pairs)
    if st.session_state.get("pairs", 1) > every:
        # it was chosen for more data than these
        st.session_state["pairs"] = every
    pairs = left.number_input("Pairs", 1, every, min(every, 200), key="pairs", **KEPT)
    at_once = middle.number_input("Calls at once", 1, 512, 16, key="at-once", **KEPT)
    choices["pairs"], choices["concurrency"] = int(pairs), int(at_once)
    calls = right.number_input("Most calls of the run", 1, value=None, key="most-calls", **KEPT)
    choices["max_calls"] = None if calls is None else int(calls)
    config = AnnotateConfig().updated("Annotate page", pointwise=task == "grade", **choices)
    return config.updated("Annotate page", **cost(config))


def cost(config: AnnotateConfig) -> dict[str, Any]:
    """Let the user limit the cost, and say what a million tokens cost."""
    places = st.columns(3)
    most = places[0].number_input("Most cost", 0.0, value=None, key="most-cost", **KEPT)
    prompt, reply = (
        place.number_input(f"Price of 1M {name} tokens", 0.0, value=None, key=key, **KEPT)
        for place, name, key in zip(
            places[1:], ("prompt", "reply"), ("price-in", "price-out"), strict=True
        )
    )
    if prompt is None or reply is None or config.offline:
        return {"max_cost": most}
    path = scratch() / "prices.toml"
    model = config.asked_model.replace("\\", "\\\\").replace('"', '\\"')
    path.write_text(f'["{model}"]\nprompt = {prompt!r}\ncompletion = {reply!r}\n', "utf-8")
    return {"max_cost": most, "prices": str(path)}


enter("Annotate")
data = current()
announce(data)
need_texts(data)
st.caption(
    "A run is a process of its own and a folder on this machine: close the tab, and it goes on; "
    "cancel or kill it, and it can be taken up again. Nothing that was paid for is lost."
)
known = known_runs()
if known:
    told = f"Runs: {len(known)} so far, with every call, its cost and its files"
    link(told, "runs.py", ":material/list_alt:")
with st.expander("New run", icon=":material/add:", expanded=not known):
    try:
        config = asked()
        if st.button("What would it take?", key="estimate", icon=":material/calculate:"):
            with st.spinner("Reckoning ..."):
                found = estimate(config, data, None)
            note(found.summary().splitlines()[-1])
            table(found.stages, "estimate", "Requests by stage: the most that they take")
        if st.button("Start", key="start", type="primary", icon=":material/play_arrow:"):
            place = place_for(data) / config.slug(data.digest)
            with st.spinner("Preparing the run ..."):
                launch(prepare(config, data, place))
            st.session_state["run"] = title_of(place)
            st.rerun()
    except wb.WorkbenchError as error:
        failure(error)

if known:
    chosen = st.selectbox("Run", list(known), key="run")
    try:
        watch(known[chosen])
    except wb.WorkbenchError as error:
        failure(error)
