"""Parting what a model thought from what it answered."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

_CLOSED_BY = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",
    "[THINK]": "[/THINK]",
    "◁think▷": "◁/think▷",
    "<|START_THINKING|>": "<|END_THINKING|>",
}
_TAG = re.compile("|".join(map(re.escape, [*_CLOSED_BY, *_CLOSED_BY.values()])))
_CHANNEL, _MESSAGE, _TURN = "<|channel|>", "<|message|>", "<|start|>"
_END_OF_MESSAGE = re.compile(r"<\|(?:end|return|call|start)\|>")
_BARE_CHANNEL, _BARE_FINAL = re.compile(r"\s*analysis(?=[A-Z])"), "assistantfinal"
_FIRST_LETTERS = ("<", "[T", "[/T", "◁")


class Parted(NamedTuple):
    """A text in two.

    Attributes
    ----------
    answer, thinking : str
    open : bool
        The text ends while the model still thinks: there is no answer yet.
    """

    answer: str
    thinking: str = ""
    open: bool = False


def may_think(text: str) -> bool:
    """Return whether a text may hold thinking; most do not, and need no closer look."""
    return any(mark in text for mark in _FIRST_LETTERS) or text.lstrip().startswith("analysis")


def parted(text: str, asked: Callable[[str], bool] = lambda mark: False) -> Parted:
    r"""Return what a text answers and what it only thinks.

    Thinking stands between tags such as ``<think>`` and ``</think>``, or ``[THINK]``; before
    a lone closing tag, where the template of the chat opened it; and in every channel of the
    Harmony format of gpt-oss but ``final`` (with its marks, or without them, as servers that
    drop special tokens leave it: ``analysis...assistantfinal...``).

    A mark that the question itself holds may be quoted in the answer: a lone closing tag of
    that kind parts nothing. A closing tag that closes nothing stays part of the answer, so
    that two verdicts around it are two.

    Parameters
    ----------
    text : str
    asked : callable
        Whether the question holds a mark.

    Examples
    --------
    >>> parted('<think>A at first.</think>{"verdict": "B"}').answer
    '{"verdict": "B"}'
    >>> parted("Hm, A.</think>B"), parted("<think>Hm")
    (Parted(answer='B', thinking='Hm, A.', open=False), Parted(answer='', thinking='Hm', open=True))
    """
    begins = text.lstrip().startswith((_CHANNEL, _TURN))
    if begins or (_TURN + "assistant" + _CHANNEL in text and not asked(_CHANNEL)):
        return _by_channel(text)
    if (bare := _BARE_CHANNEL.match(text)) is not None:
        thought, mark, answer = text[bare.end() :].partition(_BARE_FINAL)
        return Parted(answer, thought, not mark)
    return _by_tag(text, asked)


def _by_channel(text: str) -> Parted:
    first, *parts = text.split(_CHANNEL)
    # a template that opens a channel leaves its text without a mark
    thoughts = [_END_OF_MESSAGE.split(first, maxsplit=1)[0]]
    answers: list[str] = []
    name = ""
    for part in parts:
        head, mark, body = part.partition(_MESSAGE)
        name = head.split(maxsplit=1)[0] if mark and head.strip() else ""
        said = _END_OF_MESSAGE.split(body, maxsplit=1)[0]
        (answers if name == "final" else thoughts).append(said)
    return Parted("\n".join(answers), _joined(thoughts), name != "final")


def _by_tag(text: str, asked: Callable[[str], bool]) -> Parted:
    answers: list[str] = []
    thoughts: list[str] = []
    until, at = "", 0
    for count, match in enumerate(_TAG.finditer(text)):
        tag = match[0]
        opens = not until and tag in _CLOSED_BY
        alone = not count and not opens and not asked(tag)
        if opens or alone or tag == until:
            (answers if opens else thoughts).append(text[at : match.start()])
            until, at = _CLOSED_BY[tag] if opens else "", match.end()
    (thoughts if until else answers).append(text[at:])
    return Parted("".join(answers), _joined(thoughts), bool(until))


def _joined(thoughts: list[str]) -> str:
    return "\n".join(thought for thought in thoughts if thought.strip())
