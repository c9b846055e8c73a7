"""Sequences that are longer than a trainer takes: what it cuts off them."""

from __future__ import annotations

from typing import Literal

from workbench.errors import ScoringError

Keep = Literal["start", "end", "shares"]
Ids = tuple[int, ...]
Sides = tuple[tuple[Ids, Ids], ...]
"""Prompt and response of each side."""


def cut(sides: Sides, most: int | None, keep: Keep) -> Sides:
    """Return prompts and responses as a trainer cuts them, each side for itself.

    Parameters
    ----------
    sides : tuple of (prompt, response)
    most : int or None
        Tokens of prompt and response.
    keep : {"start", "end", "shares"}

    Raises
    ------
    ScoringError
        Nothing of a response is left, or no prompt: trainers drop such a pair.

    Notes
    -----
    Of TRL's collator: the first or the last tokens of prompt and response. A
    sequence that begins within the response has no prompt: its first token is not predicted.

    Examples
    --------
    >>> cut((((1, 2), (3, 4)),), 3, "start")
    (((1, 2), (3,)),)
    >>> cut((((1, 2), (3, 4)),), 3, "end")
    (((2,), (3, 4)),)
    """
    if most is None or all(len(prompt) + len(said) <= most for prompt, said in sides):
        return sides
    if keep == "shares":
        found = _by_shares(sides, most)
    elif keep == "end":
        found = tuple(_last(prompt, said, most) for prompt, said in sides)
    else:
        found = tuple((prompt, said[: max(most - len(prompt), 0)]) for prompt, said in sides)
    if not all(prompt and said for prompt, said in found):
        raise ScoringError(
            f"No token of a response is left within the {most:,} that training takes.",
            found=f"a prompt of {max(len(prompt) for prompt, _ in sides):,} tokens",
            expected="room for prompt and response",
            fix="Set another length (max_length=, --max-length), or keep the end (--keep end).",
        )
    return found


def _last(prompt: Ids, said: Ids, most: int) -> tuple[Ids, Ids]:
    if len(prompt) + len(said) <= most:
        return prompt, said
    whole = (*prompt, *said)[-most:]
    before = max(most - len(said), 1)
    return whole[:before], whole[before:]


def _by_shares(sides: Sides, most: int) -> Sides:
    """Cut prompt and responses as LLaMA-Factory's ``infer_seqlen`` does: by their lengths."""
    source, target = len(sides[0][0]), max(len(said) for _, said in sides)
    if target * 2 < most:
        longest = most
    elif source * 2 < most:
        longest = most - source
    else:
        longest = int(most * (target / (source + target)))
    kept = min(longest, target)
    before = min(max(most - kept, 0), source)
    return tuple((prompt[:before], said[:kept]) for prompt, said in sides)
