"""How a response relates to its prompt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from workbench.factors.lexicon import STOP_WORDS
from workbench.factors.tokens import (
    MAX_ROWS,
    Batch,
    Bools,
    Keys,
    contains,
    distinct,
    hash_words,
    key_hashes,
    key_rows,
)

Array = NDArray[np.float64]


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
        found = []
        for start in range(0, len(texts), MAX_ROWS):
            batch = Batch(texts[start : start + MAX_ROWS])
            found.append(key_hashes(distinct(batch.word_keys)[0]))
        everything = np.concatenate(found) if found else np.empty(0, dtype=np.uint64)
        words, df = distinct(np.sort(everything))
        return cls(words, np.log((1 + len(texts)) / (1 + df)) + 1.0)

    def vectors(self, batch: Batch) -> tuple[Keys, Array, Array]:
        """Return the keys of the known words of a batch, their TF-IDF, and each row's norm."""
        found, count = distinct(batch.word_keys)
        hashes = key_hashes(found)
        known = contains(self.words, hashes)
        value = count[known] * self.idf[np.searchsorted(self.words, hashes[known])]
        norm = np.sqrt(np.bincount(key_rows(found[known]), value**2, len(batch)))
        return found[known], value, norm


def prompt_overlap(response: Batch, prompt: Batch) -> Array:
    """Share of the response's distinct words, stop words aside, that the prompt has."""
    words = distinct(response.word_keys)[0]
    words = words[~contains(_stop_hashes(), key_hashes(words))]
    shared = contains(prompt.word_keys, words)
    return _share(words, shared, len(response))


def echo(response: Batch, prompt: Batch) -> Array:
    """Share of the prompt's distinct runs of three words that the response repeats."""
    runs = distinct(prompt.trigram_keys)[0]
    return _share(runs, contains(response.trigram_keys, runs), len(response))


def tfidf_cosine(response: Batch, prompt: Batch, vocabulary: Vocabulary) -> Array:
    """Cosine of the TF-IDF vectors of response and prompt; 0 where one of them is empty."""
    asked, asked_value, asked_norm = vocabulary.vectors(prompt)
    said, said_value, said_norm = vocabulary.vectors(response)
    shared = contains(said, asked)
    at = np.searchsorted(said, asked[shared])
    product = asked_value[shared] * said_value[at]
    dot = np.bincount(key_rows(asked[shared]), product, len(response))
    size = asked_norm * said_norm
    return np.divide(dot, size, out=np.zeros(len(response)), where=size > 0)


def _share(found: Keys, chosen: Bools, n: int) -> Array:
    total = np.bincount(key_rows(found), minlength=n)
    part = np.bincount(key_rows(found[chosen]), minlength=n)
    return np.divide(part, total, out=np.zeros(n), where=total > 0)


@cache
def _stop_hashes() -> Keys:
    return np.sort(hash_words(sorted(STOP_WORDS)) >> np.uint64(12))
