"""Watching an annotation run: its progress, its spend, its results."""

from __future__ import annotations

import math
from datetime import timedelta

import pandas as pd
import streamlit as st
from parts.calls.listing import link
from parts.places import launch
from parts.state import adopt
from parts.ui import note, table, text, warn

import workbench as wb
from workbench.annotate.folder import RunFolder
from workbench.annotate.listing import COUNTED, shown_message
from workbench.annotate.process import Status, cancel, status

_SAID = {
    "new": "It starts ...",
    "running": "It is under way.",
    "finished": "It is finished.",
    "stopped": "It stopped, and can be taken up again.",
    "failed": "It failed; what was answered is kept, and it can be taken up again.",
    "ended": "Its process is gone; what was answered is kept, and it can be taken up again.",
}


def watch(folder: RunFolder) -> None:
    """Show a run, again every second while it is under way."""
    live = status(folder).state in ("new", "running") or folder.running
    st.fragment(_view, run_every="1s" if live else None)(folder, live)
    _results(folder)


def _view(folder: RunFolder, live: bool) -> None:
    now = status(folder)
    note(f"{folder.path.name}: {_SAID[now.state]}")
    if now.message:
        text(shown_message(now.message, folder))
    _tiles(now)
    for row in now.stages.itertuples():
        st.progress(row.done / max(row.requests, 1), f"{row.done:,} of {row.requests:,} requests")
    if len(now.stages):
        table(now.stages, "stages", "Stages: kept from before, answered now, failed, open")
    if now.state == "running":
        if st.button("Cancel", key="cancel", icon=":material/stop:"):
            cancel(folder)
            note("The calls on the way come home first.")
    elif now.state not in ("new", "finished"):
        if st.button("Take it up again", key="resume", icon=":material/play_arrow:"):
            launch(folder)
            st.rerun()
    elif live and now.state == "finished":
        # the whole page: its results are there now
        st.rerun()


def _tiles(now: Status) -> None:
    stage = None if now.stages.empty else now.stages.iloc[-1]
    seconds = math.nan if stage is None else stage["seconds_left"]
    rate = math.nan if stage is None else stage["per_second"]
    pace = {
        "Replies a second": "unknown" if math.isnan(rate) else f"{rate:,.1f}",
        "Time left": "unknown" if math.isnan(seconds) else str(timedelta(seconds=int(seconds))),
    }
    tiles = {
        **(pace if now.state in ("new", "running") else {}),
        "Failed": "0" if stage is None else f"{int(now.stages['failed'].sum()):,}",
        "Calls": "not told" if math.isnan(now.calls) else f"{now.calls:,.0f}",
        "Tokens in": f"{now.prompt_tokens:,}",
        "Tokens out": f"{now.completion_tokens:,}",
        "Cost": "no prices" if math.isnan(now.cost) else f"{now.cost:,.4f}",
    }
    # of more than four in a row, a laptop shows a digit or two
    wide = 3 if len(tiles) < 7 else 4
    places = [*st.columns(wide), *st.columns(wide)]
    for place, (name, value) in zip(places, tiles.items(), strict=False):
        place.metric(name, value, border=True)
    st.caption(COUNTED)


def _results(folder: RunFolder) -> None:
    if not (folder.results / "summary.txt").is_file():
        return
    st.subheader("Results")
    if folder.config.offline:
        warn("The model of this run is built in: these numbers are simulated, not a judge's.")
    text((folder.results / "summary.txt").read_text(encoding="utf-8"))
    with st.expander("Tables of the results"):
        for path in sorted(folder.results.glob("*.csv")):
            table(pd.read_csv(path), f"run-{path.stem}", path.stem.replace("_", " ").capitalize())
    if folder.config.task == "audit":
        link("Its scorecard is on the page Judge audit", "judge_audit.py", ":material/policy:")
    # an audit asks about texts of its own, a repair holds two judges apart, the others read what
    # is there: no label is added
    adds = folder.config.task not in ("audit", "repair", "rationales", "feedback")
    if adds and st.button("Open these data here", key="adopt", icon=":material/folder_open:"):
        with st.spinner("Opening ..."):
            adopt(wb.load(folder.path))
        note("They are open: Compare shows what they reward.")
