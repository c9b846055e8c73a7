"""Several responses to one prompt in one sequence: the prompt is computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

BUDGET = 4096
"""Tokens of a batch, padding included."""

_ROWS = 1024
"""Rows of logits at a time."""


@dataclass(frozen=True)
class Group:
    """Tokens of a prompt and of the responses to it."""

    prompt: tuple[int, ...]
    responses: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.prompt) + sum(map(len, self.responses))


@dataclass(frozen=True, eq=False)
class Scored:
    """What one pass tells of a response.

    Attributes
    ----------
    tokens : ndarray, shape (tokens,)
        log p of each token, nats.
    states : torch.Tensor, shape (width,)
        Sum of the last hidden states that predict them, single precision.
    last : torch.Tensor, shape (width,)
        The state that predicts the last token.
    """

    tokens: NDArray[np.float64]
    states: torch.Tensor
    last: torch.Tensor

    @property
    def total(self) -> float:
        """The sum, in double precision."""
        return float(self.tokens.sum())


def unreachable(model: Any, group: Group) -> str | None:
    """Return why a model cannot score a group; None where it can.

    Parameters
    ----------
    model : transformers causal language model
    group : Group
    """
    longest = getattr(model.config, "max_position_embeddings", None)
    window = getattr(model.config, "sliding_window", None)
    if longest is not None and len(group.prompt) + max(map(len, group.responses)) > longest:
        return f"longer than the model's context of {longest} tokens"
    if window is not None and len(group) > window:
        # the shared layout would let a layer see further than its window
        return f"longer than the window of {window} tokens that layers attend to"
    return None


def score_groups(model: Any, groups: Sequence[Group]) -> list[list[Scored]]:
    """Score the responses of every group, in one batch.

    Parameters
    ----------
    model : transformers causal language model
    groups : sequence of Group
        Of similar length.

    Returns
    -------
    list of list of Scored
        By group, by response.

    Notes
    -----
    A group is one sequence: the prompt, then the responses, where positions begin again
    after the prompt for each and none sees another. Padding is never seen and never read.
    Logits are made for the positions that predict a response only, in single precision,
    with the soft cap, scale and bias that the model's head has.
    """
    import torch

    ids, positions, mask, places = _laid_out(groups, model)
    out = model.base_model(
        input_ids=ids, position_ids=positions, attention_mask=mask, use_cache=False
    )
    hidden = out.last_hidden_state
    found = []
    for row, group in enumerate(groups):
        some = []
        for target, at in zip(group.responses, places[row], strict=True):
            states = hidden[row, torch.tensor(at, device=hidden.device)]
            wide = states.float()
            some.append(Scored(_logprobs(model, states, target), wide.sum(dim=0), wide[-1]))
        found.append(some)
    return found


def score_all(
    model: Any, groups: Mapping[int, Group], budget: int = BUDGET
) -> dict[int, list[Scored]]:
    """Score the responses of every group, in batches of similar length.

    Parameters
    ----------
    model : transformers causal language model
    groups : mapping of int to Group
    budget : int
        Tokens of a batch; halved where the memory does not suffice.
    """
    import torch

    def score(batch: list[int]) -> dict[int, list[Scored]]:
        return dict(zip(batch, score_groups(model, [groups[k] for k in batch]), strict=True))

    found: dict[int, list[Scored]] = {}
    with torch.inference_mode():
        for batch in batches({k: len(one) for k, one in groups.items()}, budget):
            found |= halved(score, batch)
    return found


def batches(sizes: Mapping[int, int], budget: int) -> Iterator[list[int]]:
    """Yield names of similar size, the longest first: what does not fit shows at once.

    Parameters
    ----------
    sizes : mapping of int to int
        Tokens by name.
    budget : int
        Tokens of a batch, padding included.

    Examples
    --------
    >>> list(batches({0: 5, 1: 9, 2: 4}, 10))
    [[1], [0, 2]]
    """
    batch: list[int] = []
    for k in sorted(sizes, key=lambda k: (-sizes[k], k)):
        widest = sizes[batch[0]] if batch else sizes[k]
        if batch and (len(batch) + 1) * widest > budget:
            yield batch
            batch = []
        batch.append(k)
    if batch:
        yield batch


def halved(score: Callable[[list[int]], dict[int, T]], batch: list[int]) -> dict[int, T]:
    """Score a batch; where the memory does not suffice, its halves.

    Parameters
    ----------
    score : callable
    batch : list of int
    """
    try:
        return score(batch)
    except RuntimeError as error:
        if "out of memory" not in str(error).lower() or len(batch) == 1:
            raise
    half = len(batch) // 2
    return halved(score, batch[:half]) | halved(score, batch[half:])


def head_logits(model: Any, states: torch.Tensor) -> torch.Tensor:
    """Return the logits of hidden states, as the model itself makes them, in fp32.

    Parameters
    ----------
    model : transformers causal language model
    states : torch.Tensor, shape (rows, width)
    """
    import torch

    head, config = model.get_output_embeddings(), model.config
    bias = None if getattr(head, "bias", None) is None else head.bias.float()
    logits = torch.nn.functional.linear(states.float(), head.weight.float(), bias)
    scale = getattr(config, "logit_scale", None)
    divisor = getattr(config, "logits_scaling", None)
    cap = getattr(config, "final_logit_softcapping", None)
    if scale:
        logits = logits * scale
    if divisor:
        logits = logits / divisor
    return cap * torch.tanh(logits / cap) if cap else logits


def _logprobs(model: Any, states: torch.Tensor, target: Sequence[int]) -> NDArray[np.float64]:
    import torch

    wanted = torch.tensor(target, device=states.device)
    parts = []
    for start in range(0, len(wanted), _ROWS):
        logits = head_logits(model, states[start : start + _ROWS])
        picked = logits.gather(1, wanted[start : start + _ROWS, None])[:, 0]
        parts.append((picked - torch.logsumexp(logits, dim=-1)).double().cpu())
    return np.asarray(torch.cat(parts).detach().numpy())


def _laid_out(groups: Sequence[Group], model: Any) -> tuple[Any, Any, Any, list[list[list[int]]]]:
    """Return tokens, positions and mask of a batch, and which states predict which response."""
    import torch

    width = max(map(len, groups))
    ids = torch.zeros((len(groups), width), dtype=torch.long)
    positions = torch.zeros_like(ids)
    seen = torch.ones((width, width), dtype=torch.bool).tril().repeat(len(groups), 1, 1)
    places = []
    for row, group in enumerate(groups):
        p = len(group.prompt)
        ids[row, :p], positions[row, :p] = torch.tensor(group.prompt), torch.arange(p)
        start, own = p, []
        for response in group.responses:
            end = start + len(response)
            ids[row, start:end] = torch.tensor(response)
            positions[row, start:end] = torch.arange(p, p + len(response))
            # a response does not see those that stand before it
            seen[row, start:end, p:start] = False
            own.append([p - 1, *range(start, end - 1)])
            start = end
        places.append(own)
    low = torch.finfo(model.dtype).min
    mask = torch.where(seen, 0.0, low).to(model.dtype)[:, None]
    device = model.device
    return ids.to(device), positions.to(device), _masks(model, mask.to(device)), places


def _masks(model: Any, mask: torch.Tensor) -> Any:
    """Return the mask, by kind of layer where a model has several."""
    kinds = set(getattr(model.config, "layer_types", None) or ())
    return dict.fromkeys(kinds, mask) if len(kinds) > 1 else mask
