"""Language models as reward models: density ratios of two models, likelihoods of follow-ups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import DesignError, ScoringError
from workbench.judges.reward import RewardJudge
from workbench.scoring.dialogues import dialogue_of_pair
from workbench.scoring.layout import Group, unreachable
from workbench.scoring.models import require_one_vocabulary
from workbench.scoring.tokens import TokenPolicy, encode_all, split_at
from workbench.scoring.tree import score_all

Both = tuple[NDArray[np.float64], NDArray[np.float64]]

LIKED = (
    "Thank you, that answers my question.",
    "That is right, and just what I asked for.",
    "This is clear and helps me a lot.",
    "You understood me well.",
    "That is interesting, please go on.",
)
DISLIKED = (
    "That does not answer my question.",
    "That is wrong.",
    "I do not understand what you mean.",
    "You did not understand me.",
    "That says nothing new, and bores me.",
)
"""What a user says next who is content, and one who is not; in our own words."""


class DensityRatioJudge(RewardJudge):
    r"""Prefers what one model finds more likely than another does.

    .. math:: r(x, y) = \beta \, (\log \pi_1(y|x) - \log \pi_2(y|x))

    A policy against the model that its training began from: DPO's implicit reward. A
    strong, aligned model against a weak one, with beta 1: the contrastive density ratio.

    Parameters
    ----------
    model, other : transformers causal language models
        Of one tokenizer.
    tokenizer : transformers tokenizer
    name : str
    other_tokenizer : transformers tokenizer, optional
        Of the other model: it is refused where it does not give the same tokens.
    beta : float
    soft : bool
        The preference is :math:`\sigma(r_A - r_B)`.
    policy : TokenPolicy, optional

    Raises
    ------
    ConfigError
        The tokenizers differ.

    Notes
    -----
    Rafailov et al. (2023); Xu et al. (2024), "Dr. SoW". A pair whose tokens cannot be told
    from those of its prompt, or that is longer than a context, has no verdict.
    """

    def __init__(
        self,
        model: Any,
        other: Any,
        tokenizer: Any,
        name: str,
        *,
        other_tokenizer: Any = None,
        beta: float = 1.0,
        soft: bool = False,
        policy: TokenPolicy | None = None,
    ) -> None:
        # both sides of a pair share its prompt: rewards() scores them together
        super().__init__(lambda batch: [np.nan] * len(batch), name, soft=soft)
        if other_tokenizer is not None:
            require_one_vocabulary(tokenizer, other_tokenizer)
        self.models, self.tokenizer, self.beta = (model.eval(), other.eval()), tokenizer, beta
        self.policy = policy or TokenPolicy()

    def settings(self) -> dict[str, Any]:
        """Return what made the verdicts, as plain JSON values."""
        return {"judge": "density ratio", "name": self.name, "beta": self.beta, "soft": self.soft,
                "policy": vars(self.policy)}  # fmt: skip

    def rewards(self, pairs: pd.DataFrame) -> Both:
        """Return the scaled log-ratios of responses A and B; both sides in one pass."""
        found, groups = np.full((len(pairs), 2), np.nan), dict[int, Group]()
        for k, row in enumerate(pairs.to_dict("records")):
            one = dialogue_of_pair(row, self.policy)
            both = (one.chosen, one.rejected)
            try:
                group = Group(*encode_all(self.tokenizer, one.prompt, both, self.policy))
            except ScoringError:
                continue
            if not any(unreachable(model, group) for model in self.models):
                groups[k] = group
        strong, weak = (score_all(model, groups) for model in self.models)
        for k in strong.keys() & weak.keys():
            found[k] = [
                self.beta * (x.total - y.total) for x, y in zip(strong[k], weak[k], strict=True)
            ]
        return found[:, 0], found[:, 1]


class FollowUpJudge(RewardJudge):
    r"""Prefers the response after which a content user is the likelier one.

    .. math:: r(x, y) = \operatorname{mean}_{f \in F^+} \log p(f | x, y)
              - \operatorname{mean}_{f \in F^-} \log p(f | x, y)

    Parameters
    ----------
    model : transformers causal language model
    tokenizer : transformers tokenizer
    name : str
    liked, disliked : sequence of str
        What the user says next; in turn by turn form where the policy is a chat.
    policy : TokenPolicy, optional

    Raises
    ------
    DesignError
        No follow-up of a kind.

    Notes
    -----
    Zhang et al. (2024), follow-up likelihood as reward. These are log-likelihoods; the
    released code averages raw logits at one place. The conversation is computed once for
    all follow-ups to it.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        name: str,
        *,
        liked: Sequence[str] = LIKED,
        disliked: Sequence[str] = DISLIKED,
        policy: TokenPolicy | None = None,
    ) -> None:
        super().__init__(self._each, name)
        if not liked or not disliked:
            raise DesignError(
                "There is nothing to compare.",
                found=f"{len(liked)} follow-ups of content users, {len(disliked)} of others",
                expected="at least one of each",
                fix="Give both.",
            )
        self.model, self.tokenizer = model.eval(), tokenizer
        self.liked, self.disliked = tuple(liked), tuple(disliked)
        # what one says next is another text, and no end of all texts
        self.policy = policy or TokenPolicy(separator=" ", eos=False)

    def settings(self) -> dict[str, Any]:
        """Return what made the verdicts, as plain JSON values."""
        return {"judge": "follow-up likelihood", "name": self.name, "liked": list(self.liked),
                "disliked": list(self.disliked), "policy": vars(self.policy)}  # fmt: skip

    def _each(self, texts: Sequence[tuple[str, str]]) -> list[float]:
        groups: dict[int, Group] = {}
        for k, (prompt, response) in enumerate(texts):
            try:
                group = self._group(prompt, response)
            except ScoringError:
                continue
            if unreachable(self.model, group) is None:
                groups[k] = group
        rewards = [float("nan")] * len(texts)
        for k, responses in score_all(self.model, groups).items():
            total = np.array([one.total for one in responses])
            plus = len(self.liked)
            rewards[k] = float(total[:plus].mean() - total[plus:].mean())
        return rewards

    def _group(self, prompt: str, response: str) -> Group:
        """Return the conversation, and every follow-up to it."""
        said = (*self.liked, *self.disliked)
        if self.policy.mode == "raw":
            before_it = f"{prompt}{self.policy.separator}{response}"
            return Group(*encode_all(self.tokenizer, before_it, said, self.policy))
        turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
        whole = [
            self.tokenizer.apply_chat_template(
                [*turns, {"role": "user", "content": one}], tokenize=False
            )
            for one in said
        ]
        # where the last turn's own words begin, in characters and then in tokens
        before = [text.rindex(one) for text, one in zip(whole, said, strict=True)]
        texts = [text[: at + len(one)] for text, at, one in zip(whole, before, said, strict=True)]
        start = self._tokens(whole[0][: before[0]])
        return Group(
            *split_at(self.tokenizer, start, [*map(self._tokens, texts)], self.policy.back_off)
        )

    def _tokens(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
