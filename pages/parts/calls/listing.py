"""All runs in a table, the settings of one, and two beside each other."""

from __future__ import annotations

from contextlib import suppress

import pandas as pd
import streamlit as st
from parts.choices import one
from parts.ui import figure, note, table, text, warn
from streamlit.errors import StreamlitPageNotFoundError

from workbench.annotate.compared import RunComparison, compare_runs
from workbench.annotate.folder import RunFolder
from workbench.annotate.listing import COUNTED, runs_frame, settings_frame
from workbench.annotate.process import status

_HEADS = {
    "run": "Run", "what": "What", "model": "Model", "simulated": "Simulated", "state": "State",
    "why": "Why", "answered": "Answers", "failed": "Failures", "open": "Open", "calls": "Calls",
    "prompt_tokens": "Tokens in", "completion_tokens": "Tokens out", "cost": "Cost",
    "begun": "Begun", "changed": "Last change (UTC)",
}  # fmt: skip
_NUMBERS = ("answered", "failed", "open", "calls", "prompt_tokens", "completion_tokens")


def listed(known: dict[str, RunFolder]) -> None:
    """Show all runs; a row that is chosen becomes the run on view."""
    frame = runs_frame(known)
    counts = frame["state"].value_counts()
    note(", ".join(f"{n} {state}" for state, n in counts.items()))
    whole = st.column_config.NumberColumn(format="localized", help=COUNTED)
    shown = frame.drop(columns=["begun"]).rename(columns=_HEADS)
    event = st.dataframe(
        shown,
        key="runs",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config={_HEADS[name]: whole for name in _NUMBERS},
    )
    rows = event.selection.rows
    if rows and st.session_state.get("runs-row") != rows[0]:
        st.session_state["of-run"] = frame["run"].iloc[rows[0]]
    st.session_state["runs-row"] = rows[0] if rows else None


def settings(folder: RunFolder) -> None:
    """Show what a run asks, of whom, in which form, and within which limits."""
    table(settings_frame(folder), "run-settings", "Settings: what was asked, of whom, and how")
    note(f"Data: {len(folder.data):,} pairs, digest {folder.data.digest}")


def beside(chosen: str, known: dict[str, RunFolder]) -> None:
    """Hold the run on view beside another one."""
    rows = runs_frame(known).set_index("run")["what"]
    # those of the same kind first: others say nothing that could agree
    others = sorted((name for name in known if name != chosen),
                    key=lambda name: rows[name] != rows[chosen])  # fmt: skip
    if not others:
        note("There is no other run to compare it with.")
        return
    other = one("With", others, "other-run")
    runs = known[chosen], known[other]
    with st.spinner("Comparing ..."):
        found = _compared(*(_stamp(run) for run in runs), runs)
    simulated = [run.config.asked_model for run in runs if run.config.offline]
    if simulated:
        warn("A model of these runs is built in: its numbers are simulated, not a judge's.")
    text(found.summary())
    for name, frame in found.tables().items():
        if name != "agreement" and len(frame):
            table(named(frame, chosen, other), f"two-{name}", name.capitalize())
    if not len(found.differ):
        note("The two have the same settings.")
    if found.to_frame()["estimate"].notna().any():
        figure(found.plot(), "Agreement of the two runs", "two-runs")
        table(found.to_frame(), "two-agreement", found.about)


def _stamp(run: RunFolder) -> tuple[str, float, str]:
    now = status(run)
    return str(run.path.resolve()), now.updated, now.state


# Streamlit hashes no argument that starts with _: the places and when they changed are the key
@st.cache_resource(max_entries=8, show_spinner=False, scope="session")
def _compared(
    one: tuple[str, float, str],
    other: tuple[str, float, str],
    _runs: tuple[RunFolder, RunFolder],
) -> RunComparison:
    return compare_runs(*_runs)


def link(label: str, page: str, icon: str) -> None:
    """Show a link to another page, in our own words; a page that runs alone has none to lead to."""
    # it runs alone in tests, and as the script of `streamlit run`
    with suppress(StreamlitPageNotFoundError):
        st.page_link(page, label=label, icon=icon)


def named(frame: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """Return a table whose columns first and second have the names of what they are of."""
    names = {"first": first, "second": second}
    taken = first == second or any(name in frame for name in names.values())
    return frame if taken else frame.rename(columns=names)
