"""Text factors: a pure function from a batch of texts to values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import DesignError
from workbench.factors.catalog import FAMILIES, STYLE
from workbench.factors.lexicon import PHRASES
from workbench.factors.markdown import Structure
from workbench.factors.relation import Relation
from workbench.factors.tokens import MAX_ROWS, Batch, Ints, repeats, row_sums, runs
from workbench.factors.words.characters import (
    ALNUM,
    DIGIT,
    EMOJI,
    END,
    LATIN,
    LETTER,
    byte_classes,
    classes,
)
from workbench.factors.words.phrases import phrase_counts
from workbench.factors.words.vocabulary import Vocabulary

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
    if prompts is not None and vocabulary is None:
        vocabulary = Vocabulary.learn(prompts if "tfidf_cosine" in names else [])
    parts = []
    for start in range(0, len(responses), MAX_ROWS):
        cut = slice(start, start + MAX_ROWS)
        batch = Batch(responses[cut])
        relation = None
        if prompts is not None and vocabulary is not None:
            relation = Relation.between(batch, prompts[cut], vocabulary)
        parts.append(batch_values(batch, relation, names))
    values = np.concatenate(parts) if parts else np.empty((0, len(names)))
    return pd.DataFrame(values, columns=pd.Index(names))


def batch_values(batch: Batch, relation: Relation | None, names: Sequence[str]) -> Array:
    """Return the values of one batch, shape (rows, n factors)."""
    structure = Structure(batch)
    phrases = phrase_counts(batch) if set(names) & set(PHRASES) else {}
    values = np.empty((len(batch), len(names)))
    for k, name in enumerate(names):
        if name in RELATIONS and relation is not None:
            values[:, k] = _related(name, relation)
        elif name in phrases:
            values[:, k] = phrases[name]
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


def _related(name: str, relation: Relation) -> Array:
    if name == "prompt_overlap":
        return relation.prompt_overlap()
    return relation.echo() if name == "echo" else relation.tfidf_cosine()


def _characters(batch: Batch, _: Structure) -> Ints:
    return batch.ends - batch.starts


def _words(batch: Batch, _: Structure) -> Ints:
    return batch.word_count


def _sentences(batch: Batch, _: Structure) -> Ints:
    space, length = batch.gap_space, batch.run_length
    # the line end behind each text makes its last character look ahead like any other
    closing = (batch.gap_kind[:-1] & END != 0) & space[1:] & (length[1:] == 0)
    ends = batch.gaps[np.flatnonzero(closing)]
    return np.maximum(batch.count_at(ends), batch.word_count > 0)


def _tokens(batch: Batch, _: Structure) -> Ints:
    pieces = (batch.run_length + (_PIECE - 1)) // _PIECE
    return row_sums(pieces, batch.gap_bounds) + batch.count_at(batch.mark_at)


def _emojis(batch: Batch, _: Structure) -> Ints:
    found = np.flatnonzero(classes().take(batch.wide) & EMOJI)
    at, codes = batch.wide_at[found], batch.wide[found]
    # a joiner makes one picture of two emojis, and two letters make one flag
    before = np.maximum(found - 1, 0)
    joined = (batch.wide[before] == _JOIN) & (batch.wide_at[before] == at - 1)
    letter = (codes >= _FLAG_LETTERS[0]) & (codes <= _FLAG_LETTERS[1])
    start, end = runs(at[letter])
    pairs = np.repeat(start, (end - start) // 2)
    return batch.count_at(at[~joined & ~letter]) + batch.count_at(pairs)


def _numbers(batch: Batch, _: Structure) -> Ints:
    at = batch.digit_at
    step = np.diff(at, prepend=-2)
    between = batch.codes.take(at - 1, mode="clip")
    joined = (step == 2) & ((between == ord(".")) | (between == ord(",")))
    return batch.count_at(at[(step > 1) & ~joined])


def _citations(batch: Batch, structure: Structure) -> Ints:
    codes, kinds = batch.codes, byte_classes()
    bracket, closed, dot = (batch.where(char) for char in "[).")
    numbered = bracket[kinds.take(codes[bracket + 1]) & DIGIT != 0]
    back = [codes.take(closed - k, mode="clip") for k in range(1, 7)]
    digit = [kinds.take(code) & DIGIT != 0 for code in back]
    lettered = kinds.take(back[0]) & LETTER != 0
    # a year: four digits behind a space, before the bracket or a letter and the bracket
    year = np.logical_and.reduce(digit[:4]) & (back[4] == ord(" "))
    year |= lettered & np.logical_and.reduce(digit[1:5]) & (back[5] == ord(" "))
    named = dot[codes.take(dot - 1, mode="clip") == ord("l")]
    named = named[codes.take(named - 3, mode="clip") == ord(" ")]
    return structure.matches(CITATION, np.concatenate([numbered, closed[year], named]))


def _type_token_ratio(batch: Batch, _: Structure) -> Array:
    again = repeats(batch.word_keys, batch.word_bounds)
    return _ratio(batch.word_count - again, batch.word_count)


def _word_length(batch: Batch, _: Structure) -> Array:
    start, end = batch.words
    return _ratio(row_sums(end - start, batch.word_bounds), batch.word_count)


def _readability(batch: Batch, structure: Structure) -> Array:
    # a word without a vowel has a syllable too
    syllables = row_sums(np.maximum(batch.vowel_runs, 1), batch.word_bounds)
    words, sentences = batch.word_count, _sentences(batch, structure)
    score = 206.835 - 1.015 * _ratio(words, sentences) - 84.6 * _ratio(syllables, words)
    return np.where(words > 0, score, 0.0)


def _repeated_trigrams(batch: Batch, _: Structure) -> Array:
    bounds = batch.trigram_bounds
    return _ratio(repeats(batch.trigram_keys, bounds), np.diff(bounds))


def _non_latin_share(batch: Batch, _: Structure) -> Array:
    kind = classes().take(batch.wide) & (ALNUM | LETTER | LATIN)
    foreign = batch.count_at(batch.wide_at[kind == ALNUM | LETTER])
    # letters and digits, less the digits
    letters = row_sums(batch.run_length, batch.gap_bounds)
    letters -= batch.count_at(batch.digit_at) + batch.count_at(batch.wide_at[kind == ALNUM])
    return _ratio(foreign, letters)


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
