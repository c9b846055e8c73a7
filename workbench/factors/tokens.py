"""Many texts as one array of code points, with their words.

A batch is joined into one array, so that every factor is a few passes over it instead of
a loop over texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Keys = NDArray[np.uint64]

ALNUM, DIGIT, VOWEL, SPACE, JOINER, END, LETTER, LATIN, EMOJI = (1 << k for k in range(9))
"""Classes of characters."""

MAX_ROWS = 1 << 12
"""Rows of a batch: a key holds 12 bits of row and 52 bits of hash."""

_ROW_SHIFT = np.uint64(52)
_HASH_SHIFT = np.uint64(12)
_BASE = 0x9E3779B97F4A7C15
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


class Batch:
    """Texts as arrays.

    Parameters
    ----------
    texts : sequence of str
        At most :data:`MAX_ROWS`. CRLF and CR line ends are read as LF.

    Attributes
    ----------
    codes : ndarray of uint32
        Code points of all texts, each followed by a line end.
    starts, ends : ndarray of int, shape (n,)
        Where each text begins and ends in ``codes``.
    kind : ndarray of uint16
        Class bits of each code point.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        texts = [_unix_lines(text) if "\r" in text else text for text in texts]
        self.texts = texts
        joined = "\n".join([*texts, ""])
        self.codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        sizes = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        self.ends = np.cumsum(sizes + 1) - 1
        self.starts = self.ends - sizes
        self.kind = character_classes()[self.codes]

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def row(self) -> NDArray[np.int32]:
        """The text that each code point belongs to."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.ends - self.starts + 1)

    def has(self, flag: int) -> Bools:
        """Return which code points are of a class."""
        return np.asarray((self.kind & flag) != 0)

    def count(self, mask: Bools) -> Ints:
        """Return how many marked code points each text has."""
        return self.count_at(np.flatnonzero(mask))

    def count_at(self, positions: Ints) -> Ints:
        """Return how many of the sorted positions lie in each text."""
        bounds = np.searchsorted(positions, np.append(self.starts, len(self.codes)))
        return np.diff(bounds)

    @cached_property
    def words(self) -> tuple[Ints, Ints]:
        """Start and end (exclusive) of each word of all texts, in order."""
        alnum = self.has(ALNUM)
        inside = alnum.copy()
        inside[1:-1] |= self.has(JOINER)[1:-1] & alnum[:-2] & alnum[2:]
        return runs(inside)

    @cached_property
    def mark_at(self) -> Ints:
        """Where characters stand that are neither letters, digits nor white space."""
        return np.flatnonzero((self.kind & (ALNUM | SPACE)) == 0)

    def apart_by_space(self, word: Ints) -> Bools:
        """Return which words have nothing but white space between them and the next word."""
        start, end = self.words
        before = np.searchsorted(self.mark_at, end[word])
        return np.asarray(before == np.searchsorted(self.mark_at, start[word + 1]))

    @cached_property
    def word_row(self) -> Ints:
        """The text of each word."""
        return self.row[self.words[0]].astype(np.int64)

    @cached_property
    def word_count(self) -> Ints:
        """Words of each text."""
        return self.count_at(self.words[0])

    @cached_property
    def word_hash(self) -> Keys:
        """A 64-bit hash of each word, case ignored: the same for the same word everywhere."""
        start, end = self.words
        powers, inverse = _powers(len(self.codes))
        mixed = _lower_codes()[self.codes] * powers
        total = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(mixed, dtype=np.uint64)])
        # mixed, so that sums of hashes (runs of words) do not meet by their linear make-up
        return _mix((total[end] - total[start]) * inverse[start])

    @cached_property
    def word_keys(self) -> Keys:
        """Row and hash of each word in one sorted integer, repeats included."""
        return np.sort(keys(self.word_row, self.word_hash))

    @cached_property
    def trigram_keys(self) -> Keys:
        """Row and hash of each run of three words of one text, sorted, repeats included."""
        h, row = self.word_hash, self.word_row
        if len(h) < 3:
            return np.empty(0, dtype=np.uint64)
        whole = row[:-2] == row[2:]
        three = _mix((h[:-2] * np.uint64(3) + h[1:-1]) * np.uint64(_BASE) + h[2:])
        return np.sort(keys(row[:-2][whole], three[whole]))


def keys(row: Ints, hashes: Keys) -> Keys:
    """Pack rows and the upper 52 bits of hashes into integers that sort by row."""
    return (row.astype(np.uint64) << _ROW_SHIFT) | (hashes >> _HASH_SHIFT)


def key_rows(packed: Keys) -> Ints:
    """Return the row of each key."""
    return (packed >> _ROW_SHIFT).astype(np.int64)


def key_hashes(packed: Keys) -> Keys:
    """Return the hash part of each key, comparable with ``hash >> 12``."""
    return packed & np.uint64((1 << 52) - 1)


def distinct(sorted_keys: Keys) -> tuple[Keys, Ints]:
    """Return the distinct values of a sorted array and how often each stands in it."""
    if len(sorted_keys) == 0:
        return sorted_keys, np.empty(0, dtype=np.int64)
    first = np.flatnonzero(np.r_[True, sorted_keys[1:] != sorted_keys[:-1]])
    return sorted_keys[first], np.diff(np.append(first, len(sorted_keys)))


def contains(sorted_keys: Keys, wanted: Keys) -> Bools:
    """Return which wanted values stand in a sorted array."""
    if len(sorted_keys) == 0:
        return np.zeros(len(wanted), dtype=bool)
    at = np.searchsorted(sorted_keys, wanted)
    return np.asarray(sorted_keys[np.minimum(at, len(sorted_keys) - 1)] == wanted)


def runs(mask: Bools) -> tuple[Ints, Ints]:
    """Return start and end (exclusive) of each run of True.

    Examples
    --------
    >>> [part.tolist() for part in runs(np.array([0, 1, 1, 0, 1], bool))]
    [[1, 4], [3, 5]]
    """
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return edges[::2], edges[1::2]


def hash_words(words: Sequence[str]) -> Keys:
    """Return the hashes of single words, as :attr:`Batch.word_hash` gives them."""
    batch = Batch(list(words))
    start = batch.words[0]
    first = np.searchsorted(start, batch.starts)
    return batch.word_hash[first]


@cache
def character_classes() -> NDArray[np.uint16]:
    """Return the class bits of every code point."""
    table = np.zeros(0x110000, dtype=np.uint16)
    for code in range(0x110000):
        char = chr(code)
        if char.isalnum():
            table[code] = ALNUM | (LETTER if char.isalpha() else 0)
        elif char.isspace():
            table[code] = SPACE
    table[ord("0") : ord("9") + 1] |= DIGIT
    for char in "aeiouyAEIOUY":
        table[ord(char)] |= VOWEL
    for char in "'’-":
        table[ord(char)] |= JOINER
    for char in ".!?":
        table[ord(char)] |= END
    letters = (table & LETTER) != 0
    for low, high in _LATIN_BLOCKS:
        table[low : high + 1] |= np.where(letters[low : high + 1], LATIN, 0).astype(np.uint16)
    for low, high in _EMOJI_BLOCKS:
        table[low : high + 1] |= EMOJI
    return table


@cache
def _lower_codes() -> Keys:
    """Return a well-mixed 64-bit number for every code point, the same for both cases.

    Case is mapped character by character; letters whose lower case is several characters
    keep their own.
    """
    lower = np.arange(0x110000, dtype=np.uint64)
    for code in range(0x110000):
        char = chr(code).lower()
        if len(char) == 1:
            lower[code] = ord(char)
    lower[ord("’")] = ord("'")
    return _mix((lower + np.uint64(1)) * np.uint64(_BASE))


def _mix(z: Keys) -> Keys:
    """Spread every bit over all bits (the finaliser of splitmix64)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _powers(n: int) -> tuple[Keys, Keys]:
    """Return the powers 0 to at least n of the base, and of its inverse, modulo 2^64."""
    size = 1 << max(n + 1, 2).bit_length()
    return _power_table(_BASE, size)[:n], _power_table(pow(_BASE, -1, 1 << 64), size)


@lru_cache(maxsize=8)
def _power_table(base: int, n: int) -> Keys:
    steps = np.full(n, base, dtype=np.uint64)
    steps[0] = 1
    return np.cumprod(steps, dtype=np.uint64)


def _unix_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
