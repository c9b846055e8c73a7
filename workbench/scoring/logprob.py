"""log p(y|x) of both responses of a pair, with the prompt computed once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.preferred import preferred
from workbench.errors import ScoringError
from workbench.scoring.dialogues import with_messages
from workbench.scoring.identity import identity
from workbench.scoring.layout import Group, unreachable
from workbench.scoring.pairs import tokens_of
from workbench.scoring.parts import Parts
from workbench.scoring.precision import single_precision
from workbench.scoring.template import Prompt, Response
from workbench.scoring.tokens import TokenPair, TokenPolicy, encode_one
from workbench.scoring.tree import (
    BUDGET,
    TOO_LARGE,
    alone,
    batches,
    halved,
    score_all,
    score_groups,
    shares_prompts,
)
from workbench.shard import Shard

_AUDITED = 64
_TOLERANCE = 0.05
"""Nats by which a margin may be off before something is wrong, in single precision."""

_TOLERANCE_HALF = 0.25
"""The same in half precision, for each square root of the number of tokens."""

OTHER_SHARD = "another process scores it"
"""Why a pair of another shard has no score yet."""


@dataclass(frozen=True, eq=False)
class PairScores:
    """Scores of pairs, with how they were made.

    Attributes
    ----------
    table : DataFrame
        ``pair_id, cluster, chosen, rejected`` (nats), ``n_chosen, n_rejected`` (tokens), ``ches,
        ln_ches`` and its baselines ``last_similarity`` (inner product of the last states) and
        ``edit_similarity`` (of the tokens), ``side`` (which response is chosen), ``votes``
        (weighted share for the chosen), ``reason`` where a pair has no score.
    noise : float
        Largest difference of a margin to plain scoring in single precision, nats: the tie band.
    settings : dict
        ``audited_in`` is half precision where single does not fit into the memory; ``layout``
        is how responses were laid out; ``notes`` is what else there is to say of the tokens.
    """

    table: pd.DataFrame
    noise: float
    settings: dict[str, Any]

    @property
    def scored(self) -> pd.DataFrame:
        """The pairs that have a score."""
        return self.table[self.table["reason"].isna()].drop(columns="reason")


def score_pairs(
    model: Any,
    tokenizer: Any,
    data: PreferenceData,
    annotators: Sequence[str] | None = None,
    *,
    policy: TokenPolicy | None = None,
    budget: int = BUDGET,
    audit: int = _AUDITED,
    per_token: bool = False,
    folder: Path | None = None,
    recast: bool = True,
    shard: Shard | None = None,
) -> PairScores:
    r"""Score the preferred and the other response of every labelled pair.

    Parameters
    ----------
    model : transformers causal language model
    tokenizer : transformers tokenizer
    data : PreferenceData
        With text; a pair that is a tie is counted, not scored.
    annotators : sequence of str, optional
        Whose majority says which response is the chosen one; that of people, or without
        people of everybody, when None.
    policy : TokenPolicy, optional
    budget : int
        Tokens of a batch; halved where the memory does not suffice.
    audit : int
        Pairs that are scored again: one sequence at a time, by the model's own logits, in
        single precision where the memory suffices.
    per_token : bool
        Also return the log-probability of every token: ``chosen_tokens, rejected_tokens``.
    folder : Path, optional
        Where scores are kept as they come: a killed run goes on from there.
    recast : bool
        Whether half-precision weights may be held in single precision for the audit; not those
        of a model in training (:func:`workbench.scoring.precision.single_precision`).
    shard : Shard, optional
        Of the pairs only those that it owns are scored; the others have the scores that are
        kept in the folder by then, or a reason. All of them when None.

    Returns
    -------
    PairScores

    Raises
    ------
    ScoringError
        No pair to score, or scores that are not those of plain scoring.
    ConfigError
        The folder holds scores of another model, data set or policy; of another tokenizer,
        template or configuration; or of another day that the template puts into the text.

    Notes
    -----
    What a prompt's responses, or several pairs' prompts, begin with in common is computed
    once: in one sequence, where positions count along each text and none sees another's own
    tokens (:func:`workbench.scoring.layout.laid_out`). Rows of similar length are batched;
    padding is never seen and never read. Logits are made for the positions that predict a
    response only, in single precision, with the soft cap, scale and bias that the model's
    head has; a sequence's sum is in double precision. An
    architecture that this does not suit, as tried on the shortest and the longest pair, is
    scored one sequence at a time (:func:`workbench.scoring.tree.shares_prompts`).

    ``ches`` is the centred hidden embedding similarity of Razin et al. (2024): with
    :math:`s^\pm` the sums of the last hidden states that predict each response,
    :math:`\langle s^+, s^- \rangle - \lVert s^+ \rVert^2`; ``ln_ches`` has both terms divided
    by the lengths.
    """
    import torch

    policy = policy or TokenPolicy()
    chosen = with_messages(data, preferred(data, annotators))
    made = tokens_of(model, tokenizer, chosen, policy)
    tokens, reasons = made.found, made.reasons
    if not tokens:
        raise ScoringError(
            "There is no pair to score.",
            found="; ".join(f"{n} pairs: {why}" for why, n in Counter(reasons.values()).items())
            or "no pair with a preference",
            expected="pairs with text and a preference that is no tie",
            fix="Check the labels and the token policy.",
        )
    model = model.eval()
    settings: dict[str, Any] = {
        "model": str(getattr(model.config, "name_or_path", "")), "weights": fingerprint(model),
        "policy": asdict(policy),
        "dtype": str(model.dtype), "dataset": data.digest, "per_token": per_token,
        **identity(model, tokenizer, policy),
    }  # fmt: skip
    ids = chosen["pair_id"].tolist()
    parts = None if folder is None else Parts(folder, settings, shard)
    kept = {} if parts is None else parts.read()
    values = {k: kept[ids[k]] for k in tokens if ids[k] in kept}
    mine = {k: one for k, one in tokens.items() if shard is None or shard.owns(ids[k])}
    waiting = {k: one for k, one in mine.items() if k not in values}
    with single_precision(model, recast) as exact, torch.inference_mode():
        shared = shares_prompts(model, [k for one in tokens.values() for k in one.groups], exact)
        plain = _plain_margins(model, mine, audit)
        audited_in = str(model.dtype)
    with torch.inference_mode():
        # of all pairs, those that are kept too: a run that goes on has the batches that it had
        for every in batches(model, {k: one.group for k, one in mine.items()}, budget):
            batch = [k for k in every if k in waiting]
            if not batch:
                continue
            found = halved(lambda some: _score(model, waiting, some, shared, per_token), batch)
            values |= found
            if parts is not None and found:
                parts.add({ids[k]: one for k, one in found.items()})
    noise = _noise(model, values, plain)
    rows = [
        {"pair_id": row["pair_id"], "cluster": row["cluster"], "votes": row["votes"],
         "side": row["side"],
         "scenario": row["scenario"],
         "reason": reasons.get(k) or (_broken(values.get(k)) if k in mine or k in values
                                      else OTHER_SHARD),
         **values.get(k, {})}
        for k, row in enumerate(chosen.to_dict("records"))
    ]  # fmt: skip
    settings |= {
        "budget": budget, "device": str(model.device), "audited": len(plain),
        "audited_in": audited_in,
        "layout": "shared prompt" if shared else "one sequence at a time",
        "notes": made.notes,
    }  # fmt: skip
    return PairScores(pd.DataFrame(rows), noise, settings)


def token_pairs(
    model: Any,
    tokenizer: Any,
    data: PreferenceData,
    annotators: Sequence[str] | None = None,
    policy: TokenPolicy | None = None,
) -> list[TokenPair]:
    """Return the tokens of the pairs that can be scored, in the order of the data.

    Parameters
    ----------
    model : transformers causal language model
    tokenizer : transformers tokenizer
    data : PreferenceData
    annotators : sequence of str, optional
    policy : TokenPolicy, optional
    """
    chosen = with_messages(data, preferred(data, annotators))
    return list(tokens_of(model, tokenizer, chosen, policy or TokenPolicy()).found.values())


def score_responses(
    model: Any,
    tokenizer: Any,
    items: Sequence[tuple[str, Prompt, Response]],
    policy: TokenPolicy | None = None,
    budget: int = BUDGET,
    recast: bool = True,
) -> pd.DataFrame:
    """Return log p of responses, one by one.

    Parameters
    ----------
    model : transformers causal language model
    tokenizer : transformers tokenizer
    items : sequence of (pair_id, prompt, response)
    policy : TokenPolicy, optional
    budget : int
    recast : bool
        As for :func:`score_pairs`.

    Returns
    -------
    DataFrame
        ``pair_id, logprob`` (nats), ``n``, ``reason`` where there is none.
    """
    policy, groups, reasons = policy or TokenPolicy(), dict[int, Group](), dict[int, str | None]()
    for k, (_, prompt, response) in enumerate(items):
        try:
            group = Group(*encode_one(tokenizer, prompt, response, policy))
        except ScoringError as error:
            reasons[k] = error.what
            continue
        reasons[k] = unreachable(model, group)
        if reasons[k] is None:
            groups[k] = group
    found = {k: one[0] for k, one in score_all(model, groups, budget, recast).items()}
    reasons |= dict.fromkeys(groups.keys() - found.keys(), TOO_LARGE)
    rows = [
        {"pair_id": name, "logprob": found[k].total if k in found else np.nan,
         "n": len(found[k].tokens) if k in found else 0, "reason": reasons[k]}
        for k, (name, _, _) in enumerate(items)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def fingerprint(model: Any) -> str:
    """Return a digest of a model's weights: a path may hold others after another training.

    Parameters
    ----------
    model : transformers causal language model

    Notes
    -----
    Of names, shapes and sums of the values and of their squares in double precision, so
    that large models are read once and not copied.
    """
    state = hashlib.blake2b(digest_size=16)
    for name, values in sorted(model.state_dict().items()):
        wide = values.detach().double()
        sums = (float(wide.sum()), float((wide * wide).sum()))
        state.update(f"{name} {tuple(values.shape)} {values.dtype} {sums!r}".encode())
    return state.hexdigest()


Values = dict[int, dict[str, Any]]


def _score(
    model: Any, pairs: dict[int, TokenPair], names: list[int], shared: bool, per_token: bool
) -> Values:
    found: Values = {}
    groups = [group for name in names for group in pairs[name].groups]
    sides = iter([one for both in score_groups(model, groups, shared) for one in both])
    for name in names:
        plus, minus = next(sides), next(sides)
        n, m = len(plus.tokens), len(minus.tokens)
        cross, own = float(plus.states @ minus.states), float(plus.states @ plus.states)
        found[name] = {
            "chosen": plus.total, "n_chosen": float(n),
            "rejected": minus.total, "n_rejected": float(m),
            "ches": cross - own, "ln_ches": cross / (n * m) - own / n**2,
            "last_similarity": float(plus.last @ minus.last),
            "edit_similarity": edit_similarity(pairs[name].chosen, pairs[name].rejected),
        }  # fmt: skip
        if per_token:
            found[name] |= {"chosen_tokens": plus.tokens.tolist(),
                            "rejected_tokens": minus.tokens.tolist()}  # fmt: skip
    return found


def edit_similarity(one: Sequence[int], other: Sequence[int]) -> float:
    """Return minus the edit distance of two token sequences over the longer one's length.

    Parameters
    ----------
    one, other : sequence of int

    Examples
    --------
    >>> edit_similarity([1, 2, 3], [1, 3])
    -0.3333333333333333
    """
    # a row of the table at a time; the insertions along it are a running minimum
    place = np.arange(len(other) + 1)
    row, second = place.copy(), np.asarray(other)
    for k, token in enumerate(one, start=1):
        step = np.minimum(row[1:] + 1, row[:-1] + (second != token))
        row = np.minimum.accumulate(np.concatenate([[k], step]) - place) + place
    return -float(row[-1]) / max(len(one), len(other))


def _plain_margins(model: Any, tokens: dict[int, TokenPair], most: int) -> dict[int, float]:
    """Return the margins of evenly spread pairs that fit, one sequence at a time."""

    def margin(which: list[int]) -> dict[int, float]:
        plus, minus = (alone(model, *side) for side in tokens[which[0]].sides)
        return {which[0]: plus.total - minus.total}

    rows = sorted(tokens)
    rows = rows[:: max(1, len(rows) // max(most, 1))][:most]
    return {k: value for row in rows for k, value in halved(margin, [row]).items()}


def _noise(model: Any, values: Values, plain: dict[int, float]) -> float:
    """Return the largest difference of a margin to plain scoring."""
    worst = 0.0
    for k in plain.keys() & values.keys():
        one = values[k]
        off, limit = abs(one["chosen"] - one["rejected"] - plain[k]), _TOLERANCE
        if str(model.dtype) != "torch.float32":
            limit = _TOLERANCE_HALF * (one["n_chosen"] + one["n_rejected"]) ** 0.5
        if off > limit:
            raise ScoringError(
                "Scores are not those of plain scoring.",
                found=f"a difference of {off:.3g} nats in a margin, {len(plain)} pairs audited",
                expected=f"at most {limit:.3g} with {model.dtype}",
                fix="Load the model in single precision, or report the architecture.",
            )
        worst = max(worst, off)
    return worst


def _broken(values: dict[str, Any] | None) -> str | None:
    """Return why a pair whose tokens are known has no score."""
    if values is None:
        return TOO_LARGE
    if all(np.isfinite(v) for v in values.values() if isinstance(v, float)):
        return None
    return "the model gave values that are not finite"
