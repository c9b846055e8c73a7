"""Which tokens gain where a response is pushed up and another down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.scoring.tokens import TokenPair
from workbench.scoring.tree import own_output

PROMPTS = 64
"""Prompts that are looked at, at most."""


@dataclass(frozen=True, eq=False)
class NextTokens:
    """What a model expects to come first in a response.

    Attributes
    ----------
    probabilities : ndarray, shape (prompts, vocabulary)
    direction : ndarray, shape (vocabulary,)
        Inner product of each token's output embedding with the mean over pairs of that of
        the chosen response's first token minus the rejected one's.
    """

    probabilities: NDArray[np.float32]
    direction: NDArray[np.float32]


def next_tokens(model: Any, pairs: Sequence[TokenPair]) -> NextTokens:
    r"""Return the probabilities of the token after each prompt, and the head's direction.

    Parameters
    ----------
    model : transformers causal language model
    pairs : sequence of TokenPair
        The first of each of :data:`PROMPTS` prompts is looked at.

    Notes
    -----
    Razin et al. (2024): in a gradient step on a pair of one-token responses the token z gains
    by :math:`\langle W_z, W_+ - W_- \rangle`, whatever it means. The direction is a forecast
    from the head alone, the change of the probabilities is measured.
    """
    import torch

    # a prompt counts once
    first: dict[tuple[int, ...], TokenPair] = {}
    for one in pairs:
        first.setdefault(one.prompt, one)
    some = list(first.values())[:PROMPTS]
    rows = []
    with torch.inference_mode():
        head = _rows(model.get_output_embeddings())
        ends = torch.tensor([[one.chosen[0], one.rejected[0]] for one in some], device=head.device)
        push = (head[ends[:, 0]] - head[ends[:, 1]]).mean(dim=0)
        for one in some:
            logits, _ = own_output(model, one.prompt, 1)
            rows.append(torch.softmax(logits[0].float(), dim=-1).cpu().numpy())
        direction = (head @ push).cpu().numpy()
    return NextTokens(np.stack(rows), direction)


def _rows(head: Any) -> Any:
    """Return the output embeddings, those that an adapter on the head changes as it does."""
    import torch

    if type(head) is torch.nn.Linear:
        return head.weight.float()
    one = torch.eye(head.in_features, dtype=head.weight.dtype, device=head.weight.device)
    return (head(one) - head(torch.zeros_like(one[:1]))).T.float()
