"""From models to the scores that an audit is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.audit.models.gains import gains
from workbench.audit.models.seen import compared
from workbench.audit.models.trainer_notes import of_trl
from workbench.data.dataset import PreferenceData
from workbench.data.load import load
from workbench.data.preferred import preferred
from workbench.engine import Engine, Local
from workbench.errors import ConfigError
from workbench.scoring.dialogues import with_messages
from workbench.scoring.divided.beside import Ahead, OwnTokens, first_of_prompts, unseen_in_parts
from workbench.scoring.divided.loaded import Loaded, Loading
from workbench.scoring.divided.scores import score_parts
from workbench.scoring.gains import NextTokens
from workbench.scoring.identity import TODAY, differing_tokens
from workbench.scoring.models import load_tokenizer, require_one_vocabulary
from workbench.scoring.tokens import TokenPolicy
from workbench.scoring.training.kept import ModelScores
from workbench.scoring.training.unseen import other_responses

Named = tuple[str, str, str | None]
"""Name of a model in the audit, what to load, and the adapter that goes onto it."""


def score_models(
    data: PreferenceData,
    model: str,
    *,
    adapter: str | None = None,
    reference: str | None = None,
    checkpoints: Sequence[str] = (),
    unseen: str | None = None,
    annotators: Sequence[str] | None = None,
    policy: TokenPolicy | None = None,
    beta: float = 0.1,
    budget: int = 4096,
    folder: Path | None = None,
    seen: str | None = None,
    per_token: bool = False,
    progress: Callable[[str], AbstractContextManager[Any]] = nullcontext,
    engine: Engine | None = None,
) -> ModelScores:
    """Score every pair under a model, its reference and checkpoints, one after another.

    Parameters
    ----------
    data : PreferenceData
    model : str
        Folder or hub id of a causal language model.
    adapter : str, optional
        PEFT adapter that goes onto it.
    reference : str, optional
        The model that training began from.
    checkpoints : sequence of str
        Models or adapters between the two, in order.
    unseen : str, optional
        Data with other responses to the same prompts.
    annotators : sequence of str, optional
        Whose majority says which response is the chosen one.
    policy : TokenPolicy, optional
    beta : float
        Of the training's penalty.
    budget : int
        Tokens of a batch.
    folder : Path, optional
        Where scores are kept as they come; a killed run goes on from there.
    seen : str, optional
        What a trainer saved of the tokens that it saw, to be compared
        (:func:`workbench.audit.models.seen.compared`).
    per_token : bool
        Whether the log-probability of every token is kept
        (:func:`workbench.audit.models.likelihoods.along.along`).
    progress : callable
        Gets what is being done; returns a context.
    engine : Engine, optional
        Where parts of the pairs are scored, each worker with a model of its own; in this
        process when None. No score hangs on it.

    Raises
    ------
    ConfigError
        A model cannot be loaded, vocabularies differ, checkpoints have no reference,
        there is no unseen response, or the template's date changed on the way.
    ScoringError
        No pair can be scored.

    Notes
    -----
    Every model is scored on the same tokens: those of the trained model's own tokenizer and
    template, as a trainer gives them to policy and reference alike. Pairs are scored in parts
    (:func:`workbench.scoring.divided.scores.score_parts`): one that is finished in ``folder`` is
    not scored again.
    """
    policy, engine = policy or TokenPolicy(), engine or Local()
    names = _in_order(model, adapter, reference, checkpoints)
    tokenizer, day = load_tokenizer(model, adapter), ""
    notes = _on_other_tokens(names, tokenizer, policy)
    others = [] if unseen is None else other_responses(data, load(unseen), policy)
    pairs = with_messages(data, preferred(data, annotators))
    tables, extra, ahead, kinds, band = {}, {}, list[NextTokens](), None, 0.0
    for name, source, onto in names:
        loading = Loading(source, onto, (model, adapter), policy, data.digest, str(Path.cwd()),
                          per_token)  # fmt: skip
        beside: list[Callable[[Loaded], Any]] = [*unseen_in_parts(others, policy)]
        if reference is not None and name in ("reference", "model"):
            beside.append(Ahead(first_of_prompts(pairs), policy))
        if seen is not None and name == "model":
            # trainers cut a batch, not what they save
            beside.append(OwnTokens(pairs, replace(policy, max_length=None)))
        place = None if folder is None else folder / name.replace(" ", "-")
        with progress(f"Scoring under {source}"):
            found, made = score_parts(loading, pairs, engine, budget=budget, folder=place,
                                      beside=beside)  # fmt: skip
        tables[name], band = found.table, max(band, found.noise)
        day = _one_day(day, str(found.settings.get(TODAY, "")))
        notes += [one for one in found.settings["notes"] if one not in notes]
        if others:
            some = [one for one in made if isinstance(one, pd.DataFrame)]
            extra[name] = pd.concat(some, ignore_index=True)
        ahead += [one for one in made if isinstance(one, NextTokens)]
        kinds = next((one for one in made if isinstance(one, dict)), None)
    held = None
    if seen is not None and kinds is not None:
        told = compared(kinds, Path(seen), tokenizer).rename("kind")
        held = pairs.set_index("pair_id")[["cluster"]].join(told, how="inner")
        held = held.rename_axis("pair_id").reset_index()
    if policy.like == "trl":
        notes += of_trl(reference=reference is not None, adapter=adapter is not None)
    moved = None
    if ahead:
        moved = gains(ahead[0], ahead[-1], lambda k: tokenizer.decode([k])).to_frame()
    return ModelScores(tables, reference is not None, beta, band, extra, moved, tuple(notes),
                       seen=held, engine=engine.name)  # fmt: skip


def _on_other_tokens(names: Sequence[Named], tokenizer: Any, policy: TokenPolicy) -> list[str]:
    """Return a line for each model whose own tokens differ from those of the last."""
    notes = []
    for name, source, onto in names[:-1]:
        own = load_tokenizer(source, onto)
        require_one_vocabulary(own, tokenizer)
        why = differing_tokens(own, tokenizer, policy)
        if why is not None:
            _, model, adapter = names[-1]
            notes.append(f"{name}: {why}; it is scored on the tokens of {adapter or model}")
    return notes


def _one_day(before: str, now: str) -> str:
    if before not in ("", now):
        raise ConfigError(
            "The chat template gave another text while the models were scored.",
            found=f"{now[:200]!r}, after {before[:200]!r}",
            expected="the same tokens for every model; some templates put in the date",
            fix="Score all models again in a new folder, on one day.",
        )
    return now


def _in_order(
    model: str, adapter: str | None, reference: str | None, between: Sequence[str]
) -> list[Named]:
    if between and reference is None:
        raise ConfigError(
            "Checkpoints are held against the model that training began from.",
            expected="a reference beside the checkpoints (--reference NAME)",
            fix="Name the reference.",
        )
    found: list[Named] = [] if reference is None else [("reference", reference, None)]
    found += [(f"checkpoint {k}", one, None) for k, one in enumerate(between, start=1)]
    return [*found, ("model", model, adapter)]
