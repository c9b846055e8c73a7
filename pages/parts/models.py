"""Parts of the model audit page: the form, the verdicts, the pairs behind each number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from parts.judges import findings
from parts.places import own, place_for, root, title_of
from parts.ui import note, result, table, text, texts_of

import workbench as wb
from workbench.audit.models.displacement import Displacement
from workbench.audit.models.ranking import RankingAccuracy
from workbench.audit.models.whole import audit_scores
from workbench.results import Result
from workbench.scoring.presets import LIKE, policy_like
from workbench.scoring.training.kept import FILE, ModelScores, read_scores

Options = tuple[wb.PreferenceData, Path, dict[str, Any]]
_SHOWN = 25


def kept() -> dict[str, Path]:
    """Return the audits that this visitor may see, by title, the newest first."""
    files = [file for folder in (own(), root()) for file in folder.glob("*/audit.json")]
    files.sort(key=lambda file: -file.stat().st_mtime)
    return {title_of(file.parent): file.parent for file in files}


def asked(data: wb.PreferenceData) -> Options | None:
    """Let the user name the models; return what to score where that was asked for."""
    left, right = st.columns(2)
    model = left.text_input("Trained model: folder or hub id", key="m-model", max_chars=500)
    reference = right.text_input("Reference: what training began from", key="m-ref", max_chars=500)
    between = left.text_input("Checkpoints in between, by comma", key="m-between", max_chars=2000)
    adapter = right.text_input("PEFT adapter onto the model", key="m-adapter", max_chars=500)
    mode = left.selectbox("Text", ["raw", "chat"], key="m-mode")
    like = right.selectbox("Tokens as of", ["(own choices)", *LIKE], key="m-like")
    beta = right.number_input("Beta of the training", 0.001, 100.0, 0.1, key="m-beta")
    most = len(data.pairs)
    pairs = left.number_input("Pairs", 1, most, min(most, 200), key="m-pairs")
    if not st.button("Score and audit", key="m-start", type="primary", disabled=not model):
        return None
    parent, taken = place_for(data), kept().values()
    place = next(one for k in range(1, 1000) if (one := parent / f"model-audit-{k}") not in taken)
    few = data.filter(pair_ids=data.pairs["pair_id"].head(int(pairs)))
    arguments = {
        "model": model, "reference": reference or None, "adapter": adapter or None,
        "checkpoints": [one.strip() for one in between.split(",") if one.strip()],
        "policy": policy_like(like if like in LIKE else None, mode), "beta": float(beta),
    }  # fmt: skip
    return few, place, arguments


def followed(folder: Path, data: wb.PreferenceData) -> None:
    """Show an audit; of a training that goes on, again when it has come further."""
    seen = (folder / FILE).stat().st_mtime_ns
    scores = read_scores(folder)
    shown(scores, data)
    if scores.live:
        st.fragment(_awaited, run_every="5s")(folder / FILE, seen)


def _awaited(file: Path, seen: int) -> None:
    if file.stat().st_mtime_ns != seen:
        st.rerun()


def shown(scores: ModelScores, data: wb.PreferenceData) -> None:
    """Show verdicts, every result, and the pairs behind the numbers."""
    results = audit_scores(scores, data)
    if scores.reasons:
        text("\n".join(scores.reasons))
    findings([one for found in results for one in found.findings()], "model")
    for tab, found in zip(st.tabs([one.heading for one in results]), results, strict=True):
        with tab:
            text(found.summary())
            result(found, f"model-{found.heading}")
    _pairs(results, data)


def _pairs(results: list[Result], data: wb.PreferenceData) -> None:
    """Let the user look at the pairs that a number is made of."""
    lists = _lists(results)
    st.subheader("Pairs behind the numbers")
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
