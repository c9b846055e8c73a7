"""The tokens of labelled pairs, why a pair has none, and what there is to say of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.errors import ScoringError
from workbench.scoring.dialogues import Dialogue, dialogue_of
from workbench.scoring.layout import unreachable
from workbench.scoring.presets import assumed
from workbench.scoring.reading import cut_by_template, same_tokens
from workbench.scoring.template import Prompt, Response, control_token
from workbench.scoring.tokens import CONTROL, TokenPair, TokenPolicy, encode


@dataclass(frozen=True)
class Tokens:
    """Tokens of pairs.

    Attributes
    ----------
    found : dict of int to TokenPair
        By row.
    reasons : dict of int to str
        Why other rows have none.
    notes : list of str
        What was assumed, and how many pairs something is to be said of.
    """

    found: dict[int, TokenPair]
    reasons: dict[int, str]
    notes: list[str]


def tokens_of(model: Any, tokenizer: Any, pairs: pd.DataFrame, policy: TokenPolicy) -> Tokens:
    """Return the tokens of pairs by row, and why other rows have none.

    Parameters
    ----------
    model : transformers causal language model
    tokenizer : transformers tokenizer
    pairs : DataFrame
        As :func:`workbench.scoring.dialogues.with_messages` gives them.
    policy : TokenPolicy
    """
    found, reasons = dict[int, TokenPair](), dict[int, str]()
    told, texts = Counter[str](), list[tuple[Prompt, Response]]()
    for k, row in enumerate(pairs.to_dict("records")):
        if pd.notna(row["why"]):
            reasons[k] = row["why"]
            continue
        one = dialogue_of(row, policy)
        texts += [(one.prompt, one.chosen), (one.prompt, one.rejected)]
        try:
            pair = encode(tokenizer, one.prompt, one.chosen, one.rejected, policy)
        except ScoringError as error:
            reasons[k] = str(error).splitlines()[0]
            continue
        why = _unscored(model, tokenizer, one, pair, policy)
        if why is not None:
            reasons[k] = why
            continue
        found[k] = pair
        told.update({*one.remarks, *pair.remarks, *_control(tokenizer, one, policy)})
    lines = [f"{what}: {n:,} of {len(found):,} pairs" for what, n in told.items()]
    dropped = cut_by_template(tokenizer, texts, policy)
    return Tokens(found, reasons, [assumed(policy, tokenizer), *lines,
                                   *([] if dropped is None else [dropped])])  # fmt: skip


def _unscored(
    model: Any, tokenizer: Any, one: Dialogue, pair: TokenPair, policy: TokenPolicy
) -> str | None:
    if pair.sides[0] == pair.sides[1]:
        return same_tokens(tokenizer, one.prompt, one.chosen, one.rejected, policy)
    return next(filter(None, (unreachable(model, group) for group in pair.groups)), None)


def _control(tokenizer: Any, one: Dialogue, policy: TokenPolicy) -> list[str]:
    """Return the remark on control tokens that a raw text holds, as texts made elsewhere do."""
    if policy.mode != "raw":
        return []
    turns = [{"role": "user", "content": text} for text in (one.prompt, one.chosen, one.rejected)]
    return [] if control_token(tokenizer, turns) is None else [CONTROL]
