"""Log-likelihoods of responses, with what prompts begin with in common computed once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench.scoring.layout import Group, laid_out, only_attends, packed, text_config, width_of
from workbench.scoring.precision import single_precision

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

BUDGET = 4096
"""Tokens of a batch, padding included."""

_ON_CPU = 1024
"""Tokens of a pass on a processor: more take more memory there, and no less time."""

_ROWS, _FEWEST = 1024, 64
"""Rows of logits at a time, at most and at least."""

_LOGITS = 1 << 22
"""Logits at a time on a processor, where more fall out of its cache."""

_SAME = 1e-3
"""Nats by which a token may differ between the shared layout and a sequence of its own."""

_SAME_HALF = 0.05
"""The same for the mean over tokens, where only half precision fits into the memory."""


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


def score_groups(model: Any, groups: Sequence[Group], shared: bool = True) -> list[list[Scored]]:
    """Score the responses of every group, in one batch; on a processor a few rows at a time.

    Parameters
    ----------
    model : transformers causal language model
    groups : sequence of Group
        Of similar length.
    shared : bool
        Whether responses share their prompt's sequence (:func:`shares_prompts`); each has a
        sequence of its own, one at a time, when False.

    Returns
    -------
    list of list of Scored
        By group, by response.

    Notes
    -----
    What sequences begin with in common is computed once
    (:func:`workbench.scoring.layout.laid_out`). Logits are made for the positions that
    predict a response only, in single precision, with the soft cap, scale and bias that the
    model's head has.
    """
    if not shared:
        return [[alone(model, group.prompt, one) for one in group.responses] for group in groups]
    if model.device.type != "cpu":
        return _one_pass(model, groups)
    found: dict[int, list[Scored]] = {}
    for names in _together(packed(dict(enumerate(groups)), width_of(model)), _ON_CPU):
        found |= zip(names, _one_pass(model, [groups[k] for k in names]), strict=True)
    return [found[k] for k in range(len(groups))]


def _one_pass(model: Any, groups: Sequence[Group]) -> list[list[Scored]]:
    import torch

    layout = laid_out(model, groups)
    out = model.base_model(
        input_ids=layout.ids, position_ids=layout.positions, attention_mask=layout.mask,
        use_cache=False,
    )  # fmt: skip
    hidden = out.last_hidden_state
    found = []
    for k, group in enumerate(groups):
        some = []
        for number, target in enumerate(group.responses):
            row, at = layout.places[k, number]
            states = hidden[row, torch.tensor(at, device=hidden.device)]
            some.append(_scored(_logprobs(model, states, target), states))
        found.append(some)
    return found


def alone(model: Any, prompt: Sequence[int], response: Sequence[int]) -> Scored:
    """Score a response in a sequence of its own, by the logits that the model itself makes.

    Parameters
    ----------
    model : transformers causal language model
    prompt, response : sequence of int
    """
    import torch

    logits, states = own_output(model, [*prompt, *response], len(response) + 1)
    wanted = torch.tensor(response, device=logits.device)
    picked = torch.log_softmax(logits[:-1].float(), dim=-1).gather(1, wanted[:, None])[:, 0]
    return _scored(np.asarray(picked.double().cpu().detach().numpy()), states[:-1])


def own_output(model: Any, tokens: Sequence[int], last: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits that a model itself makes at the last places, and the last states there.

    Parameters
    ----------
    model : transformers causal language model
    tokens : sequence of int
    last : int
    """
    import torch

    # a model that can, makes logits only where they are read
    can = "logits_to_keep" in inspect.signature(model.forward).parameters
    out = model(
        input_ids=torch.tensor([[*tokens]], device=model.device), use_cache=False,
        output_hidden_states=True, **({"logits_to_keep": last} if can else {}),
    )  # fmt: skip
    return out.logits[0, -last:], out.hidden_states[-1][0, -last:]


def shares_prompts(model: Any, groups: Sequence[Group], exact: bool = True) -> bool:
    """Return whether responses that share a prompt's sequence get the model's own scores.

    Parameters
    ----------
    model : transformers causal language model
    groups : sequence of Group
        What is going to be scored; the shortest and the longest are tried.
    exact : bool
        Whether the model is in single precision.

    Notes
    -----
    Recurrent layers, position biases and heads of their own kind do not go with the shared
    layout. Nothing is taken on trust: both ways are tried, and compared by token.
    """
    if not groups or not only_attends(model):
        return False

    def off(which: list[int]) -> dict[int, NDArray[np.float64]]:
        group = ends[which[0]]
        own = [alone(model, group.prompt, one).tokens for one in group.responses]
        found = [one.tokens for one in score_groups(model, [group])[0]]
        return {which[0]: np.abs(np.concatenate(found) - np.concatenate(own))}

    ends = [min(groups, key=len), max(groups, key=len)]
    try:
        # what does not fit into the memory tells nothing
        tried = [one for k in range(2) for one in halved(off, [k]).values()]
    except Exception:  # whatever an unknown architecture makes of the mask
        return False
    return all(one.max() <= _SAME if exact else one.mean() <= _SAME_HALF for one in tried)


def score_all(
    model: Any, groups: Mapping[int, Group], budget: int = BUDGET, recast: bool = True
) -> dict[int, list[Scored]]:
    """Score the responses of every group, in batches of similar length.

    Parameters
    ----------
    model : transformers causal language model
    groups : mapping of int to Group
    budget : int
        Tokens of a batch; halved where the memory does not suffice.
    recast : bool
        See :func:`workbench.scoring.precision.single_precision`.

    Returns
    -------
    dict of int to list of Scored
        Without the groups that do not fit into the memory alone.
    """
    import torch

    def score(batch: list[int]) -> dict[int, list[Scored]]:
        found = score_groups(model, [groups[k] for k in batch], shared)
        return dict(zip(batch, found, strict=True))

    with single_precision(model, recast) as exact, torch.inference_mode():
        shared = shares_prompts(model, list(groups.values()), exact)
    found: dict[int, list[Scored]] = {}
    with torch.inference_mode():
        for batch in batches(model, groups, budget):
            found |= halved(score, batch)
    return found


def batches(model: Any, groups: Mapping[int, Group], budget: int) -> Iterator[list[int]]:
    """Yield names of groups for one pass, the longest first: what does not fit shows at once.

    Parameters
    ----------
    model : transformers causal language model
    groups : mapping of int to Group
    budget : int
        Tokens of a batch, padding included.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> config = Fake(get_text_config=lambda decoder: Fake(hidden_size=64))
    >>> model = Fake(config=config)
    >>> groups = {0: Group((1, 2), ((3, 4, 5),)), 1: Group((6,) * 8, ((6,),))}
    >>> groups[2] = Group((7,), ((8,),))
    >>> list(batches(model, groups, 10))
    [[1], [0, 2]]
    """
    yield from _together(packed(groups, width_of(model), budget), budget)


def _together(rows: Sequence[tuple[list[int], int]], budget: int) -> Iterator[list[int]]:
    """Yield the names of rows of similar length, the longest first, as many as a budget takes."""
    batch: list[list[int]] = []
    widest = 0
    for names, size in sorted(rows, key=lambda row: (-row[1], row[0])):
        if batch and (len(batch) + 1) * widest > budget:
            yield [name for row in batch for name in row]
            batch = []
        widest = max(widest, size) if batch else size
        batch.append(names)
    if batch:
        yield [name for row in batch for name in row]


def halved(score: Callable[[list[int]], dict[int, T]], batch: list[int]) -> dict[int, T]:
    """Score a batch; where the memory does not suffice, its halves.

    Parameters
    ----------
    score : callable
    batch : list of int

    Returns
    -------
    dict
        Without what does not fit into the memory alone.
    """
    try:
        return score(batch)
    except RuntimeError as error:
        if not any(words in str(error).lower() for words in _NO_MEMORY):
            raise
    if len(batch) == 1:
        return {}
    half = len(batch) // 2
    return halved(score, batch[:half]) | halved(score, batch[half:])


_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
"""What CUDA, MPS, CPU allocators and cuBLAS say."""

TOO_LARGE = "does not fit into the memory, alone"
"""Why a pair has no score."""


def _head_logits(model: Any, states: torch.Tensor) -> torch.Tensor:
    """Return the logits of hidden states, as the model itself makes them, in fp32.

    Parameters
    ----------
    model : transformers causal language model
    states : torch.Tensor, shape (rows, width)
    """
    import torch

    head, config = model.get_output_embeddings(), text_config(model)
    if type(head) is torch.nn.Linear:
        bias = None if head.bias is None else head.bias.float()
        logits = torch.nn.functional.linear(states.float(), head.weight.float(), bias)
    else:
        # an adapter on the head: its weight alone is not what it computes
        logits = head(states).float()
    scale = getattr(config, "logit_scale", None)
    divisor = getattr(config, "logits_scaling", None)
    cap = getattr(config, "final_logit_softcapping", None)
    if scale:
        logits = logits * scale
    if divisor:
        logits = logits / divisor
    return cap * torch.tanh(logits / cap) if cap else logits


def _scored(tokens: NDArray[np.float64], states: torch.Tensor) -> Scored:
    wide = states.float()
    return Scored(tokens, wide.sum(dim=0), wide[-1])


def _logprobs(model: Any, states: torch.Tensor, target: Sequence[int]) -> NDArray[np.float64]:
    import torch

    wanted = torch.tensor(target, device=states.device)
    rows = _ROWS
    if states.device.type == "cpu":
        rows = min(_ROWS, max(_FEWEST, _LOGITS // len(model.get_input_embeddings().weight)))
    parts = []
    for start in range(0, len(wanted), rows):
        logits = _head_logits(model, states[start : start + rows])
        picked = logits.gather(1, wanted[start : start + rows, None])[:, 0]
        # log-sum-exp in the place of the logits: a copy would take as much again
        largest = logits.amax(dim=-1, keepdim=True)
        sums = logits.sub_(largest).exp_().sum(dim=-1)
        parts.append((picked - largest[:, 0] - sums.log()).double().cpu())
    return np.asarray(torch.cat(parts).detach().numpy())
