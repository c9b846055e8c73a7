"""How texts that begin alike stand in one sequence, and who sees whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.shared_start import shared_start

if TYPE_CHECKING:
    import torch

_FULL, _SLIDING, _CHUNKED = "full_attention", "sliding_attention", "chunked_attention"


@dataclass(frozen=True)
class Group:
    """Tokens of a prompt and of the responses to it.

    Its length is that of a sequence in which they stand once: what responses begin with in
    common counts once.

    Examples
    --------
    >>> len(Group((1, 2, 3), ((4, 5), (4, 6))))
    6
    """

    prompt: tuple[int, ...]
    responses: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        known: tuple[int, ...] = ()
        size = len(self.prompt)
        for response in sorted(self.responses):
            size += len(response) - shared_start(known, response)
            known = response
        return size


@dataclass(frozen=True, eq=False)
class Layout:
    """A batch of rows of groups.

    Attributes
    ----------
    ids, positions : torch.Tensor, shape (rows, tokens)
    mask : torch.Tensor or dict of str to torch.Tensor
        Shape (rows, 1, tokens, tokens), added to the attention; by kind of layer where a
        model has several.
    places : dict of (int, int) to (int, list of int)
        By group and response: the row, and in it the places of the states that predict the
        response's tokens.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    mask: Any
    places: dict[tuple[int, int], tuple[int, list[int]]]


def time_of(tokens: int, width: int) -> float:
    """Return how long a row takes, in no unit: the weights of a layer, and its attention.

    Examples
    --------
    >>> time_of(10, 64)
    3940
    """
    return tokens * (6 * width + tokens)


def packed(
    groups: Mapping[int, Group], width: int, most: float = float("inf")
) -> list[tuple[list[int], int]]:
    """Return which groups stand in one row, and its tokens.

    Parameters
    ----------
    groups : mapping of int to Group
    width : int
        Of the model's hidden states.
    most : float
        Tokens of a row of several groups.

    Notes
    -----
    Prompts that begin alike are computed once where that takes less time: a row of n tokens
    takes :math:`n (6 w + n)`, the first for the weights of a layer (about :math:`12 w^2`
    for a width w), the second for the attention.

    Examples
    --------
    >>> packed({0: Group((1, 2, 3), ((4,),)), 1: Group((7,), ((8,),)),
    ...         2: Group((1, 2, 3, 4), ((5,),))}, 64)
    [([0, 2], 6), ([1], 2)]
    """
    rows: list[tuple[list[int], int]] = []
    known: tuple[int, ...] = ()
    for k in sorted(groups, key=lambda k: (groups[k].prompt, k)):
        one, size = groups[k].prompt, len(groups[k])
        both = rows[-1][1] + size - shared_start(known, one) if rows else 0
        apart = time_of(rows[-1][1], width) + time_of(size, width) if rows else 0
        if rows and both <= most and time_of(both, width) <= apart:
            rows[-1] = ([*rows[-1][0], k], both)
        else:
            rows.append(([k], size))
        known = one
    return rows


def text_config(model: Any) -> Any:
    """Return the configuration of a model's language part.

    Parameters
    ----------
    model : transformers model
    """
    return model.config.get_text_config(decoder=True)


def width_of(model: Any) -> int:
    """Return the width of a model's hidden states.

    Parameters
    ----------
    model : transformers model
    """
    known = getattr(text_config(model), "hidden_size", None)
    return int(known or model.get_input_embeddings().weight.shape[-1])


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
    """Return a batch in which sequences of a row share what they begin with.

    Parameters
    ----------
    model : transformers causal language model
        ``only_attends``.
    groups : sequence of Group

    Notes
    -----
    Groups share a row as ``packed`` says. The sequences of a row, each a prompt and a
    response, stand in their order as a dictionary has words: each adds the tokens that the
    one before it does not begin with, sees these and what it shares, and nothing else.
    Positions count along each sequence. A window or a chunk of a layer is one of positions.
    Padding is never seen and never read.
    """
    import torch

    rows = packed(dict(enumerate(groups)), width_of(model))
    laid = [_row(groups, names) for names, _ in rows]
    width = max(len(tokens) for tokens, _, _ in laid)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    positions = torch.zeros_like(ids)
    seen = torch.ones((width, width), dtype=torch.bool).tril().repeat(len(rows), 1, 1)
    places: dict[tuple[int, int], tuple[int, list[int]]] = {}
    for row, (tokens, spans, paths) in enumerate(laid):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        for start, end, before in spans:
            positions[row, start:end] = torch.arange(len(before), len(before) + end - start)
            seen[row, start:end, :start] = False
            seen[row, start:end, before] = True
        places |= {name: (row, path) for name, path in paths.items()}
    masks = {kind: _mask(model, seen, positions, kind) for kind in sorted(_kinds(model))}
    mask = masks if len(masks) > 1 else next(iter(masks.values()))
    return Layout(ids.to(model.device), positions.to(model.device), mask, places)


def _row(
    groups: Sequence[Group], names: Sequence[int]
) -> tuple[list[int], list[tuple[int, int, list[int]]], dict[tuple[int, int], list[int]]]:
    """Return the tokens of a row, its spans, and where each response is predicted.

    A span is what a sequence adds: its beginning and end, and the places before it that it
    goes on from.
    """
    sequences = sorted(
        (groups[k].prompt + response, k, number)
        for k in names
        for number, response in enumerate(groups[k].responses)
    )
    tokens: list[int] = []
    spans: list[tuple[int, int, list[int]]] = []
    places: dict[tuple[int, int], list[int]] = {}
    known: tuple[int, ...] = ()
    path: list[int] = []
    for sequence, k, number in sequences:
        shared = shared_start(known, sequence)
        start, end = len(tokens), len(tokens) + len(sequence) - shared
        spans.append((start, end, path[:shared]))
        tokens += sequence[shared:]
        known, path = sequence, [*path[:shared], *range(start, end)]
        places[k, number] = path[len(groups[k].prompt) - 1 : -1]
    return tokens, spans, places


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
