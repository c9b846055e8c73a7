"""Many texts as one array of bytes, with their words.

A batch is joined into one array, so that every factor is a few passes over it instead of
a loop over texts. The passes over all characters are few and of one byte each; the rest
looks at the gaps only (what is neither a letter nor a digit), which are a fifth of a text.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.data.digests import mixed
from workbench.factors.words.characters import (
    ALNUM,
    ASCII,
    BASE,
    JOINER,
    SPACE,
    VOWEL,
    Keys,
    byte_classes,
    byte_lower_codes,
    lower_codes,
    stand_ins,
)

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MAX_ROWS = 1 << 12
"""Rows of a batch: a key holds 12 bits of row and 52 bits of hash."""

HASH_BITS = 52

_STRETCH = 1 << 15
"""Characters of the pieces in which numbers of eight bytes a character are worked out."""

_INVERSE = pow(BASE, -1, 1 << 64)
_GAP, _VOWEL = 1, 2
_TWO_CLASSES = bytes(
    (0 if kind & ALNUM else _GAP) | (_VOWEL if kind & VOWEL else 0)
    for kind in byte_classes().tolist()
)

_ROW_SHIFT = np.uint64(HASH_BITS)
_HASH_SHIFT = np.uint64(64 - HASH_BITS)


class Batch:
    """Texts as arrays.

    Parameters
    ----------
    texts : sequence of str
        At most :data:`MAX_ROWS`. CRLF and CR line ends are read as LF.

    Attributes
    ----------
    joined : str
        All texts, each followed by a line end.
    codes : ndarray of uint8
        ASCII characters of ``joined``; others as a byte that stands for their class.
    wide_at, wide : ndarray of int, ndarray of uint32
        Where the other characters stand, and their code points.
    starts, ends : ndarray of int, shape (n,)
        Where each text begins and ends in ``codes``.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        joined = "\n".join([*texts, ""])
        if "\r" in joined:
            texts = [_unix_lines(text) if "\r" in text else text for text in texts]
            joined = "\n".join([*texts, ""])
        self.joined = joined
        self.codes, self.wide_at, self.wide = _bytes_of(joined)
        sizes = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        self.ends: Ints = np.cumsum(sizes + 1) - 1
        self.starts: Ints = self.ends - sizes

    def __len__(self) -> int:
        return len(self.starts)

    def count_at(self, positions: Ints) -> Ints:
        """Return how many of the sorted positions lie in each text."""
        bounds = np.searchsorted(positions, np.append(self.starts, len(self.codes)))
        return np.diff(bounds)

    @cached_property
    def _two_classes(self) -> NDArray[np.uint8]:
        """Of each character: whether it is a gap, and whether it is a vowel."""
        return np.frombuffer(self.codes.tobytes().translate(_TWO_CLASSES), dtype=np.uint8)

    @cached_property
    def gaps(self) -> Ints:
        """Where characters stand that are neither letters nor digits; the last ends the batch."""
        return np.flatnonzero((self._two_classes & _GAP).view(bool))

    @cached_property
    def gap_codes(self) -> NDArray[np.uint8]:
        """The characters there."""
        return self.codes.take(self.gaps)

    @cached_property
    def gap_kind(self) -> NDArray[np.uint16]:
        """Their class bits."""
        return byte_classes().take(self.gap_codes)

    @cached_property
    def gap_bounds(self) -> Ints:
        """Where the gaps of each text begin, and where the last one's end, shape (n + 1,)."""
        return np.append(0, np.searchsorted(self.gaps, self.ends) + 1)

    @cached_property
    def run_length(self) -> Ints:
        """Letters and digits between each gap and the one before it."""
        return np.asarray(np.diff(self.gaps, prepend=-1) - 1)

    @cached_property
    def gap_space(self) -> Bools:
        """Which of them are white space."""
        return np.asarray(self.gap_kind & SPACE != 0)

    @cached_property
    def mark_at(self) -> Ints:
        """Where characters stand that are neither letters, digits nor white space."""
        return self.gaps[~self.gap_space]

    @cached_property
    def mark_codes(self) -> NDArray[np.uint8]:
        """The characters there."""
        return self.codes.take(self.mark_at)

    @cached_property
    def digit_at(self) -> Ints:
        """Where the digits 0 to 9 stand."""
        # the codes are unsigned: what stands before 0 turns large
        return np.flatnonzero(self.codes - np.uint8(ord("0")) < np.uint8(10))

    def where(self, *chars: str) -> Ints:
        """Return where some marks of ASCII stand."""
        found = self.mark_codes == ord(chars[0])
        for char in chars[1:]:
            found |= self.mark_codes == ord(char)
        return np.asarray(self.mark_at[found])

    @cached_property
    def _word_gaps(self) -> tuple[Ints, Ints]:
        """The numbers of the gaps that end the first and the last run of each word."""
        solid = self.run_length > 0
        first, last = solid.copy(), solid.copy()
        joins = np.flatnonzero((self.gap_kind[:-1] & JOINER != 0) & solid[:-1] & solid[1:])
        first[joins + 1] = False
        last[joins] = False
        return np.flatnonzero(first), np.flatnonzero(last)

    @cached_property
    def words(self) -> tuple[Ints, Ints]:
        """Start and end (exclusive) of each word of all texts, in order."""
        first, last = self._word_gaps
        return self.gaps.take(first) - self.run_length.take(first), self.gaps.take(last)

    @cached_property
    def word_bounds(self) -> Ints:
        """Where the words of each text begin, and where the last one's end, shape (n + 1,)."""
        return np.searchsorted(self.words[0], np.append(self.starts, len(self.codes)))

    @cached_property
    def word_count(self) -> Ints:
        """Words of each text."""
        return np.diff(self.word_bounds)

    @cached_property
    def word_row(self) -> Ints:
        """The text of each word."""
        return np.repeat(np.arange(len(self)), self.word_count)

    def apart_by_space(self, word: Ints) -> Bools:
        """Return which words have nothing but white space between them and the next word."""
        first, last = self._word_gaps
        before = self._marks_before
        return np.asarray(before[last[word]] == before[first[word + 1]])

    @cached_property
    def _marks_before(self) -> Ints:
        return _cumulated(~self.gap_space)

    @cached_property
    def _stretches(self) -> list[tuple[slice, slice]]:
        """Pieces of the words that fit the processor's cache, and their characters."""
        start, end = self.words
        found, first = [], 0
        while first < len(start):
            begin = int(start[first])
            last = max(int(np.searchsorted(end, begin + _STRETCH, side="right")), first + 1)
            found.append((slice(first, last), slice(begin, int(end[last - 1]))))
            first = last
        return found

    def _scratch(self, dtype: type[np.generic]) -> NDArray[Any]:
        """Return room for a number before each character of a piece, and behind the last."""
        size = max((of.stop - of.start for _, of in self._stretches), default=0)
        return np.zeros(size + 1, dtype=dtype)

    @cached_property
    def word_hash(self) -> Keys:
        """A 64-bit hash of each word, case ignored: the same for the same word everywhere."""
        start, end = self.words
        found = np.empty(len(start), dtype=np.uint64)
        letters, total = self._scratch(np.uint64), self._scratch(np.uint64)
        powers, inverse = _powers(len(letters))
        for words, of in self._stretches:
            size = of.stop - of.start
            byte_lower_codes().take(self.codes[of], out=letters[:size], mode="clip")
            wide = slice(*np.searchsorted(self.wide_at, [of.start, of.stop]))
            letters[self.wide_at[wide] - of.start] = lower_codes().take(self.wide[wide])
            np.multiply(letters[:size], powers[:size], out=letters[:size])
            np.cumsum(letters[:size], out=total[1 : size + 1])
            first, last = start[words] - of.start, end[words] - of.start
            found[words] = (total.take(last) - total.take(first)) * inverse.take(first)
        # mixed, so that sums of hashes (runs of words) do not meet by their linear make-up
        return mixed(found)

    @cached_property
    def vowel_runs(self) -> Ints:
        """Runs of vowels in each word."""
        start, end = self.words
        found = np.empty(len(start), dtype=np.int64)
        before = self._scratch(np.int32)
        for words, of in self._stretches:
            size = of.stop - of.start
            vowel = self._two_classes[of] & _VOWEL != 0
            begins = vowel.copy()
            np.greater(vowel[1:], vowel[:-1], out=begins[1:])
            np.cumsum(begins, out=before[1 : size + 1])
            first, last = start[words] - of.start, end[words] - of.start
            found[words] = before.take(last) - before.take(first)
        return found

    @cached_property
    def word_keys(self) -> Keys:
        """Row and hash of each word in one sorted integer, repeats included."""
        return _sorted_by_row(keys(self.word_row, self.word_hash), self.word_bounds)

    @cached_property
    def word_set(self) -> tuple[Keys, Ints]:
        """The distinct ones of the word keys, and how often each stands in its text."""
        return distinct(self.word_keys)

    @cached_property
    def set_bounds(self) -> Ints:
        """Where the distinct words of each text begin, and where the last one's end."""
        count = self.word_set[1]
        return np.searchsorted(np.cumsum(count) - count, self.word_bounds)

    @cached_property
    def trigram_bounds(self) -> Ints:
        """Where the runs of three words of each text begin, and where the last one's end."""
        return np.append(0, np.cumsum(np.maximum(self.word_count - 2, 0)))

    @cached_property
    def trigram_keys(self) -> Keys:
        """Row and hash of each run of three words of one text, sorted, repeats included."""
        h, row = self.word_hash, self.word_row
        three = mixed((h[:-2] * np.uint64(3) + h[1:-1]) * np.uint64(BASE) + h[2:])
        whole = keys(row[:-2], three)[row[:-2] == row[2:]]
        return _sorted_by_row(whole, self.trigram_bounds)


def row_sums(values: NDArray[np.generic], bounds: Ints) -> Ints:
    """Return the sums of the pieces of an array of integers that the bounds tell.

    Examples
    --------
    >>> row_sums(np.array([1, 2, 4]), np.array([0, 2, 2, 3])).tolist()
    [3, 0, 4]
    """
    return np.diff(_cumulated(values).take(bounds))


def _cumulated(values: NDArray[np.generic]) -> Ints:
    """Return the sums of all values before each, and of all."""
    total = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=total[1:])
    return total


def keys(row: Ints, hashes: Keys) -> Keys:
    """Pack rows and the upper 52 bits of hashes into integers that sort by row."""
    return (row.view(np.uint64) << _ROW_SHIFT) | (hashes >> _HASH_SHIFT)


def key_rows(packed: Keys) -> Ints:
    """Return the row of each key."""
    return (packed >> _ROW_SHIFT).view(np.int64)


def key_hashes(packed: Keys) -> Keys:
    """Return the hash part of each key, comparable with ``hash >> 12``."""
    return packed & np.uint64((1 << HASH_BITS) - 1)


def with_row(packed: Keys, row: Ints) -> Keys:
    """Return keys of the same hashes in other rows."""
    return (row.view(np.uint64) << _ROW_SHIFT) | key_hashes(packed)


def distinct(sorted_keys: Keys) -> tuple[Keys, Ints]:
    """Return the distinct values of a sorted array and how often each stands in it."""
    if len(sorted_keys) == 0:
        return sorted_keys, np.empty(0, dtype=np.int64)
    first = np.append(0, np.flatnonzero(sorted_keys[1:] != sorted_keys[:-1]) + 1)
    return sorted_keys.take(first), np.diff(first, append=len(sorted_keys))


def repeats(sorted_keys: Keys, bounds: Ints) -> Ints:
    """Return how many of the sorted keys of each text came before in it."""
    if len(sorted_keys) == 0:
        return np.zeros(len(bounds) - 1, dtype=np.int64)
    again = np.flatnonzero(sorted_keys[1:] == sorted_keys[:-1]) + 1
    return np.diff(np.searchsorted(again, bounds))


def contains(sorted_keys: Keys, wanted: Keys) -> Bools:
    """Return which wanted values stand in a sorted array."""
    if len(sorted_keys) == 0:
        return np.zeros(len(wanted), dtype=bool)
    at = np.searchsorted(sorted_keys, wanted)
    return np.asarray(sorted_keys.take(at, mode="clip") == wanted)


def runs(positions: Ints) -> tuple[Ints, Ints]:
    """Return start and end (exclusive) of each run of neighbouring, sorted positions.

    Examples
    --------
    >>> [part.tolist() for part in runs(np.array([1, 2, 4]))]
    [[1, 4], [3, 5]]
    """
    breaks = np.flatnonzero(np.diff(positions) > 1)
    first = np.append(0, breaks + 1)[: len(positions)]
    last = np.append(breaks, len(positions) - 1)[: len(positions)]
    return positions[first], positions[last] + 1


def hash_words(words: Sequence[str]) -> Keys:
    """Return the hashes of single words, as :attr:`Batch.word_hash` gives them."""
    batch = Batch(list(words))
    return batch.word_hash[batch.word_bounds[:-1]]


def _unix_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _bytes_of(joined: str) -> tuple[NDArray[np.uint8], Ints, NDArray[np.uint32]]:
    if joined.isascii():
        codes = np.frombuffer(joined.encode(), dtype=np.uint8)
        return codes, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint32)
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    wide_at = np.flatnonzero(points >= ASCII)
    wide = points.take(wide_at)
    codes = points.astype(np.uint8)
    codes[wide_at] = stand_ins().take(wide)
    return codes, wide_at, wide


def _sorted_by_row(packed: Keys, bounds: Ints) -> Keys:
    """Sort keys in place that are sorted by row: the short pieces sort many times faster."""
    for start, end in itertools.pairwise(bounds.tolist()):
        packed[start:end].sort()
    return packed


def _powers(n: int) -> tuple[Keys, Keys]:
    """Return the powers 0 to n - 1 of the base, and of its inverse, modulo 2^64."""
    size = 1 << max(n, 2).bit_length()
    return _power_table(BASE, size)[:n], _power_table(_INVERSE, size)[:n]


@lru_cache(maxsize=8)
def _power_table(base: int, n: int) -> Keys:
    steps = np.full(n, base, dtype=np.uint64)
    steps[0] = 1
    return np.cumprod(steps, dtype=np.uint64)
