"""Names of fields that differ in one mark only, such as ``reply1`` and ``reply2``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from workbench.data.formats.records import Record

_MARKS = (
    tuple("abcdefgh"),
    ("left", "right"),
    ("first", "second", "third", "fourth"),
    ("one", "two", "three", "four"),
    ("chosen", "rejected"),
)
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")


def parts_of(name: str) -> tuple[str, ...]:
    """Return the words, letters and numbers of a name.

    Examples
    --------
    >>> parts_of("response_a"), parts_of("text1"), parts_of("answerB")
    (('response', 'a'), ('text', '1'), ('answer', 'b'))
    """
    return tuple(part.lower() for part in _PARTS.findall(name))


def families(names: Iterable[str]) -> list[tuple[frozenset[str], dict[str, str]]]:
    """Return the names that differ in one mark only, by that mark and in its order.

    Returns
    -------
    list of tuple
        The words that they share, and the name of each mark.

    Examples
    --------
    >>> families(["prompt", "text_b", "text_a"])
    [(frozenset({'text'}), {'a': 'text_a', 'b': 'text_b'})]
    """
    found: dict[tuple[Any, ...], dict[str, str]] = {}
    for name in names:
        parts = parts_of(name)
        for at, part in enumerate(parts):
            kind = _kind_of_mark(part)
            if kind is not None:
                key = (kind, at, *parts[:at], *parts[at + 1 :])
                found.setdefault(key, {})[part] = name
    return [
        (frozenset(key[2:]), dict(sorted(family.items(), key=lambda one: _order(one[0]))))
        for key, family in found.items()
        if len(family) > 1
    ]


def marked(fields: Record, marks: Collection[str]) -> dict[str, dict[str, str]]:
    """Return the fields that stand for each response, by the name that they share.

    Examples
    --------
    >>> marked({"tokens_a": 3, "tokens_b": 5, "day": 1}, ("a", "b"))
    {'tokens': {'a': 'tokens_a', 'b': 'tokens_b'}}
    """
    found: dict[str, dict[str, str]] = {}
    for _, family in families(fields):
        if marks and set(family) == set(marks):
            mark, name = next(iter(family.items()))
            rest = [part for part in parts_of(name) if part != mark]
            found.setdefault("_".join(rest), family)
    return found


def _kind_of_mark(part: str) -> int | None:
    if part.isdigit():
        return -1
    return next((kind for kind, marks in enumerate(_MARKS) if part in marks), None)


def _order(mark: str) -> tuple[int, int]:
    if mark.isdigit():
        return 0, int(mark)
    return 1, next(marks.index(mark) for marks in _MARKS if mark in marks)
