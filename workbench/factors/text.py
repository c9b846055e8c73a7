"""Text factors: a pure function from a batch of texts to values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import DesignError
from workbench.factors.catalog import FAMILIES, STYLE
from workbench.factors.lexicon import PHRASES
from workbench.factors.markdown import Structure
from workbench.factors.relation import Vocabulary, echo, prompt_overlap, tfidf_cosine
from workbench.factors.tokens import (
    ALNUM,
    DIGIT,
    EMOJI,
    END,
    LATIN,
    LETTER,
    MAX_ROWS,
    SPACE,
    VOWEL,
    Batch,
    Ints,
    Keys,
    distinct,
    hash_words,
    key_rows,
    runs,
)

Array = NDArray[np.float64]

CITATION = re.compile(
    r"\[[0-9]{1,3}(?:, ?[0-9]{1,3})*\]|\([A-Z][^()0-9\n]{0,60} [0-9]{4}[a-z]?\)|\bet al\."
)
"""Numbers in square brackets, (Name, year), and 'et al.'."""

_PIECE = 6
"""Characters of a run of letters that one token holds."""

_JOIN = 0x200D
"""The zero-width joiner."""

_FLAG_LETTERS = (0x1F1E6, 0x1F1FF)
"""The regional indicators A to Z."""

RELATIONS = frozenset(spec.name for spec in FAMILIES["prompt"])
"""Factors that need the prompt."""

_NAMES = tuple(spec.name for spec in STYLE)


def text_values(
    responses: Sequence[str],
    prompts: Sequence[str] | None = None,
    *,
    names: Sequence[str] | None = None,
    vocabulary: Vocabulary | None = None,
) -> pd.DataFrame:
    """Return the raw values of text factors, one row a response.

    Parameters
    ----------
    responses : sequence of str, shape (n,)
    prompts : sequence of str, shape (n,), optional
        Needed by the factors of the family ``prompt``.
    names : sequence of str, optional
        Factors; when None all of :data:`workbench.factors.STYLE`, without prompts all but
        those of the family ``prompt``.
    vocabulary : Vocabulary, optional
        Of ``tfidf_cosine``; learnt from ``prompts`` when None.

    Returns
    -------
    DataFrame, shape (n, n factors)

    Raises
    ------
    DesignError
        An unknown name, a factor of the family ``prompt`` without prompts, or prompts and
        responses of different numbers.

    Examples
    --------
    >>> text_values(["Sorry! I can't."], names=["words", "apologies", "refusals"]).iloc[0].tolist()
    [3.0, 1.0, 1.0]
    """
    every = [name for name in _NAMES if prompts is not None or name not in RELATIONS]
    names = every if names is None else list(names)
    _check(names, every, len(responses), len(responses) if prompts is None else len(prompts))
    if prompts is not None and vocabulary is None and "tfidf_cosine" in names:
        vocabulary = Vocabulary.learn(prompts)
    parts = []
    for start in range(0, len(responses), MAX_ROWS):
        cut = slice(start, start + MAX_ROWS)
        asked = None if prompts is None else Batch(prompts[cut])
        parts.append(batch_values(Batch(responses[cut]), asked, names, vocabulary))
    values = np.concatenate(parts) if parts else np.empty((0, len(names)))
    return pd.DataFrame(values, columns=pd.Index(names))


def batch_values(
    batch: Batch, prompt: Batch | None, names: Sequence[str], vocabulary: Vocabulary | None
) -> Array:
    """Return the values of one batch, shape (rows, n factors)."""
    structure = Structure(batch)
    values = np.empty((len(batch), len(names)))
    for k, name in enumerate(names):
        if name in RELATIONS and prompt is not None:
            values[:, k] = _relation(name, batch, prompt, vocabulary)
        elif name in PHRASES:
            values[:, k] = _phrase_count(batch, PHRASES[name])
        else:
            values[:, k] = _FUNCTIONS[name](batch, structure)
    return values


def _check(names: Sequence[str], known: Sequence[str], n: int, n_prompts: int) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DesignError(
            f"The factor {unknown[0]!r} cannot be computed.",
            found=", ".join(unknown),
            expected=", ".join(known),
            fix="Give the prompts too." if set(unknown) <= RELATIONS else "Check the spelling.",
        )
    if n != n_prompts:
        raise DesignError(
            "Prompts and responses do not go together.",
            found=f"{n_prompts:,} prompts and {n:,} responses",
            expected="one prompt for each response",
            fix="Repeat a prompt for each of its responses.",
        )


def _relation(name: str, batch: Batch, prompt: Batch, vocabulary: Vocabulary | None) -> Array:
    if name == "prompt_overlap":
        return prompt_overlap(batch, prompt)
    if name == "echo":
        return echo(batch, prompt)
    return tfidf_cosine(batch, prompt, vocabulary or Vocabulary.learn(prompt.texts))


def _characters(batch: Batch, _: Structure) -> Ints:
    return batch.ends - batch.starts


def _words(batch: Batch, _: Structure) -> Ints:
    return batch.word_count


def _sentences(batch: Batch, _: Structure) -> Ints:
    end = batch.has(END)
    # the line end behind each text makes its last character look ahead like any other
    closing = end[:-1] & batch.has(SPACE)[1:]
    return np.maximum(batch.count_at(np.flatnonzero(closing)), batch.word_count > 0)


def _tokens(batch: Batch, _: Structure) -> Ints:
    alnum = batch.has(ALNUM)
    start, end = runs(alnum)
    pieces = np.bincount(batch.row[start], (end - start + _PIECE - 1) // _PIECE, len(batch))
    return pieces.astype(np.int64) + batch.count_at(batch.mark_at)


def _emojis(batch: Batch, _: Structure) -> Ints:
    at = np.flatnonzero(batch.has(EMOJI))
    codes = batch.codes[at]
    # a joiner makes one picture of two emojis, and two letters make one flag
    joined = (at > 0) & (batch.codes[at - 1] == _JOIN)
    letter = (codes >= _FLAG_LETTERS[0]) & (codes <= _FLAG_LETTERS[1])
    flags = np.zeros(len(batch.codes), dtype=bool)
    flags[at[letter]] = True
    start, end = runs(flags)
    pairs = np.bincount(batch.row[start], (end - start) // 2, len(batch))
    return batch.count_at(at[~joined & ~letter]) + pairs.astype(np.int64)


def _numbers(batch: Batch, _: Structure) -> Ints:
    digit = batch.has(DIGIT)
    inside = digit.copy()
    joins = (batch.codes == ord(".")) | (batch.codes == ord(","))
    inside[1:-1] |= joins[1:-1] & digit[:-2] & digit[2:]
    return batch.count_at(runs(inside)[0])


def _citations(batch: Batch, structure: Structure) -> Ints:
    digit = batch.has(DIGIT)
    codes = batch.codes
    brackets = (codes[:-1] == ord("[")) & digit[1:]
    year = digit[:-1] & (codes[1:] == ord(")"))
    lettered = digit[:-2] & (batch.kind[1:-1] & LETTER != 0) & (codes[2:] == ord(")"))
    marked = batch.count(brackets) + batch.count(year) + batch.count(lettered) > 0
    named = np.array(["et al." in text for text in batch.texts], dtype=bool)
    return structure.matches(CITATION, marked | named)


def _type_token_ratio(batch: Batch, _: Structure) -> Array:
    found = distinct(batch.word_keys)[0]
    return _ratio(np.bincount(key_rows(found), minlength=len(batch)), batch.word_count)


def _word_length(batch: Batch, _: Structure) -> Array:
    start, end = batch.words
    return _ratio(np.bincount(batch.word_row, end - start, len(batch)), batch.word_count)


def _readability(batch: Batch, structure: Structure) -> Array:
    vowel = batch.has(VOWEL)
    begins = vowel & ~np.r_[False, vowel[:-1]]
    before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(begins)])
    start, end = batch.words
    # a word that begins inside a run of vowels still counts that run
    groups = before[end] - before[start] + (vowel[start] & ~begins[start])
    syllables = np.bincount(batch.word_row, np.maximum(groups, 1), len(batch))
    words, sentences = batch.word_count, _sentences(batch, structure)
    score = 206.835 - 1.015 * _ratio(words, sentences) - 84.6 * _ratio(syllables, words)
    return np.where(words > 0, score, 0.0)


def _repeated_trigrams(batch: Batch, _: Structure) -> Array:
    packed = batch.trigram_keys
    total = np.bincount(key_rows(packed), minlength=len(batch))
    new = np.bincount(key_rows(distinct(packed)[0]), minlength=len(batch))
    return _ratio(total - new, total)


def _non_latin_share(batch: Batch, _: Structure) -> Array:
    letter = batch.has(LETTER)
    return _ratio(batch.count(letter & ~batch.has(LATIN)), batch.count(letter))


def _phrase_count(batch: Batch, phrases: Sequence[str]) -> Ints:
    """Return how often the phrases stand in each text."""
    h, row = batch.word_hash, batch.word_row
    found = np.zeros(len(h), dtype=bool)
    for first, rest in _phrase_hashes(tuple(phrases)):
        at = np.flatnonzero(np.isin(h, first)) if len(first) > 1 else np.flatnonzero(h == first)
        for k, word in enumerate(rest, start=1):
            at = at[at + k < len(h)]
            at = at[(h[at + k] == word) & (row[at + k] == row[at])]
            at = at[batch.apart_by_space(at + k - 1)]
        found[at] = True
    return np.bincount(row[found], minlength=len(batch))


@cache
def _phrase_hashes(phrases: tuple[str, ...]) -> list[tuple[Keys, Keys]]:
    """Return hashes of the phrases: all single words together, then each longer phrase."""
    single = [phrase for phrase in phrases if " " not in phrase]
    table = [(hash_words(single), np.empty(0, dtype=np.uint64))] if single else []
    for phrase in phrases:
        if " " in phrase:
            hashes = hash_words(phrase.split())
            table.append((hashes[:1], hashes[1:]))
    return table


def _ratio(a: Ints | Array, b: Ints | Array) -> Array:
    return np.divide(a, b, out=np.zeros(len(a)), where=np.asarray(b) > 0)


_Function = Callable[[Batch, Structure], Ints | Array]

_FUNCTIONS: dict[str, _Function] = {
    "characters": _characters,
    "words": _words,
    "sentences": _sentences,
    "tokens": _tokens,
    "headers": lambda _, s: s.headers(),
    "bullets": lambda _, s: s.bullets(),
    "numbered_items": lambda _, s: s.numbered_items(),
    "bold": lambda _, s: s.bold(),
    "tables": lambda _, s: s.tables(),
    "code_blocks": lambda _, s: s.code_blocks(),
    "links": lambda _, s: s.links(),
    "paragraphs": lambda _, s: s.paragraphs(),
    "questions": lambda _, s: s.marks("?"),
    "exclamations": lambda _, s: s.marks("!"),
    "emojis": _emojis,
    "numbers": _numbers,
    "citations": _citations,
    "type_token_ratio": _type_token_ratio,
    "word_length": _word_length,
    "readability": _readability,
    "repeated_trigrams": _repeated_trigrams,
    "non_latin_share": _non_latin_share,
}
