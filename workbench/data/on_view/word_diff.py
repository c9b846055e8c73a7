"""Where two texts differ, word by word."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "only_a", "only_b"]
Unit = Literal["word", "phrase", "line", "text"]

_SIGNS = (
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"
)
"""Han and Kana: a sign is compared by itself."""
_SYLLABLES = "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f"
"""Thai, Lao, Tibetan, Myanmar and Khmer: a letter is compared with the marks that it carries."""
_JOINERS = "\u1039\u17d2"
"""Signs of Myanmar and Khmer that put the next letter below the one before."""
_UNSPACED = _SIGNS + _SYLLABLES
_PAUSES = "\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f\u0f0d\u104a\u104b\u17d4\u17d5.,!?;:"


def _marks() -> str:
    """Return the signs that stand on, under or beside the letter before them."""
    ranges = ((0x0300, 0x0370), (0x0E00, 0x10A0), (0x1780, 0x1800), (0xA9E0, 0xAA80),
              (0xFE00, 0xFE10))  # fmt: skip
    found = (chr(code) for low, high in ranges for code in range(low, high))
    carried = (sign for sign in found if unicodedata.category(sign) in ("Mn", "Mc"))
    # the voice marks of Kana, also in half width, and the second half of Thai and Lao vowels
    return "".join(carried) + "\u3099\u309a\uff9e\uff9f\u0e33\u0eb3"


_CARRIED = f"[{_marks()}]"
_ONE = rf"[{_UNSPACED}](?:[{_JOINERS}][{_SYLLABLES}]|{_CARRIED})*"
_UNITS: dict[Unit, re.Pattern[str]] = {
    # scripts without spaces are compared sign by sign
    "word": re.compile(rf"({_ONE}|[^\s{_UNSPACED}]+)"),
    # what scripts without spaces have between a sign and a line
    "phrase": re.compile(rf"([^\s{_PAUSES}]*[{_PAUSES}]+|[^\s{_PAUSES}]+)"),
    "line": re.compile(r"([^\n]+)"),
}
_MOST = 4_000
"""Words (phrases, lines) of one text up to which the search is made."""
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
    unit : {"word", "phrase", "line", "text"}
        What was compared: long or very repetitive texts are compared by phrases (between
        spaces and punctuation), or lines, and where even those are too many, as a whole.
        The words of scripts without spaces are their single signs.
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
            return Difference(tuple(_joined(_compare(first, second))), unit)
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
