"""A prompt without what writing varies: case, white space, punctuation, forms of Unicode."""

from __future__ import annotations

import re
import unicodedata

SIGNS = "#%&*/@\\"
"""Punctuation that means something by itself and stays, as all symbols (+, <, =, $) do."""

_BETWEEN_DIGITS = re.compile(r"(?<=\d)[^\w+<=>^|~$#%&*/@\\]+(?=\d)|(?<!\w)-(?=\d)")
_LETTERS = re.compile(r"[^\W\d_]+")
_WITHOUT_SPACES = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORDS = re.compile(rf"[{_WITHOUT_SPACES}]|[^\W{_WITHOUT_SPACES}]+")
_MINUS, _BREAK = "\u2212", "\u00a6"
"""Symbols, so that they stay: a minus before a digit, and whatever else parts two numbers."""


class _Dropped(dict[int, int | None]):
    """White space, punctuation and control characters, told once a character."""

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        drops = unicodedata.category(character)[0] in "PZC" and character not in SIGNS
        self[code] = None if drops else code
        return self[code]


_DROPPED = _Dropped()


def folded(text: str) -> str:
    """Return a text in one case and in Unicode's form NFKC.

    Examples
    --------
    >>> folded("STRASSE") == folded("Straße")
    True
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def normal_form(text: str) -> str:
    """Return what two writings of one prompt have in common.

    Case is folded, Unicode is in form NFKC, white space and punctuation are gone. What
    parts two numbers stays, so that 1.5 is not 15, and signs do: 2+2, 2-2 and 2*2 differ,
    as C, C++ and C# do.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> normal_form("What's  the capital of France ?") == normal_form("whats the capital of FRANCE")
    True
    >>> normal_form("What is 2+2?") == normal_form("What is 2-2?")
    False
    """
    return stripped(folded(text))


def stripped(text: str) -> str:
    """Return a folded text without white space and punctuation."""
    return _BETWEEN_DIGITS.sub(_parted, text).translate(_DROPPED)


def numbers_and_signs(form: str) -> str:
    """Return all of a normal form but its words, each run of which is one space.

    Examples
    --------
    >>> numbers_and_signs("whatis2+3"), numbers_and_signs("hello")
    ('2+3', '')
    """
    return _LETTERS.sub(" ", form).strip()


def words(text: str) -> list[str]:
    """Return the words of a folded text; in scripts without spaces, its characters.

    Examples
    --------
    >>> words("say it: 猫です")
    ['say', 'it', '猫', 'で', 'す']
    """
    return _WORDS.findall(text)


def _parted(found: re.Match[str]) -> str:
    return _MINUS if any(unicodedata.category(c) == "Pd" for c in found[0]) else _BREAK
