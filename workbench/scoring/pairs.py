"""The tokens of labelled pairs, why a pair has none, and what there is to say of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import ScoringError
from workbench.scoring.dialogues import Dialogue, dialogue_of
from workbench.scoring.layout import unreachable
from workbench.scoring.presets import assumed
from workbench.scoring.reading import cut_by_template, cut_line, same_tokens
from workbench.scoring.template import Prompt, Response, control_token
from workbench.scoring.tokens import CONTROL, TokenPair, TokenPolicy, encode


@dataclass(frozen=True)
class Said:
    """What there is to say of the tokens of pairs; that of several parts is added up.

    Attributes
    ----------
    assumed : str
        The choices of the policy.
    pairs, responses : int
        Pairs that have tokens, and responses that were looked at.
    remarks : dict of str to int
        Of how many pairs each is to be said.
    cut : int
        Responses that the chat template cuts.

    Examples
    --------
    >>> one = Said("tokens assumed: raw", 2, 4, {"closed": 1})
    >>> (one + one).lines
    ['tokens assumed: raw', 'closed: 2 of 4 pairs']
    """

    assumed: str
    pairs: int
    responses: int
    remarks: dict[str, int]
    cut: int = 0

    def __add__(self, other: Said) -> Said:
        remarks = Counter(self.remarks)
        remarks.update(other.remarks)
        pairs, responses = self.pairs + other.pairs, self.responses + other.responses
        return Said(self.assumed, pairs, responses, dict(remarks), self.cut + other.cut)

    @property
    def lines(self) -> list[str]:
        """The choices, and a line for each remark."""
        told = [f"{what}: {n:,} of {self.pairs:,} pairs" for what, n in self.remarks.items()]
        cut = [cut_line(self.cut, self.responses)] if self.cut else []
        return [self.assumed, *told, *cut]


@dataclass(frozen=True)
class Tokens:
    """Tokens of pairs.

    Attributes
    ----------
    found : dict of int to TokenPair
        By row.
    reasons : dict of int to str
        Why other rows have none.
    said : Said
    """

    found: dict[int, TokenPair]
    reasons: dict[int, str]
    said: Said

    @property
    def notes(self) -> list[str]:
        """What was assumed, and how many pairs something is to be said of."""
        return self.said.lines


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
    cut = cut_by_template(tokenizer, texts, policy)
    said = Said(assumed(policy, tokenizer), len(found), len(texts), dict(told), cut)
    return Tokens(found, reasons, said)


def nothing_to_score(reasons: Iterable[str]) -> ScoringError:
    """Return the error that no pair has tokens."""
    return ScoringError(
        "There is no pair to score.",
        found="; ".join(f"{n} pairs: {why}" for why, n in Counter(reasons).items())
        or "no pair with a preference",
        expected="pairs with text and a preference that is no tie",
        fix="Check the labels and the token policy.",
    )


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
