"""The scorecard of an audit of a judge: invariance beside sensitivity, a row opens its pairs."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from parts.judges import findings
from parts.ui import note, result, table, text, texts_of, warn

from workbench.annotate.folder import RunFolder
from workbench.annotate.run import found_in
from workbench.audit.judges.budget import HOW
from workbench.audit.judges.card import FAILED, PASSED
from workbench.audit.judges.scorecard import JudgeAudit
from workbench.results import Result

_HEADS = {
    "invariance": "Invariance: what should not matter",
    "sensitivity": "Sensitivity: what must be seen",
    "instrument": "The calls themselves",
}
_SIGNS = {PASSED: "✓ passed", FAILED: "✗ failed"}
_SHOWN = 20


@st.cache_resource(max_entries=4, show_spinner="Reading the audit ...", scope="session")
def _found(place: str, changed: float, _folder: RunFolder) -> Result | None:
    return found_in(_folder)


def audited(folder: RunFolder) -> None:
    """Show a finished audit: the scorecard, the pairs behind its rows, then all details folded."""
    found = _found(str(folder.path.resolve()), folder.progress().get("updated", 0.0), folder)
    if not isinstance(found, JudgeAudit):
        note("Too little was asked yet to say anything.")
        return
    if folder.config.offline:
        warn("The model of this run is built in: these numbers are simulated, not a judge's.")
    st.subheader("Scorecard")
    s = found.settings
    note(f"{s['model']}: {s['n']:,} pairs, {s['calls']:,} calls; {s['level']:.0%} intervals")
    text(found.verdict)
    card = found.scorecard
    chosen: list[int] = []
    for side, place in zip(_HEADS, [*st.columns(2), st.container()], strict=True):
        with place:
            chosen += _side(card[card["side"] == side], side)
    for row in chosen:
        _behind(found, card.loc[row], folder)
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
            "n": rows["n"],
            "held against": rows["threshold"],
            "pairs it would take": rows["pairs_needed"],
            "calls it would take": rows["calls_needed"],
            "note": rows["note"].fillna(""),
        }
    )
    whole = st.column_config.NumberColumn(format="localized")
    event = st.dataframe(
        shown, key=f"card-{side}", hide_index=True, on_select="rerun", selection_mode="single-row",
        column_config={name: whole for name in shown if name == "n" or "take" in name},
    )  # fmt: skip
    return [int(rows.index[k]) for k in event.selection.rows]


def _behind(found: JudgeAudit, row: pd.Series, folder: RunFolder) -> None:
    """Show the pairs that say most clearly what a measure says, and the texts of one."""
    cases = found.evidence_of(row["id"])
    st.subheader("Pairs behind it")
    note(f"{row['measure']} ({row['dimension']}): {row['word']}")
    if cases.empty:
        note("It is a measure of the calls, not of single pairs: Runs shows every call.")
        return
    few = cases.head(_SHOWN)
    told = f"The {len(few)} clearest of {len(cases):,} cases; score: P(the watched response wins)"
    table(few, f"behind-{row['id']}", told)
    pair = texts_of(dict.fromkeys(few["pair_id"]), folder.data, f"behind-pair-{row['id']}")
    samples = found.samples
    mine = samples[(samples["probe"] == row["id"]) & (samples["pair_id"] == pair)]
    for one in mine.to_dict("records"):
        st.caption("As it was changed")
        text(f"{one['variant']}\n\n{one['changed']}")


def _number(value: float) -> str:
    return "undefined" if pd.isna(value) else f"{value:.3f}"


def _ends(row: dict[str, float]) -> str:
    if pd.isna(row["conf_low"]):
        return ""
    return f"{row['conf_low']:.3f} to {row['conf_high']:.3f}"
