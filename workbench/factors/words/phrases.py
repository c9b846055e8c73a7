"""How often the phrases of the tone factors stand in texts."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.data.digests import mixed
from workbench.factors.lexicon import PHRASES
from workbench.factors.tokens import Batch, Ints, hash_words
from workbench.factors.words.characters import BASE, Keys
from workbench.factors.words.word_table import WordTable

_BITS = 64
_LISTS = tuple(PHRASES)

Flags = NDArray[np.uint8]


class _Beginnings(NamedTuple):
    """All beginnings of phrases that have one number of words.

    Attributes
    ----------
    table : WordTable
        Of the hashes of their words, one after another.
    ends : ndarray of uint8
        The lists in which each is a whole phrase, as bits.
    goes_on : ndarray of bool
        Which are the beginning of a longer phrase.
    """

    table: WordTable
    ends: Flags
    goes_on: NDArray[np.bool_]


def phrase_counts(batch: Batch) -> dict[str, Ints]:
    """Return how often a phrase of each list begins in each text."""
    h, row = batch.word_hash, batch.word_row
    found = np.zeros(len(h), dtype=np.uint8)
    at, hashes = np.arange(len(h)), h
    for size, level in enumerate(_beginnings(), start=1):
        place, is_known = level.table.find(hashes)
        known = np.flatnonzero(is_known)
        place, at, hashes = place[known], at[known], hashes[known]
        if size > 1:
            # seldom left to be asked: the words are those of a phrase already
            near = (row[at] == row[at + size - 1]) & batch.apart_by_space(at + size - 2)
            place, at, hashes = place[near], at[near], hashes[near]
        found[at] |= level.ends[place]
        on = level.goes_on[place] & (at + size < len(h))
        at = at[on]
        hashes = _followed(hashes[on], h[at + size])
    at = np.flatnonzero(found != 0)
    found, row = found[at], row[at]
    return {
        name: np.bincount(row[found & (1 << k) != 0], minlength=len(batch))
        for k, name in enumerate(_LISTS)
    }


@cache
def _beginnings() -> list[_Beginnings]:
    """Return the beginnings of one word, of two words, and so on."""
    levels: list[dict[int, tuple[int, bool]]] = []
    for k, name in enumerate(_LISTS):
        for phrase in PHRASES[name]:
            words = hash_words(phrase.split())
            hashes = words[:1]
            for size in range(len(words)):
                if size:
                    hashes = _followed(hashes, words[size : size + 1])
                if len(levels) == size:
                    levels.append({})
                whole = size == len(words) - 1
                ends, goes_on = levels[size].get(int(hashes[0]), (0, False))
                levels[size][int(hashes[0])] = (ends | (whole << k), goes_on or not whole)
    return [_level(known) for known in levels]


def _level(known: dict[int, tuple[int, bool]]) -> _Beginnings:
    hashes = sorted(known)
    ends, goes_on = zip(*(known[one] for one in hashes), strict=True)
    table = WordTable.of(np.array(hashes, dtype=np.uint64), _BITS)
    return _Beginnings(table, np.array(ends, dtype=np.uint8), np.array(goes_on))


def _followed(hashes: Keys, words: Keys) -> Keys:
    return mixed((hashes * np.uint64(3) + np.uint64(1)) * np.uint64(BASE) + words)
