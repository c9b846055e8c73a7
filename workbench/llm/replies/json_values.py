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
_INSIDE_LINES = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[{}\[\]]', re.DOTALL)
# how a value goes on behind its first bracket: most brackets of prose do not
_BEGINS = re.compile(r'\{\s*+["}]|\[\s*+["\[\]{\d\-tfn]')
_OPENED_BY = {"}": "{", "]": "["}
_STRING_OR_COMMA = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+"?)|,(?=\s*[}\]])', re.DOTALL)
_ESCAPE = re.compile(r'(\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))|\\')
_MOST_READ = 8
"""How often a text may be read in search of values, all attempts together."""


class RepeatedNameError(ValueError):
    """An object that gives a name twice: nobody knows which value is meant."""


class TooNestedError(ValueError):
    """Brackets in brackets, none of which is a value: the search is given up."""


def decoded(text: str) -> Any:
    r"""Return the JSON value that a whole text is, :data:`NOTHING` where it is none.

    Commas before a closing bracket are forgiven, and so are line ends and lone backslashes
    inside a string (``\(x\)``), which stay what they are.

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
    if value is NOTHING:
        mended = _STRING_OR_COMMA.sub(_string_of, text) if "," in text else text
        mended = _ESCAPE.sub(_escape_of, mended) if "\\" in mended else mended
        value = _decoded(mended) if mended != text else NOTHING
    return value


def values_in(text: str, lines: bool = False) -> Iterator[tuple[int, int, Any]]:
    """Yield where the JSON objects and lists of a text begin and end, and what they are.

    The outermost come first. Brackets are matched in one pass. What looks like a value and
    is none is searched inside, until all attempts together have read the text a few times:
    linear time, whatever it holds.

    Parameters
    ----------
    text : str
    lines : bool
        Whether a string may go on over the end of its line, which no JSON allows.

    Raises
    ------
    RepeatedNameError
        An object gives a name twice.
    TooNestedError
        There are too many brackets in brackets.

    Examples
    --------
    >>> list(values_in('Of {x} I say {"a": {"b": 1}}, and [2].'))
    [(13, 28, {'a': {'b': 1}}), (34, 37, [2])]
    """
    left, end = _MOST_READ * len(text), 0
    for start, stop in _bracketed(text, _INSIDE_LINES if lines else _INSIDE):
        if start < end or not _BEGINS.match(text, start):
            continue
        left -= stop - start
        if left < 0:
            raise TooNestedError("too many brackets in brackets")
        value = decoded(text[start:stop])
        if value is not NOTHING:
            end = stop
            yield start, stop, value


def _bracketed(text: str, inside: re.Pattern[str]) -> list[tuple[int, int]]:
    """Return where a bracket and the one that closes it stand, in the order of the first."""
    opened: list[tuple[str, int]] = []
    waiting = {"{": 0, "[": 0}
    found: list[tuple[int, int]] = []
    at = 0
    while (match := (inside if opened else _OPENING).search(text, at)) is not None:
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
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse, strict=False)


def _decoded(text: str) -> Any:
    try:
        return _DECODER.decode(text.strip())
    except RepeatedNameError:
        raise
    except (ValueError, RecursionError):
        return NOTHING


def _string_of(match: re.Match[str]) -> str:
    return match[1] or ""


def _escape_of(match: re.Match[str]) -> str:
    return match[1] or r"\\"
