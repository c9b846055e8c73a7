"""Parts of the model audit page: the form, and the audits that are kept."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import streamlit as st
from parts.calls.model_names import place_of, told_of, untold
from parts.calls.model_results import shown
from parts.places import own, place_for, root, title_of

import workbench as wb
from workbench.audit.models.scored import score_models
from workbench.scoring.presets import LIKE, policy_like
from workbench.scoring.training.kept import FILE, read_scores


def kept() -> dict[str, Path]:
    """Return the audits that this visitor may see, by title, the newest first."""
    files = [file for folder in (own(), root()) for file in folder.glob("*/audit.json")]
    files.sort(key=lambda file: -file.stat().st_mtime)
    return {title_of(file.parent): file.parent for file in files}


def asked(data: wb.PreferenceData) -> Path | None:
    """Let the user name the models; score them where that was asked for, and return the folder."""
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
    with st.spinner("Looking the models up ..."), untold():
        named = [one.strip() for one in between.split(",") if one.strip()]
        scores = score_models(
            few, place_of(model), folder=place, progress=_scoring, beta=float(beta),
            reference=place_of(reference) if reference else None,
            adapter=place_of(adapter) if adapter else None,
            checkpoints=[place_of(one) for one in named],
            policy=policy_like(like if like in LIKE else None, mode),
        )  # fmt: skip
    replace(scores, notes=tuple(map(told_of, scores.notes))).save(place)
    return place


def _scoring(what: str) -> AbstractContextManager[None]:
    # the name of a model is a path here, and a spinner reads Markdown
    return st.spinner("Scoring under one model after another ...")


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
