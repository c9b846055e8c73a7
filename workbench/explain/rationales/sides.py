"""Of which response a clause of a reason speaks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

FIRST, SECOND, BOTH, UNSAID = 1, -1, 0, 2
"""The response shown first, the other one, both or neither, and no word of it."""

_NOUN = (
    r"(?:assistants?|responses?|answers?|outputs?|models?|options?|candidates?|completions?|"
    r"repl(?:y|ies)|texts?|versions?|chatbots?|ai|systems?)"
)
_SIDE = re.compile(
    rf"\b(?:(?P<both>both|neither|either)\b|{_NOUN}\s*[(\[\"'#*]*(?P<after>(?-i:A|One|Two)\b|[b12]\b|a(?=[)\]\"']))"
    rf"|(?P<place>first|second|former|latter)(?=\s+(?:{_NOUN}|one)\b)"
    r"|the\s+(?P<alone>former|latter)\b|the\s+(?P<the>first|second)(?=\s+(?:is|was|has|does|gives))"
    r"|(?P<bare>(?-i:[AB]))(?=(?:'s)?\s+(?:is|was|has|does|gives|provides|offers|uses|explains|"
    r"includes|sounds|reads|answers|lacks|refuses|asks|goes|seems|looks|isn't|doesn't|just|also)\b)"
    r"|(?<![\w'])(?P<letter>(?-i:B))(?![\w']))",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"\b(?:than|unlike|compared\s+(?:to|with)|as|over|contrast\s+to)\s+(?:that\s+of\s+|the\s+)?$",
    re.IGNORECASE,
)
"""Before a side that is only what the other one is held against."""

_ORDER = {"a": FIRST, "1": FIRST, "one": FIRST, "first": FIRST, "former": FIRST}

_CLAUSE = re.compile(
    r"[.!?;](?=\s|$)|\n+|,?\s+\b(?:but|while|whereas|however|although|though|yet)\b|"
    r",\s+(?=and\s+(?:assistant|response|answer|the\s+(?:first|second|other)))",
    re.IGNORECASE,
)
_BLOCK = re.compile(r"\n\s*\n")


class Clause(NamedTuple):
    """A part of a reason that speaks of one response.

    Attributes
    ----------
    text : str
    side : int
        ``FIRST``, ``SECOND``, ``BOTH`` or ``UNSAID``.
    """

    text: str
    side: int


def clauses(text: str) -> Iterator[Clause]:
    """Yield the clauses of a reason, each with the response that it speaks of.

    A clause that names none speaks of the one before it in its paragraph did.

    Examples
    --------
    >>> list(clauses("Response B is short, but clear. It is kinder than A."))[-1]
    Clause(text=' It is kinder than A.', side=-1)
    >>> [one.side for one in clauses("The first is long. Both are polite.")][:2]
    [1, 0]
    """
    for block in _BLOCK.split(text):
        side, start = UNSAID, 0
        ends = [match.end() for match in _CLAUSE.finditer(block)]
        for end in [*ends, len(block)]:
            part, start = block[start:end], end
            if part.strip():
                side = _side_of(part, side)
                yield Clause(part, side)


def _side_of(text: str, before: int) -> int:
    named = [
        _which(match) for match in _SIDE.finditer(text)
        if _ASIDE.search(text[max(match.start() - 40, 0) : match.start()]) is None
    ]  # fmt: skip
    if not named:
        return before
    # of two that are named, neither alone is spoken of
    return named[0] if len(set(named)) == 1 else BOTH


def _which(match: re.Match[str]) -> int:
    if match["both"]:
        return BOTH
    word = next(word for word in match.groups()[1:] if word)
    return _ORDER.get(word.lower(), SECOND)
