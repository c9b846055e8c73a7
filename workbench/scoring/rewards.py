"""Rewards of responses under a model with a sequence classification head."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.errors import ScoringError
from workbench.scoring.dialogues import Known
from workbench.scoring.layout import context, text_config
from workbench.scoring.precision import single_precision
from workbench.scoring.reading import (
    cut_by_template,
    cut_line,
    head_tokens,
    reads_one_token,
    same_tokens,
    where_read,
)
from workbench.scoring.template import (
    Prompt,
    RefusedError,
    Response,
    asked_turns,
    control_token,
    said_turns,
)
from workbench.scoring.tokens import TokenPolicy
from workbench.scoring.tree import halved

_AUDITED = 64
"""Pairs whose margins are computed again in single precision."""


@dataclass(frozen=True)
class Reading:
    """What a head gets of pairs.

    Attributes
    ----------
    tokens, read_at : str
        In words: what text is tokenised, and at which token the head is read.
    left_out : dict of int to str
        Why a pair has no margin, by its place.
    notes : tuple of str
        What else there is to say.
    """

    tokens: str
    read_at: str
    left_out: dict[int, str]
    notes: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """All of it as text."""
        reasons = Counter(self.left_out.values()).items()
        return [
            f"tokens: {self.tokens}; read at {self.read_at}",
            *(f"left out: {n:,} pairs, {why}" for why, n in reasons),
            *self.notes,
        ]


class RewardHead:
    """A reward model as a function of (prompt, response) pairs.

    Parameters
    ----------
    model : transformers model for sequence classification
    tokenizer : transformers tokenizer
    policy : TokenPolicy, optional
        Chat template where the tokenizer has one, raw text else, when None.
    budget : int
        Tokens of a batch; halved where the memory does not suffice.

    Notes
    -----
    Only sequences of one length share a batch: there is no padding that a head could read
    a reward from, which side of the text it is on does not matter, and a batch changes no
    reward.
    """

    def __init__(
        self, model: Any, tokenizer: Any, policy: TokenPolicy | None = None, *, budget: int = 4096
    ) -> None:
        chat = bool(getattr(tokenizer, "chat_template", None))
        self.model, self.tokenizer, self.budget = model.eval(), tokenizer, budget
        self.policy = policy or TokenPolicy("chat" if chat else "raw")
        self.known = Known()

    def knowing(self, data: PreferenceData) -> RewardHead:
        """Return the same head, which finds the messages behind the texts of some data.

        Parameters
        ----------
        data : PreferenceData
        """
        found = copy(self)
        found.known = Known(data)
        return found

    def __call__(self, texts: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Return a reward each; NaN for what is longer than the model or the memory takes.

        Raises
        ------
        ScoringError
            The model has several heads: take :meth:`heads`.
        """
        found = self.heads(texts)
        if found.shape[1] != 1:
            raise ScoringError(
                "The model has several heads.",
                found=f"{found.shape[1]} numbers for a response",
                expected="one reward",
                fix="Take heads(), and weigh them.",
            )
        return found[:, 0]

    def heads(self, texts: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Return every head's value, shape (texts, heads)."""
        longest = context(self.model)
        by_length: dict[int, list[tuple[int, list[int]]]] = defaultdict(list)
        for k, (prompt, response) in enumerate(texts):
            ids, _ = self._tokens(prompt, response)
            if ids and (longest is None or len(ids) <= longest):
                by_length[len(ids)].append((k, ids))
        found = np.full((len(texts), int(self.model.config.num_labels)), np.nan)
        for length in sorted(by_length, reverse=True):
            some, size = by_length[length], max(1, self.budget // length)
            for start in range(0, len(some), size):
                part = some[start : start + size]
                found[[k for k, _ in part]] = self._batch([ids for _, ids in part])
        return found

    def tokens(self, prompt: str, response: str) -> list[int]:
        """Return the tokens that the head is given; none of a dialogue that it cannot take."""
        return self._tokens(prompt, response)[0]

    def reading(self, pairs: Sequence[tuple[str, str, str]]) -> Reading:
        """Return what the head gets of (prompt, chosen, rejected), and which pairs it cannot tell.

        Parameters
        ----------
        pairs : sequence of (prompt, chosen, rejected)
        """
        longest, left_out, some = context(self.model), dict[int, str](), list[list[int]]()
        texts: list[tuple[Prompt, Response]] = []
        for k, (prompt, chosen, rejected) in enumerate(pairs):
            (one, why), (other, also) = (self._tokens(prompt, k) for k in (chosen, rejected))
            given = [self.known.dialogue(prompt, k, self.policy) for k in (chosen, rejected)]
            texts += given
            if why or also:
                left_out[k] = str(why or also)
            elif one == other:
                (asked, a), (_, b) = given
                left_out[k] = same_tokens(self.tokenizer, asked, a, b, self.policy)
            elif longest is not None and max(len(one), len(other)) > longest:
                left_out[k] = f"longer than the {longest:,} tokens that the model takes"
            else:
                some += [one, other]
        cut = cut_by_template(self.tokenizer, texts, self.policy)
        at = where_read(self.model, self.tokenizer, some) if some else "none"
        return Reading(self._text(), at, left_out, (cut_line(cut, len(texts)),) if cut else ())

    def noise(self, pairs: Sequence[tuple[str, str, str]], margin: NDArray[np.float64]) -> float:
        """Return the largest difference of a margin to the same in single precision, alone.

        Parameters
        ----------
        pairs : sequence of (prompt, chosen, rejected)
        margin : ndarray, shape (pairs,)
            As the head gave it; up to 64 finite ones, evenly spread, are held against it.
        """
        known = np.flatnonzero(np.isfinite(margin))
        some = known[:: max(1, len(known) // _AUDITED)][:_AUDITED].tolist()
        worst = 0.0
        with single_precision(self.model):
            for k in some:
                prompt, *both = pairs[k]
                one, other = (self._batch([self.tokens(prompt, text)])[0, 0] for text in both)
                if np.isfinite(one - other):
                    worst = max(worst, float(abs(one - other - margin[k])))
        return worst

    def _tokens(self, prompt: str, response: str) -> tuple[list[int], str | None]:
        """Return the tokens of a text, or why there are none."""
        asked, said = self.known.dialogue(prompt, response, self.policy)
        if self.policy.mode == "chat":
            mark = control_token(self.tokenizer, [*asked_turns(asked), *said_turns(said)])
            if mark is not None:
                return [], f"the control token {mark!r} stands in a text"
        try:
            return head_tokens(self.model, self.tokenizer, asked, said, self.policy), None
        except RefusedError as error:
            return [], error.what

    def _text(self) -> str:
        if self.policy.mode == "chat":
            return "the whole text of the chat template"
        space = f" + {self.policy.separator!r}" if self.policy.separator else ""
        empty = list(self.tokenizer("")["input_ids"])
        added = f", with {self.tokenizer.decode(empty)!r} of the tokenizer" if empty else ""
        end = ""
        if reads_one_token(self.model) and self.tokenizer.eos_token:
            end = f" + {self.tokenizer.eos_token!r}"
        return f"prompt{space} + response{end}{added}"

    def _batch(self, ids: list[list[int]]) -> NDArray[np.float64]:
        import torch

        def score(some: list[int]) -> dict[int, Any]:
            with torch.inference_mode():
                tokens = torch.tensor([ids[k] for k in some], device=self.model.device)
                values = self._logits(tokens).double().cpu().numpy()
            return dict(zip(some, values, strict=True))

        found = halved(score, list(range(len(ids))))
        none = np.full(int(self.model.config.num_labels), np.nan)
        return np.stack([found.get(k, none) for k in range(len(ids))])

    def _logits(self, tokens: Any) -> Any:
        """Return the head's values at the token that the model itself reads, or of its pool."""
        import torch

        config = text_config(self.model)
        pad = config.pad_token_id
        try:
            if pad is None and len(tokens) > 1:
                # without padding the last token is read, which a batch has to be told
                config.pad_token_id = -1
            return self.model(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits
        finally:
            config.pad_token_id = pad
