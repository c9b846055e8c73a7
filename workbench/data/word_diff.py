"""Where two texts differ, word by word."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "only_a", "only_b"]
Unit = Literal["word", "line", "text"]

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_UNITS = {
    # scripts without spaces are compared sign by sign
    "word": re.compile(rf"([{_UNSPACED}]|[^\s{_UNSPACED}]+)"),
    "line": re.compile(r"([^\n]+)"),
}
_MOST = 4_000
"""Words (or lines) of one text up to which the search is made."""
_MOST_MATCHES = 120_000
"""Equal words of the two texts, each with each: the time of the search grows with them."""


@dataclass(frozen=True)
class Difference:
    """Two texts as one list of parts.

    Attributes
    ----------
    parts : tuple of (kind, text)
        ``same`` stands in both, ``only_a`` and ``only_b`` in one. The texts of ``same`` and
        ``only_a``, joined, are the first text to the letter; likewise the second.
    unit : {"word", "line", "text"}
        What was compared: long or very repetitive texts are compared by lines, and where
        even those are too many, as a whole.
    """

    parts: tuple[tuple[Kind, str], ...]
    unit: Unit

    def side(self, kind: Kind) -> list[tuple[Kind, str]]:
        """Return the parts of one text: ``same`` and the ones of its own kind."""
        return [part for part in self.parts if part[0] in ("same", kind)]


def word_diff(a: str, b: str) -> Difference:
    """Compare two texts word by word, white space kept.

    Parameters
    ----------
    a, b : str

    Returns
    -------
    Difference

    References
    ----------
    Ratcliff and Metzener (1988), as in :class:`difflib.SequenceMatcher`.

    Examples
    --------
    >>> word_diff("a big dog", "a small dog").parts
    (('same', 'a '), ('only_a', 'big'), ('only_b', 'small'), ('same', ' dog'))
    """
    for unit, pattern in _UNITS.items():
        first, second = pattern.split(a), pattern.split(b)
        if _feasible(first[1::2], second[1::2]):
            return Difference(tuple(_joined(_compare(first, second))), unit)  # type: ignore[arg-type]
    whole: list[tuple[Kind, str]] = [("same", a)] if a == b else [("only_a", a), ("only_b", b)]
    return Difference(tuple(_joined(whole)), "text")


def _feasible(a: list[str], b: list[str]) -> bool:
    if max(len(a), len(b)) > _MOST:
        return False
    count = Counter(b)
    return sum(count[word] for word in a) <= _MOST_MATCHES


def _compare(a: list[str], b: list[str]) -> list[tuple[Kind, str]]:
    """Compare lists in which white space (even places) and words (odd places) alternate."""
    parts: list[tuple[Kind, str]] = [*_space(a[0], b[0])]
    search = SequenceMatcher(None, a[1::2], b[1::2], autojunk=False)
    for tag, i, i_end, j, j_end in search.get_opcodes():
        if tag == "equal":
            for step in range(i_end - i):
                parts.append(("same", a[2 * (i + step) + 1]))
                parts += _space(a[2 * (i + step) + 2], b[2 * (j + step) + 2])
        elif tag == "replace":
            parts.append(("only_a", "".join(a[2 * i + 1 : 2 * i_end])))
            parts.append(("only_b", "".join(b[2 * j + 1 : 2 * j_end])))
            parts += _space(a[2 * i_end], b[2 * j_end])
        else:
            parts.append(("only_a", "".join(a[2 * i + 1 : 2 * i_end + 1])))
            parts.append(("only_b", "".join(b[2 * j + 1 : 2 * j_end + 1])))
    return parts


def _space(a: str, b: str) -> list[tuple[Kind, str]]:
    return [("same", a)] if a == b else [("only_a", a), ("only_b", b)]


def _joined(parts: list[tuple[Kind, str]]) -> list[tuple[Kind, str]]:
    """Join neighbours of one kind; between two same parts, what is only in A stands first."""
    joined: list[tuple[Kind, str]] = []
    pending: dict[Kind, str] = {"only_a": "", "only_b": ""}

    def flush() -> None:
        for kind, text in pending.items():
            if text:
                joined.append((kind, text))
            pending[kind] = ""

    for kind, text in parts:
        if kind != "same":
            pending[kind] += text
        elif text:
            if any(pending.values()):
                flush()
            if joined and joined[-1][0] == "same":
                joined[-1] = ("same", joined[-1][1] + text)
            else:
                joined.append(("same", text))
    flush()
    return joined
