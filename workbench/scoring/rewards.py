"""Rewards of responses under a model with a sequence classification head."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ScoringError
from workbench.scoring.layout import text_config
from workbench.scoring.tokens import TokenPolicy, sequence
from workbench.scoring.tree import halved


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
        longest = getattr(text_config(self.model), "max_position_embeddings", None)
        by_length: dict[int, list[tuple[int, list[int]]]] = defaultdict(list)
        for k, (prompt, response) in enumerate(texts):
            ids = sequence(self.tokenizer, prompt, response, self.policy)
            if ids and (longest is None or len(ids) <= longest):
                by_length[len(ids)].append((k, ids))
        found = np.full((len(texts), int(self.model.config.num_labels)), np.nan)
        for length in sorted(by_length, reverse=True):
            some, size = by_length[length], max(1, self.budget // length)
            for start in range(0, len(some), size):
                part = some[start : start + size]
                found[[k for k, _ in part]] = self._batch([ids for _, ids in part])
        return found

    def _batch(self, ids: list[list[int]]) -> NDArray[np.float64]:
        import torch

        def score(some: list[int]) -> dict[int, Any]:
            with torch.inference_mode():
                tokens = torch.tensor([ids[k] for k in some], device=self.model.device)
                # no token is padding, whatever its number
                values = self._logits(tokens).double().cpu().numpy()
            return dict(zip(some, values, strict=True))

        found = halved(score, list(range(len(ids))))
        none = np.full(int(self.model.config.num_labels), np.nan)
        return np.stack([found.get(k, none) for k in range(len(ids))])

    def _logits(self, tokens: Any) -> Any:
        """Return the head's values at the last token, or of the pooled text."""
        import torch

        config = text_config(self.model)
        pad = config.pad_token_id
        try:
            # a pad token in the text would move the place that a decoder's head reads
            config.pad_token_id = None if len(tokens) == 1 else -1
            return self.model(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits
        finally:
            config.pad_token_id = pad
