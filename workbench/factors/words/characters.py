"""What each code point is: its class, and its letter without case."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from workbench.data.digests import mixed

Keys = NDArray[np.uint64]

ALNUM, DIGIT, VOWEL, SPACE, JOINER, END, LETTER, LATIN, EMOJI = (1 << k for k in range(9))
"""Classes of characters."""

ASCII = 128
"""Code points below this stand for themselves in one byte."""

_STAND_INS = (ALNUM, SPACE, JOINER, 0)
"""Classes of the bytes from :data:`ASCII` on: all other code points are one of these."""

_LAST = 0x40000
"""Above are unassigned planes, tags and private use: neither letters, digits nor white space."""

_POINTS = 0x110000

BASE = 0x9E3779B97F4A7C15
"""Odd, so that it has an inverse modulo 2^64."""

_LATIN_BLOCKS = (
    (0x41, 0x24F), (0x250, 0x2AF), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xA720, 0xA7FF),
    (0xAB30, 0xAB6F), (0xFB00, 0xFB06), (0xFF21, 0xFF5A),
)  # fmt: skip

_EMOJI_BLOCKS = (
    (0x231A, 0x231B), (0x23E9, 0x23FA), (0x2600, 0x27BF), (0x2B05, 0x2B07), (0x2B1B, 0x2B1C),
    (0x2B50, 0x2B55), (0x1F1E6, 0x1F1FF), (0x1F300, 0x1F3FA), (0x1F400, 0x1FAFF),
)  # fmt: skip
"""Skin tones (0x1F3FB to 0x1F3FF) are left out: they colour the emoji before them."""


@cache
def classes() -> NDArray[np.uint16]:
    """Return the class bits of every code point."""
    return _classes(_POINTS)


@cache
def byte_classes() -> NDArray[np.uint16]:
    """Return the class bits of every byte that a batch holds: ASCII, then the stand-ins."""
    table = np.zeros(256, dtype=np.uint16)
    table[:ASCII] = _classes(ASCII)
    table[ASCII : ASCII + len(_STAND_INS)] = _STAND_INS
    return table


@cache
def stand_ins() -> NDArray[np.uint8]:
    """Return the byte that stands for each code point from :data:`ASCII` on."""
    of_class = np.full(ALNUM | SPACE | JOINER, ASCII + _STAND_INS.index(0), dtype=np.uint8)
    for k, flag in enumerate(_STAND_INS):
        of_class[flag] = ASCII + k
    return np.asarray(of_class[classes() & (ALNUM | SPACE | JOINER)])


@cache
def lower_codes() -> Keys:
    """Return a well-mixed 64-bit number for every code point, the same for both cases.

    Case is mapped character by character; letters whose lower case is several characters
    keep their own.
    """
    return _lower_codes(_POINTS)


@cache
def byte_lower_codes() -> Keys:
    """Return :func:`lower_codes` of ASCII, and 0 for the bytes of the stand-ins."""
    return np.append(_lower_codes(ASCII), np.zeros(256 - ASCII, dtype=np.uint64))


def _classes(n: int) -> NDArray[np.uint16]:
    known = min(n, _LAST)
    chars = np.arange(known, dtype=np.uint32).view("U1")
    letter = np.strings.isalpha(chars)
    table = np.zeros(n, dtype=np.uint16)
    table[:known] = ALNUM * np.strings.isalnum(chars) + LETTER * letter
    table[:known] += (SPACE * np.strings.isspace(chars)).astype(np.uint16)
    table[ord("0") : ord("9") + 1] |= DIGIT
    for flag, members in ((VOWEL, "aeiouyAEIOUY"), (JOINER, "'’-"), (END, ".!?")):
        for char in members:
            if ord(char) < n:
                table[ord(char)] |= flag
    for low, high in _LATIN_BLOCKS:
        table[low : high + 1] |= np.where(letter[low : high + 1], LATIN, 0).astype(np.uint16)
    for low, high in _EMOJI_BLOCKS:
        table[low : high + 1] |= EMOJI
    return table


def _lower_codes(n: int) -> Keys:
    lower = np.arange(n, dtype=np.uint64)
    for code in range(min(n, _LAST)):
        char = chr(code).lower()
        if len(char) == 1:
            lower[code] = ord(char)
    if n > ord("’"):
        lower[ord("’")] = ord("'")
    return mixed((lower + np.uint64(1)) * np.uint64(BASE))
