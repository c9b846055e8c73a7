"""The scorecard of an audit of a judge: invariance beside sensitivity, a row opens its pairs."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from parts.calls.evidence import evidence, stamp
from parts.judges import findings
from parts.ui import note, result, text, warn

from workbench.annotate.folder import RunFolder
from workbench.annotate.run import found_in
from workbench.audit.judges.budget import HOW
from workbench.audit.judges.card import FAILED, OPEN, PASSED, budget_text, counted
from workbench.audit.judges.scorecard import JudgeAudit
from workbench.results import Result

_HEADS = {
    "invariance": "Invariance: what should not matter",
    "sensitivity": "Sensitivity: what must be seen",
    "instrument": "The calls themselves",
}
_SIDES = {"invariance": "Invariance", "sensitivity": "Sensitivity", "instrument": "Calls"}
_SIGNS = {PASSED: "✓ passed", FAILED: "✗ failed"}
_HIGHEST = 330


@st.cache_resource(max_entries=4, show_spinner="Reading the audit ...", scope="session")
def _found(place: str, changed: float, _folder: RunFolder) -> Result | None:
    return found_in(_folder)


def audited(folder: RunFolder) -> None:
    """Show a finished audit: the scorecard, the pairs behind its rows, then all details folded."""
    found = _found(*stamp(folder), folder)
    if not isinstance(found, JudgeAudit):
        note("Too little was asked yet to say anything.")
        return
    if folder.config.offline:
        warn("The model of this run is built in: these numbers are simulated, not a judge's.")
    st.subheader("Scorecard")
    s = found.settings
    note(f"{s['model']}: {s['n']:,} pairs, {s['calls']:,} calls; {s['level']:.0%} intervals")
    card = found.scorecard
    for place, one in zip(st.columns(3), counted(card).to_dict("records"), strict=True):
        many = one[PASSED] + one[FAILED] + one[OPEN]
        said = f"{one[FAILED]} failed, {one[OPEN]} cannot be told"
        place.metric(_SIDES[one["side"]], f"{one[PASSED]} of {many} passed", said,
                     delta_color="off", delta_arrow="off", border=True)  # fmt: skip
    note(budget_text(card))
    chosen: list[int] = []
    for side in _HEADS:
        chosen += _side(card[card["side"] == side], side)
    for row in chosen:
        evidence(found, card.loc[row], folder)
    if not chosen:
        note("A row that is chosen opens the pairs that say most clearly what it says.")
    with st.expander("How many pairs would tell: the formula"):
        text(HOW)
    with st.expander("Details: every measure, form and dose, findings, samples, cases"):
        text(found.summary())
        findings(found.findings(), "audit")
        result(found, "audit")
        for k, part in enumerate(found.parts()):
            result(part, f"audit-{k}")


def _side(rows: pd.DataFrame, side: str) -> list[int]:
    """Show the measures of a side; return the labels of the rows that were chosen."""
    st.caption(_HEADS[side])
    if rows.empty:
        note("Nothing was measured.")
        return []
    shown = pd.DataFrame(
        {
            "measure": rows["measure"],
            "verdict": [_SIGNS.get(word, f"? {word}") for word in rows["word"]],
            "estimate": [_number(value) for value in rows["estimate"]],
            "interval": [_ends(row) for row in rows.to_dict("records")],
            "n": [_count(value) for value in rows["n"]],
            "held against": rows["threshold"],
            "pairs needed": [_count(value) for value in rows["pairs_needed"]],
            "calls needed": [_count(value) for value in rows["calls_needed"]],
            "note": rows["note"].fillna(""),
        }
    )
    # what failed stands first: the rest of a long list is a scroll away
    event = st.dataframe(
        shown, key=f"card-{side}", hide_index=True, on_select="rerun", selection_mode="single-row",
        height=min(36 * (len(shown) + 1), _HIGHEST),
    )  # fmt: skip
    return [int(rows.index[k]) for k in event.selection.rows]


def _number(value: float) -> str:
    return "undefined" if pd.isna(value) else f"{value:.3f}"


def _count(value: float) -> str:
    return "" if pd.isna(value) else f"{value:,.0f}"


def _ends(row: dict[str, float]) -> str:
    if pd.isna(row["conf_low"]):
        return ""
    return f"{row['conf_low']:.3f} to {row['conf_high']:.3f}"
