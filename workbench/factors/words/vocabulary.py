"""Words of the prompts, and how rare each is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from workbench.factors.tokens import (
    HASH_BITS,
    MAX_ROWS,
    Batch,
    Ints,
    distinct,
    key_hashes,
    key_rows,
)
from workbench.factors.words.characters import Keys
from workbench.factors.words.word_table import WordTable

Array = NDArray[np.float64]

_MANY = 1 << 21
"""Words that wait to be counted: they bound the memory, whatever the number of prompts."""

_NOTHING = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class PromptWords:
    """The distinct words of distinct prompts: what a part of the data adds to a vocabulary.

    Attributes
    ----------
    prompts : ndarray of uint64, shape (n,)
        Digests of the prompts.
    words : ndarray of uint64
        Hashes of the words of one prompt after another.
    sizes : ndarray of int, shape (n,)
        Distinct words of each prompt.
    """

    prompts: Keys
    words: Keys
    sizes: Ints

    @classmethod
    def of(cls, prompts: Iterable[str]) -> PromptWords:
        """Read prompts; each counts once.

        Examples
        --------
        >>> part = PromptWords.of(["Why, why?", "Why not", "Why, why?"])
        >>> part.sizes.tolist(), len(part.words)
        ([1, 2], 3)
        """
        texts = list(dict.fromkeys(prompts))
        words, sizes = [np.empty(0, dtype=np.uint64)], [np.empty(0, dtype=np.int64)]
        for start in range(0, len(texts), MAX_ROWS):
            batch = Batch(texts[start : start + MAX_ROWS])
            found = batch.word_set[0]
            words.append(key_hashes(found))
            sizes.append(np.bincount(key_rows(found), minlength=len(batch)))
        digests = b"".join(_digest(text) for text in texts)
        return cls(np.frombuffer(digests, np.uint64), np.concatenate(words), np.concatenate(sizes))


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words of the prompts with their inverse document frequency.

    Attributes
    ----------
    words : ndarray of uint64
        Hashes of the words, sorted.
    idf : ndarray, shape (words,)
        ``ln((1 + P) / (1 + df)) + 1`` over the P distinct prompts.
    """

    words: Keys
    idf: Array

    @classmethod
    def learn(cls, prompts: Iterable[str]) -> Vocabulary:
        """Count the distinct prompts that each word stands in."""
        texts = list(dict.fromkeys(prompts))
        return cls.of_distinct(texts[k : k + MAX_ROWS] for k in range(0, len(texts), MAX_ROWS))

    @classmethod
    def of_distinct(cls, prompts: Iterable[Sequence[str]]) -> Vocabulary:
        """Count the prompts that each word stands in, of prompts that all differ.

        Parameters
        ----------
        prompts : iterable of sequences of str
            A few at a time, at most 4096.
        """
        found, n, waiting = _NOTHING, 0, [_NOTHING[0]]
        for texts in prompts:
            n += len(texts)
            waiting.append(key_hashes(Batch(texts).word_set[0]))
            if sum(map(len, waiting)) > _MANY:
                found, waiting = _added(found, np.concatenate(waiting)), [_NOTHING[0]]
        words, df = _added(found, np.concatenate(waiting))
        return cls(words, _idf(n, df))

    @classmethod
    def of_parts(cls, parts: Iterable[PromptWords]) -> Vocabulary:
        """Count the distinct prompts of all parts, wherever each of them stands.

        The vocabulary is that of all prompts together, byte for byte, however they are parted.

        Examples
        --------
        >>> parts = [["Why?", "Why not?"], ["Why?", "Not now"]]
        >>> one = Vocabulary.of_parts(PromptWords.of(part) for part in parts)
        >>> whole = Vocabulary.learn(["Why?", "Why not?", "Not now"])
        >>> bool((one.idf == whole.idf).all() and (one.words == whole.words).all())
        True
        """
        seen, found = _NOTHING[0], _NOTHING
        for part in parts:
            new = ~np.isin(part.prompts, seen)
            seen = np.concatenate([seen, part.prompts[new]])
            found = _added(found, part.words[np.repeat(new, part.sizes)])
        words, df = found
        return cls(words, _idf(len(seen), df))

    @cached_property
    def _table(self) -> tuple[WordTable, Array]:
        return WordTable.of(self.words, HASH_BITS), np.append(self.idf, 0.0)

    def weights(self, hashes: Keys) -> Array:
        """Return the inverse document frequency of each word, 0 of unknown ones."""
        table, idf = self._table
        at, known = table.find(hashes)
        return np.where(known, idf.take(at), 0.0)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _idf(n: int, df: Ints) -> Array:
    return np.asarray(np.log((1 + n) / (1 + df)) + 1.0)


def _added(found: tuple[Keys, Ints], hashes: Keys) -> tuple[Keys, Ints]:
    """Return sorted words and how often each was found, with those found now."""
    new, again = distinct(np.sort(hashes))
    if not len(found[0]):
        return new, again
    words = np.union1d(found[0], new)
    total = np.zeros(len(words), dtype=np.int64)
    for known, count in (found, (new, again)):
        total[np.searchsorted(words, known)] += count
    return words, total
