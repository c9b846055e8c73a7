"""JSON values inside a text, found in one pass over it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

NOTHING = object()
"""What is returned where a text is no JSON value: None is one."""

_OPENING = re.compile(r"[{\[]")
# a string ends with its line at the latest: an odd quote in prose hides no more than that
_INSIDE = re.compile(r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+["\n]?|[{}\[\]]')
_OPENED_BY = {"}": "{", "]": "["}
_STRING_OR_COMMA = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+"?)|,(?=\s*[}\]])', re.DOTALL)
_MOST_READ = 8
"""How often a text may be read in search of values, all attempts together."""


class RepeatedNameError(ValueError):
    """An object that gives a name twice: nobody knows which value is meant."""


class TooNestedError(ValueError):
    """Brackets in brackets, none of which is a value: the search is given up."""


def decoded(text: str) -> Any:
    """Return the JSON value that a whole text is, :data:`NOTHING` where it is none.

    Commas before a closing bracket are forgiven.

    Raises
    ------
    RepeatedNameError
        An object gives a name twice.

    Examples
    --------
    >>> decoded(' {"a": [1, 2,],} ')
    {'a': [1, 2]}
    >>> decoded('{"a": 1} and more') is NOTHING
    True
    """
    value = _decoded(text)
    if value is NOTHING and "," in text:
        mended = _STRING_OR_COMMA.sub(_string_of, text)
        value = _decoded(mended) if len(mended) < len(text) else NOTHING
    return value


def values_in(text: str) -> Iterator[Any]:
    """Yield the JSON objects and lists that stand in a text, outermost first.

    Brackets are matched in one pass. What looks like a value and is none is searched inside,
    until all attempts together have read the text a few times: linear time, whatever it holds.

    Raises
    ------
    RepeatedNameError
        An object gives a name twice.
    TooNestedError
        There are too many brackets in brackets.

    Examples
    --------
    >>> list(values_in('Of {x} I say {"a": {"b": 1}}, and [2].'))
    [{'a': {'b': 1}}, [2]]
    """
    left, end = _MOST_READ * len(text), 0
    for start, stop in _bracketed(text):
        if start < end:
            continue
        left -= stop - start
        if left < 0:
            raise TooNestedError("too many brackets in brackets")
        value = decoded(text[start:stop])
        if value is not NOTHING:
            end = stop
            yield value


def _bracketed(text: str) -> list[tuple[int, int]]:
    """Return where a bracket and the one that closes it stand, in the order of the first."""
    opened: list[tuple[str, int]] = []
    waiting = {"{": 0, "[": 0}
    found: list[tuple[int, int]] = []
    at = 0
    while (match := (_INSIDE if opened else _OPENING).search(text, at)) is not None:
        at, mark = match.end(), match[0]
        if mark in waiting:
            opened.append((mark, match.start()))
            waiting[mark] += 1
        elif mark in _OPENED_BY and waiting[_OPENED_BY[mark]]:
            bracket, start = "", 0
            # what was opened inside and never closed is no value
            while bracket != _OPENED_BY[mark]:
                bracket, start = opened.pop()
                waiting[bracket] -= 1
            found.append((start, at))
    return sorted(found)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise RepeatedNameError(f"the name {twice[:40]} stands twice in an object")
    return made


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


# made once: to make one takes longer than to read a short reply
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse)


def _decoded(text: str) -> Any:
    try:
        return _DECODER.decode(text.strip())
    except RepeatedNameError:
        raise
    except (ValueError, RecursionError):
        return NOTHING


def _string_of(match: re.Match[str]) -> str:
    return match[1] or ""
