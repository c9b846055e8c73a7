"""What an audit of a model found: the verdict, then all details, then the pairs."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from parts.judges import findings
from parts.ui import note, result, table, text, texts_of

import workbench as wb
from workbench.audit.models.displacement import Displacement
from workbench.audit.models.ranking import RankingAccuracy
from workbench.audit.models.verdict import NOT_ASKED, verdict
from workbench.audit.models.whole import audit_scores
from workbench.results import Result
from workbench.scoring.training.kept import ModelScores

_SHOWN = 25
_SIGNS = {True: "✓", False: "✗"}


def shown(scores: ModelScores, data: wb.PreferenceData) -> None:
    """Show the verdict, and folded every result and the pairs behind the numbers."""
    results = audit_scores(scores, data)
    _verdict(results)
    if scores.reasons:
        text("\n".join(scores.reasons))
    with st.expander("Details: every measure, findings, figures", icon=":material/lab_profile:"):
        findings([one for found in results for one in found.findings()], "model")
        for tab, found in zip(st.tabs([one.heading for one in results]), results, strict=True):
            with tab:
                text(found.summary())
                result(found, f"model-{found.heading}")
    with st.expander("Pairs behind the numbers", icon=":material/quick_reference:"):
        _pairs(results, data)


def _verdict(results: list[Result]) -> None:
    """Show one line a question, with the number that answers it."""
    rows = verdict(results)
    level = results[0].settings["level"]
    answers = [f"{_SIGNS.get(sound, '?')} {word}" if word != NOT_ASKED else f"– {word}"
               for sound, word in zip(rows["sound"], rows["word"], strict=True)]  # fmt: skip
    ends = [f"{low:.3f} to {high:.3f}" if pd.notna(low) else ""
            for low, high in zip(rows["conf_low"], rows["conf_high"], strict=True)]  # fmt: skip
    st.subheader("Verdict")
    table(
        pd.DataFrame({"question": rows["question"], "answer": answers,
                      "number": rows["estimate"].round(3), f"{level:.0%} interval": ends,
                      "n": rows["n"], "held against": rows["threshold"],
                      "what the number is": rows["measure"], "note": rows["note"].fillna("")}),
        "model-verdict", "A question is answered where the whole interval lies on one side",
    )  # fmt: skip


def _pairs(results: list[Result], data: wb.PreferenceData) -> None:
    """Let the user look at the pairs that a number is made of."""
    lists = _lists(results)
    name = st.selectbox("Which", list(lists), key="m-which")
    rows = lists[name].head(_SHOWN)
    table(rows, "m-behind", f"{name}: {len(lists[name]):,} pairs, the first {len(rows)}")
    if texts_of(rows["pair_id"], data, "m-pair") is None:
        note("The texts of these pairs are not in the open data set.")


def _lists(results: list[Result]) -> dict[str, pd.DataFrame]:
    found: dict[str, pd.DataFrame] = {}
    for one in results:
        if isinstance(one, RankingAccuracy):
            found["ranked wrongly, the clearest first"] = one.pairs[
                one.pairs["ranked"] == 0
            ].sort_values("margin", kind="stable")
            if "c" in one.pairs:
                found["never learnt: wrong even at a loss of 0.3"] = one.never_learnt
        if isinstance(one, Displacement):
            order = one.pairs.sort_values("chosen_change", kind="stable")
            found["chosen response fell most"] = order
            found["kept by filtering"] = order[order["pair_id"].isin(one.to_keep)]
    return found
