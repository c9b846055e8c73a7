"""log p(y|x) of both responses of a pair, with the prompt computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.preferred import preferred
from workbench.errors import ScoringError
from workbench.scoring.dialogues import with_messages
from workbench.scoring.identity import settings_of
from workbench.scoring.layout import Group, unreachable
from workbench.scoring.pairs import Tokens, edit_similarity, nothing_to_score, tokens_of
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
    policy = policy or TokenPolicy()
    chosen = with_messages(data, preferred(data, annotators))
    made = tokens_of(model, tokenizer, chosen, policy)
    if not made.found:
        raise nothing_to_score(made.reasons.values())
    settings = settings_of(model, tokenizer, data.digest, policy, per_token)
    parts = None if folder is None else Parts(folder, settings, shard)
    kept = {} if parts is None else parts.read()
    found = score_tokens(
        model, chosen, made, kept, parts, shard=shard, budget=budget, audit=audit,
        per_token=per_token, recast=recast,
    )  # fmt: skip
    return replace(found, settings=settings | found.settings)


def score_tokens(
    model: Any,
    chosen: pd.DataFrame,
    made: Tokens,
    kept: Mapping[str, Mapping[str, Any]],
    parts: Parts | None = None,
    *,
    shard: Shard | None = None,
    budget: int = BUDGET,
    audit: int = _AUDITED,
    per_token: bool = False,
    recast: bool = True,
) -> PairScores:
    """Score pairs whose tokens are known; see :func:`score_pairs`.

    Parameters
    ----------
    model : transformers causal language model
    chosen : DataFrame
        The pairs, as :func:`workbench.scoring.dialogues.with_messages` gives them.
    made : Tokens
        Of these rows.
    kept : mapping of str to mapping
        Scores that are there already, by pair.
    parts : Parts, optional
        Where scores are kept as they come.
    shard, budget, audit, per_token, recast
        As for :func:`score_pairs`.
    """
    import torch

    model, tokens = model.eval(), made.found
    ids = chosen["pair_id"].tolist()
    values = {k: dict(kept[ids[k]]) for k in tokens if ids[k] in kept}
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
    reasons = {
        ids[k]: made.reasons.get(k) or (_broken(values.get(k)) if k in mine or k in values
                                        else OTHER_SHARD)
        for k in range(len(ids))
    }  # fmt: skip
    settings = {
        "budget": budget, "device": str(model.device), "audited": len(plain),
        "audited_in": audited_in,
        "layout": "shared prompt" if shared else "one sequence at a time",
        "notes": made.notes,
    }  # fmt: skip
    table = score_table(chosen, {ids[k]: one for k, one in values.items()}, reasons)
    return PairScores(table, noise, settings)


def score_table(
    chosen: pd.DataFrame,
    values: Mapping[str, Mapping[str, Any]],
    reasons: Mapping[str, str | None],
) -> pd.DataFrame:
    """Return the table of scores, a row a pair, in the order of the pairs.

    Parameters
    ----------
    chosen : DataFrame
        The pairs.
    values : mapping of str to mapping
        Scores by pair.
    reasons : mapping of str to str or None
        By pair: why it has no score.
    """
    about = chosen[["pair_id", "cluster", "votes", "side", "scenario"]].to_dict("records")
    rows = [
        {**row, "reason": reasons.get(row["pair_id"]), **values.get(row["pair_id"], {})}
        for row in about
    ]
    return pd.DataFrame(rows)


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
