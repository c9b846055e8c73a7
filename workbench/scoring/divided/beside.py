"""What else an audit makes of a model while a worker holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from workbench.scoring.divided.loaded import Loaded
from workbench.scoring.gains import PROMPTS, NextTokens, next_tokens
from workbench.scoring.logprob import score_responses
from workbench.scoring.pairs import tokens_of
from workbench.scoring.policy import TokenPolicy
from workbench.scoring.template import Prompt, Response
from workbench.scoring.tokens import TokenPair

_OF_A_PROMPT, _MORE = 16, 4
"""Pairs of a prompt, and how many more prompts than are wanted: some may not be scored."""


@dataclass(frozen=True, eq=False)
class Unseen:
    """Some responses that no pair holds.

    Attributes
    ----------
    items : tuple of (pair_id, prompt, response)
    policy : TokenPolicy
    """

    items: tuple[tuple[str, Prompt, Response], ...]
    policy: TokenPolicy

    def __str__(self) -> str:
        return f"{len(self.items):,} responses of other data"

    def __call__(self, loaded: Loaded) -> pd.DataFrame:
        """Return log p of each."""
        return score_responses(loaded.model, loaded.tokenizer, self.items, self.policy)


def unseen_in_parts(
    items: Sequence[tuple[str, Prompt, Response]], policy: TokenPolicy, size: int = 1024
) -> list[Unseen]:
    """Return responses in parts of a size, in order.

    Parameters
    ----------
    items : sequence of (pair_id, prompt, response)
    policy : TokenPolicy
    size : int
    """
    return [Unseen(tuple(items[k : k + size]), policy) for k in range(0, len(items), size)]


@dataclass(frozen=True, eq=False)
class Ahead:
    """The first pairs of some prompts: what a model expects to come first.

    Attributes
    ----------
    rows : DataFrame
        As :func:`first_of_prompts` gives them.
    policy : TokenPolicy
    """

    rows: pd.DataFrame
    policy: TokenPolicy

    def __str__(self) -> str:
        return "the tokens that come first"

    def __call__(self, loaded: Loaded) -> NextTokens | None:
        """Return the probabilities of the tokens after each prompt; None without a prompt."""
        made = tokens_of(loaded.model, loaded.tokenizer, self.rows, self.policy).found
        return next_tokens(loaded.model, list(made.values())) if made else None


@dataclass(frozen=True, eq=False)
class OwnTokens:
    """The tokens of all pairs, to be held against those that a trainer saw.

    Attributes
    ----------
    rows : DataFrame
    policy : TokenPolicy
    """

    rows: pd.DataFrame
    policy: TokenPolicy

    def __str__(self) -> str:
        return "the tokens of the pairs"

    def __call__(self, loaded: Loaded) -> dict[str, TokenPair]:
        """Return the tokens by pair."""
        made = tokens_of(loaded.model, loaded.tokenizer, self.rows, self.policy).found
        ids = self.rows["pair_id"].tolist()
        return {str(ids[k]): one for k, one in made.items()}


def first_of_prompts(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the first pairs of as many prompts as :func:`workbench.scoring.gains` looks at.

    Parameters
    ----------
    pairs : DataFrame
        As :func:`workbench.scoring.dialogues.with_messages` gives them.
    """
    ready = pairs[pairs["why"].isna()]
    number = pd.factorize(ready["cluster"])[0]
    place = ready.groupby("cluster", sort=False).cumcount().to_numpy()
    return ready[(number < _MORE * PROMPTS) & (place < _OF_A_PROMPT)].reset_index(drop=True)
