"""Which words of a batch belong to a list of words, long or short."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from workbench.factors.tokens import Bools, Ints
from workbench.factors.words.characters import Keys

_SPREAD, _FEWEST = 1, 13
"""Buckets a word, as a power of two, and the fewest: most words of a short list have their own."""


class WordTable(NamedTuple):
    """Sorted hashes of words, with where the words of each bucket (leading bits) begin.

    Hashes are spread evenly, so that a bucket tells the place of a word within one or two; a
    binary search would take twenty steps through memory.

    Attributes
    ----------
    words : ndarray of uint64
        Sorted, and the largest number behind them.
    first : ndarray of int
        Of each bucket.
    shift : int
        Bits of a hash behind those of the bucket.
    """

    words: Keys
    first: Ints
    shift: np.uint64

    @classmethod
    def of(cls, words: Keys, bits: int) -> WordTable:
        """Build a table of sorted, distinct hashes of so many bits.

        Examples
        --------
        >>> table = WordTable.of(np.array([3, 70], dtype=np.uint64), bits=8)
        >>> [part.tolist() for part in table.find(np.array([70, 4, 3, 255], dtype=np.uint64))]
        [[1, 1, 0, 2], [True, False, True, False]]
        """
        own = min(max(len(words).bit_length() + _SPREAD, _FEWEST), bits)
        shift = np.uint64(bits - own)
        lowest = np.arange(1 << own, dtype=np.uint64) << shift
        last = np.uint64((1 << 64) - 1)
        return cls(np.append(words, last), np.searchsorted(words, lowest), shift)

    def find(self, hashes: Keys) -> tuple[Ints, Bools]:
        """Return where each hash stands among the words, or would, and whether it does."""
        at = self.first.take((hashes >> self.shift).view(np.int64))
        there = self.words.take(at)
        behind = np.flatnonzero(there < hashes)
        while len(behind):
            at[behind] += 1
            there[behind] = self.words.take(at[behind])
            behind = behind[there[behind] < hashes[behind]]
        return at, np.asarray(there == hashes)
