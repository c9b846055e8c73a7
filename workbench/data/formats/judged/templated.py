"""Pairs of whole conversations, as reward models are given them: messages or templated text."""

from __future__ import annotations

import re
from typing import Any

from workbench.data.formats.messages import as_messages, split_chats
from workbench.data.formats.nested import unpacked
from workbench.data.formats.orientation import chosen_is_a
from workbench.data.formats.records import Record, Unreadable, excerpt

_ANSWER = re.compile(
    r"<\|im_start\|>assistant\n|<\|assistant\|>\n?|<\|Assistant\|>|<start_of_turn>model\n"
    r"|<\|start_header_id\|>assistant<\|end_header_id\|>\n\n|\[/INST\] ?|### Response:\n"
    r"|(?:^|\n| )(?:GPT4 Correct )?(?:Assistant|ASSISTANT): ?"
)
_END = re.compile(r"(?:\s*(?:<\|im_end\|>|<\|eot_id\|>|<\|end_of_text\|>|<end_of_turn>|</s>))+\s*$")


def oriented(chosen: Any, rejected: Any, seed: int) -> tuple[Record, bool]:
    """Return the texts of a pair with sides decided by content, and whether A is the chosen one.

    Parameters
    ----------
    chosen, rejected : object
        Chat messages (also their JSON), or texts made by a chat template. The prompt is what
        both share: whole messages, or text up to the last mark of an answer.
    seed : int

    Raises
    ------
    Unreadable
        A side is neither.

    Examples
    --------
    >>> sides, first = oriented("USER: Hi ASSISTANT: Yes</s>", "USER: Hi ASSISTANT: No</s>", 0)
    >>> sides["prompt"], sorted([sides["response_a"], sides["response_b"]])
    ('USER: Hi', ['No', 'Yes'])
    """
    chats = [as_messages(unpacked(side)) for side in (chosen, rejected)]
    if chats[0] and chats[1]:
        texts = split_chats(chats[0], chats[1])._asdict()
    else:
        for side in (chosen, rejected):
            if not isinstance(side, str):
                raise Unreadable(side)
        names = ("prompt", "response_a", "response_b")
        texts = dict(zip(names, _cut(chosen, rejected), strict=True))
    first = chosen_is_a(texts["prompt"] or "", texts["response_a"], texts["response_b"], seed)
    return (texts if first else flipped(texts)), first


def flipped(record: Record) -> Record:
    """Return a record whose sides A and B are exchanged.

    Examples
    --------
    >>> flipped({"response_a": "x", "response_b": "y", "prompt": "p"})
    {'response_a': 'y', 'response_b': 'x', 'prompt': 'p'}
    """
    other = {"a": "b", "b": "a"}
    names = {name: re.sub("_([ab])(?=_|$)", lambda m: "_" + other[m[1]], name) for name in record}
    return {name: record[names[name]] for name in record}


def _cut(chosen: str, rejected: str) -> tuple[str | None, str, str]:
    shared = 0
    for found in _ANSWER.finditer(chosen):
        if rejected.startswith(chosen[: found.end()]):
            shared = found.end()
            start = found.start()
    if not shared:
        return None, chosen, rejected
    a, b = (_END.sub("", side[shared:]) for side in (chosen, rejected))
    return chosen[:start].strip() or None, a, b


def as_list(value: Any, name: str) -> list[Any]:
    """Return a list of a record, also from its text; raise ``Unreadable`` where it is none.

    Examples
    --------
    >>> as_list("[1, 2]", "scores")
    [1, 2]
    """
    found = unpacked(value)
    if not isinstance(found, list) or not found:
        raise Unreadable(f"{name}: {excerpt(value)}")
    return found
