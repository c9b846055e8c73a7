"""How the responses to one prompt stand in one sequence, and who sees whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_FULL, _SLIDING, _CHUNKED = "full_attention", "sliding_attention", "chunked_attention"


@dataclass(frozen=True)
class Group:
    """Tokens of a prompt and of the responses to it."""

    prompt: tuple[int, ...]
    responses: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.prompt) + sum(map(len, self.responses))


@dataclass(frozen=True, eq=False)
class Layout:
    """A batch of groups, one a row.

    Attributes
    ----------
    ids, positions : torch.Tensor, shape (groups, tokens)
    mask : torch.Tensor or dict of str to torch.Tensor
        Shape (groups, 1, tokens, tokens), added to the attention; by kind of layer where a
        model has several.
    places : list of list of list of int
        By group, by response: the places of the states that predict its tokens.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    mask: Any
    places: list[list[list[int]]]


def text_config(model: Any) -> Any:
    """Return the configuration of a model's language part.

    Parameters
    ----------
    model : transformers model
    """
    return model.config.get_text_config(decoder=True)


def unreachable(model: Any, group: Group) -> str | None:
    """Return why a model cannot score a group; None where it can.

    Parameters
    ----------
    model : transformers causal language model
    group : Group
    """
    longest = context(model)
    if longest is not None and len(group.prompt) + max(map(len, group.responses)) > longest:
        return f"longer than the model's context of {longest} tokens"
    rows = len(model.get_input_embeddings().weight)
    if max(group.prompt) >= rows or max(map(max, group.responses)) >= rows:
        return f"holds a token that the model has no embedding for: it has {rows:,}"
    return None


def context(model: Any) -> int | None:
    """Return how many tokens a model takes; None where its configuration sets no end.

    Parameters
    ----------
    model : transformers model

    Notes
    -----
    Positions of the RoBERTa family begin after that of padding, and the virtual tokens of
    prompt tuning have places too.
    """
    longest = getattr(text_config(model), "max_position_embeddings", None)
    if longest is None:
        return None
    own = model.get_base_model() if hasattr(model, "get_base_model") else model
    table: Any = getattr(getattr(own.base_model, "embeddings", None), "position_embeddings", None)
    if getattr(table, "padding_idx", None) is not None:
        longest = min(longest, table.num_embeddings - table.padding_idx - 1)
    virtual = getattr(getattr(model, "active_peft_config", None), "num_virtual_tokens", 0)
    return int(longest - (virtual or 0))


def only_attends(model: Any) -> bool:
    """Return whether a model's layers know other tokens by attention alone.

    Parameters
    ----------
    model : transformers causal language model

    Notes
    -----
    A recurrent or a convolution layer reads what stands before a token, whatever the mask.
    """
    recurrent = getattr(model, "_is_stateful", False)
    if hasattr(model, "active_peft_config"):
        return False  # tokens of its own stand before the text
    return not recurrent and _kinds(model) <= {_FULL, _SLIDING, _CHUNKED}


def laid_out(model: Any, groups: Sequence[Group]) -> Layout:
    """Return a batch in which the responses of a group share the prompt before them.

    Parameters
    ----------
    model : transformers causal language model
        :func:`only_attends`.
    groups : sequence of Group

    Notes
    -----
    Positions begin again after the prompt for each response, and none sees another. A
    window or a chunk of a layer is one of positions. Padding is never seen and never read.
    """
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
    masks = {kind: _mask(model, seen, positions, kind) for kind in sorted(_kinds(model))}
    mask = masks if len(masks) > 1 else next(iter(masks.values()))
    return Layout(ids.to(model.device), positions.to(model.device), mask, places)


def _kinds(model: Any) -> set[str]:
    """Return the kinds of attention that a model's layers have."""
    config = text_config(model)
    window = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None) or [_FULL if window is None else _SLIDING]
    return set(kinds)


def _mask(model: Any, seen: torch.Tensor, positions: torch.Tensor, kind: str) -> torch.Tensor:
    """Return what is added to a layer's attention: nothing, or as good as minus infinity."""
    import torch

    config, (to, of) = text_config(model), (positions[:, :, None], positions[:, None, :])
    if kind == _SLIDING:
        seen = seen & (to - of < config.sliding_window)
    if kind == _CHUNKED:
        seen = seen & (to // config.attention_chunk_size == of // config.attention_chunk_size)
    mask = torch.where(seen, 0.0, torch.finfo(model.dtype).min)
    return mask.to(model.dtype).to(model.device)[:, None]
