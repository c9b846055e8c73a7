"""An audit while training runs: at each evaluation, into the folder that the dashboard reads."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from workbench.data.dataset import PreferenceData
from workbench.data.preferred import preferred
from workbench.data.store import save
from workbench.errors import ConfigError, DataError, WorkbenchError
from workbench.scoring.identity import identity
from workbench.scoring.logprob import score_pairs, score_responses
from workbench.scoring.parts import of_one_run
from workbench.scoring.tokens import TokenPolicy
from workbench.scoring.training.in_training import as_saved, refuse_shards
from workbench.scoring.training.kept import FILE, ModelScores, read_scores
from workbench.scoring.training.unseen import other_responses
from workbench.scoring.tree import BUDGET

try:
    from transformers import TrainerCallback
except ImportError:  # without the extra there is no trainer to call it either
    TrainerCallback = object

PAIRS = 64
"""Pairs that are scored at each evaluation."""

_AUDITED = 4
"""Of those, pairs that are scored again one sequence at a time, for the tie band."""

_STEP = "step "
_START = "reference"
_UNSCORED = " is not scored: "


class AuditCallback(TrainerCallback):  # type: ignore[misc]
    """Audit a model at the start of its training and at each evaluation.

    Parameters
    ----------
    data : PreferenceData
        Pairs with text and labels, best of prompts that training does not see.
    folder : Path or str
        The run folder: what ``workbench audit-model --checkpoints --out`` keeps, so that the
        dashboard's page *Model audit* (where it lies in the folder of runs) and ``workbench
        audit-model --scores`` show the training as far as it has come. ``data`` in it holds
        the pairs that are scored.
    annotators : sequence of str, optional
        Whose majority says which response is the chosen one.
    policy : TokenPolicy, optional
        How texts become tokens; raw text when None.
    beta : float, optional
        Of the training's penalty; what the trainer's own arguments say when None, or 0.1.
    pairs : int or None
        How many pairs are scored: the bound of what the audit costs. Those of the first
        identifiers, which are digests: a choice that does not change, and that looks at
        nothing. All of them when None.
    unseen : PreferenceData, optional
        Other responses to the same prompts, which no training sees.
    budget : int
        Tokens of a batch.

    Raises
    ------
    ConfigError
        No pair has a preference, no prompt has an unseen response; at the start of training:
        the folder holds another training, the model lies in shards, or the trainer has no
        tokenizer.

    Notes
    -----
    The start of the training is the reference. Every evaluation gives log p of chosen, rejected
    and unseen responses, and CHES; rankings, displacement and calibration are made of them when
    the folder is read, which costs the training nothing. The model is scored as its checkpoint
    would be: in evaluation, without dropout and mixed precision, and its weights are not
    touched. Only the first process scores and writes; others wait for it at their next step.

    An evaluation that cannot be scored or written is told and does not end the training.
    Training that goes on from a checkpoint goes on in its folder; evaluations past that
    checkpoint are made again.

    Examples
    --------
    >>> import workbench as wb
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     live = AuditCallback(wb.load("sample"), place, pairs=16)
    >>> len(live.data.pairs)
    16

    Then ``trl.DPOTrainer(..., callbacks=[live])``.
    """

    def __init__(
        self,
        data: PreferenceData,
        folder: Path | str,
        annotators: Sequence[str] | None = None,
        *,
        policy: TokenPolicy | None = None,
        beta: float | None = None,
        pairs: int | None = PAIRS,
        unseen: PreferenceData | None = None,
        budget: int = BUDGET,
    ) -> None:
        self.data = _first(data, annotators, pairs)
        self.folder, self.annotators = Path(folder), annotators
        self.policy, self.beta, self.budget = policy or TokenPolicy(), beta, budget
        self.unseen = [] if unseen is None else other_responses(self.data, unseen, self.policy)
        self.scores = ModelScores({}, True, 0.1, 0.0)
        self._runs, self._begun, self._spent = False, 0.0, 0.0
        self._failed: list[str] = []

    def on_train_begin(
        self, args: Any, state: Any, control: Any, *, model: Any, processing_class: Any, **_: Any
    ) -> None:
        """Score the model that training begins from, or find what the folder has of it."""
        refuse_shards(model)
        if not state.is_world_process_zero:
            return
        self._runs, self._begun, self._spent = True, perf_counter(), 0.0
        beta = self.beta if self.beta is not None else float(getattr(args, "beta", 0.1))
        kept = self._kept(state.global_step)
        with as_saved(model) as plain:
            tokenizer = _tokenizer(processing_class)
            of_one_run(self.folder, self._settings(plain, tokenizer, beta))
            if not (self.folder / "data").exists():
                save(self.data, self.folder / "data")
            self.scores = kept or ModelScores({}, True, beta, 0.0)
            if kept is None:
                self._score(plain, tokenizer, _START)
        self._keep(state)

    def on_evaluate(
        self, args: Any, state: Any, control: Any, *, model: Any, processing_class: Any, **_: Any
    ) -> None:
        """Score the model as it is now."""
        name = f"{_STEP}{state.global_step}"
        # evaluations outside a training, before its first step, and of further sets add nothing
        if not self._runs or state.global_step == 0 or name in self.scores.tables:
            return
        try:
            with as_saved(model) as plain:
                self._score(plain, _tokenizer(processing_class), name)
        except WorkbenchError as error:
            self._failed.append(f"{name}{_UNSCORED}{' '.join(str(error).split())}")
            warnings.warn(self._failed[-1], stacklevel=2)
        self._kept_or_told(state)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say that the training is over."""
        if self._runs:
            self._kept_or_told(state, ended=True)
            self._runs = False

    def _settings(self, model: Any, tokenizer: Any, beta: float) -> dict[str, Any]:
        asked = json.dumps(self.unseen).encode()
        return {
            "what": "audit while training", "dataset": self.data.digest, "beta": beta,
            "unseen": hashlib.blake2b(asked, digest_size=16).hexdigest(),
            "policy": asdict(self.policy), "annotators": sorted(self.annotators or ()),
            **identity(model, tokenizer, self.policy),
        }  # fmt: skip

    def _kept(self, step: int) -> ModelScores | None:
        """Return what the folder holds of this training up to a step; None where it begins."""
        there = (self.folder / FILE).is_file()
        found = read_scores(self.folder) if there else None
        steps = [] if found is None else [_step(name) for name in found.tables]
        if found is not None and (steps[:1] != [0] or -1 in steps or (step == 0 and steps[1:])):
            raise ConfigError(
                "The folder holds another audit.",
                where=str(self.folder),
                found=", ".join(found.tables),
                expected=f"a new folder, or a training that goes on; this one is at step {step}",
                fix="Name another folder, or resume the training from a checkpoint.",
            )
        if step == 0:
            return None
        if found is None:
            raise ConfigError(
                "The start of this training was not scored.",
                where=str(self.folder),
                found=f"a training that goes on at step {step}, and no audit in the folder",
                expected="the folder in which its audit began",
                fix="Name it; or audit saved checkpoints: workbench audit-model --checkpoints.",
            )
        self._failed = [one for one in found.notes if _UNSCORED in one]
        names = [name for name, at in zip(found.tables, steps, strict=True) if at <= step]
        return replace(
            found,
            tables={name: found.tables[name] for name in names},
            unseen={name: one for name, one in found.unseen.items() if name in names},
            notes=(),
        )

    def _score(self, model: Any, tokenizer: Any, name: str) -> None:
        start = perf_counter()
        found = score_pairs(model, tokenizer, self.data, self.annotators, policy=self.policy,
                            budget=self.budget, audit=_AUDITED, recast=False)  # fmt: skip
        others = dict(self.scores.unseen)
        if self.unseen:
            others[name] = score_responses(model, tokenizer, self.unseen, self.policy, self.budget,
                                           recast=False)  # fmt: skip
        self.scores = replace(
            self.scores,
            tables={**self.scores.tables, name: found.table},
            unseen=others,
            band=max(self.scores.band, found.noise),
            notes=tuple(found.settings["notes"]),
        )
        self._spent += perf_counter() - start

    def _kept_or_told(self, state: Any, ended: bool = False) -> None:
        # the next evaluation writes everything again
        try:
            self._keep(state, ended)
        except (WorkbenchError, OSError) as error:
            told = " ".join(str(error).split())
            warnings.warn(f"The audit of the training is not written: {told}", stacklevel=3)

    def _keep(self, state: Any, ended: bool = False) -> None:
        """Write everything that is known, and what it cost."""
        start = perf_counter()
        whole = start - self._begun
        where = f"step {state.global_step:,} of {state.max_steps:,}"
        told = (
            f"training ended at {where}" if ended else f"training goes on: {where}",
            f"scoring {len(self.data.pairs):,} pairs took {self._spent:.1f} s, "
            f"{self._spent / whole:.1%} of the time since training began",
        )
        notes = (*self.scores.notes, *self._failed, *told)
        replace(self.scores, notes=notes, live=not ended).save(self.folder)
        self._spent += perf_counter() - start


def _first(
    data: PreferenceData, annotators: Sequence[str] | None, most: int | None
) -> PreferenceData:
    table = preferred(data, annotators)
    known = sorted(table.loc[table["why"].isna(), "pair_id"])
    if not known:
        raise DataError(
            "There is no pair to score.",
            found=f"{len(table):,} pairs, none with text and a preference that is no tie",
            expected="at least one",
            fix="Check the labels, and whom they are taken from.",
        )
    return data.filter(pair_ids=known[:most])


def _step(name: str) -> int:
    """Return the step that a table is of: 0 the start, -1 none of a training."""
    at = name.removeprefix(_STEP)
    return 0 if name == _START else int(at) if name != at and at.isdecimal() else -1


def _tokenizer(processing: Any) -> Any:
    if processing is None:
        raise ConfigError(
            "The trainer has no tokenizer.",
            expected="the tokenizer that the model is trained with",
            fix="Pass it to the trainer: processing_class=tokenizer.",
        )
    return getattr(processing, "tokenizer", processing)
