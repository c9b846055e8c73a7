"""How a response relates to its prompt."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.factors.lexicon import STOP_WORDS
from workbench.factors.tokens import (
    HASH_BITS,
    Batch,
    Ints,
    contains,
    distinct,
    hash_words,
    key_hashes,
    key_rows,
    row_sums,
    with_row,
)
from workbench.factors.words.characters import Keys
from workbench.factors.words.vocabulary import Vocabulary
from workbench.factors.words.word_table import WordTable

Array = NDArray[np.float64]


class Relation:
    """Responses of a batch beside their prompts.

    Parameters
    ----------
    response : Batch
    prompt : Batch
        Each prompt once.
    asked : ndarray of int, shape (n responses,)
        Which prompt each response answers.
    vocabulary : Vocabulary
        Of :meth:`tfidf_cosine`.
    """

    def __init__(self, response: Batch, prompt: Batch, asked: Ints, vocabulary: Vocabulary) -> None:
        self.response, self.prompt, self.asked = response, prompt, asked
        self.vocabulary = vocabulary

    @classmethod
    def between(cls, response: Batch, prompts: Sequence[str], vocabulary: Vocabulary) -> Relation:
        """Read the prompt of each response; one that stands several times is read once."""
        number: dict[str, int] = {}
        asked = [number.setdefault(prompt, len(number)) for prompt in prompts]
        return cls(response, Batch(list(number)), np.array(asked, dtype=np.int64), vocabulary)

    @cached_property
    def _shared(self) -> tuple[Ints, Ints]:
        """Where the words that a response shares with its prompt stand, in the sets of both."""
        said, wanted = self.response.word_set[0], self.prompt.word_set[0]
        place, row = _repeated(wanted, len(self.prompt), self.asked)
        keys = with_row(wanted.take(place), row)
        at = np.searchsorted(said, keys)
        there = np.flatnonzero(said.take(at, mode="clip") == keys) if len(said) else at[:0]
        return at.take(there), place.take(there)

    def prompt_overlap(self) -> Array:
        """Share of the response's distinct words, stop words aside, that the prompt has."""
        said = self.response.word_set[0]
        content = ~_stop_words().find(key_hashes(said))[1]
        total = row_sums(content, self.response.set_bounds)
        both = self._shared[0]
        rows = key_rows(said[both[content[both]]])
        part = np.bincount(rows, minlength=len(self.response))
        return _share(part, total)

    def echo(self) -> Array:
        """Share of the prompt's distinct runs of three words that the response repeats."""
        runs = distinct(self.prompt.trigram_keys)[0]
        total = np.bincount(key_rows(runs), minlength=len(self.prompt))
        place, row = _repeated(runs, len(self.prompt), self.asked)
        found = contains(self.response.trigram_keys, with_row(runs.take(place), row))
        part = np.bincount(row[found], minlength=len(self.response))
        return _share(part, total.take(self.asked))

    def tfidf_cosine(self) -> Array:
        """Cosine of the TF-IDF vectors of response and prompt; 0 where one of them is empty."""
        said_value, said_norm = _vectors(self.response, self.vocabulary)
        asked_value, asked_norm = _vectors(self.prompt, self.vocabulary)
        at, place = self._shared
        product = asked_value.take(place) * said_value.take(at)
        row = key_rows(self.response.word_set[0].take(at))
        dot = np.bincount(row, product, len(self.response))
        size = asked_norm.take(self.asked) * said_norm
        return np.divide(dot, size, out=np.zeros(len(dot)), where=size > 0)


def _vectors(batch: Batch, vocabulary: Vocabulary) -> tuple[Array, Array]:
    """Return the TF-IDF of each word of each text, and each text's norm."""
    found, count = batch.word_set
    value = count * vocabulary.weights(key_hashes(found))
    return value, np.sqrt(np.bincount(key_rows(found), value**2, len(batch)))


def _repeated(found: Keys, n: int, asked: Ints) -> tuple[Ints, Ints]:
    """Return the keys of the prompt of each response (where they stand), and the response."""
    bounds = np.searchsorted(key_rows(found), np.arange(n + 1))
    size = np.diff(bounds).take(asked)
    row = np.repeat(np.arange(len(asked)), size)
    before = np.cumsum(size) - size
    return np.arange(len(row)) + (bounds.take(asked) - before).take(row), row


def _share(part: Ints, total: Ints) -> Array:
    return np.divide(part, total, out=np.zeros(len(part)), where=total > 0)


@cache
def _stop_words() -> WordTable:
    hashes = hash_words(sorted(STOP_WORDS)) >> np.uint64(64 - HASH_BITS)
    return WordTable.of(np.sort(hashes), HASH_BITS)
