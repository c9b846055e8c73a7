"""What the text factors are counted with, against Python's own strings and sets."""

from __future__ import annotations

import itertools
import math
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.naive_factors import words_of
from workbench.factors import tokens
from workbench.factors.tokens import Batch, runs
from workbench.factors.words.characters import (
    ALNUM,
    ASCII,
    DIGIT,
    JOINER,
    LETTER,
    SPACE,
    byte_classes,
    classes,
    lower_codes,
    stand_ins,
)
from workbench.factors.words.vocabulary import PromptWords, Vocabulary
from workbench.factors.words.word_table import WordTable

POINTS = [*range(0x3400), *range(0xA000, 0x30000, 7), 0xD800, 0xE0020, 0xF0000, 0x10FFFF]


def test_classes_are_those_of_python_s_strings():
    for code in POINTS:
        char, kind = chr(code), int(classes()[code])
        assert bool(kind & ALNUM) == char.isalnum(), hex(code)
        assert bool(kind & LETTER) == char.isalpha(), hex(code)
        assert bool(kind & SPACE) == char.isspace(), hex(code)
        assert bool(kind & DIGIT) == (char in "0123456789"), hex(code)
        assert unicodedata.category(char)[0] == "L" or not kind & LETTER, hex(code)


def test_a_byte_stands_for_its_class():
    told = byte_classes()[np.where(np.arange(0x110000) < ASCII, np.arange(0x110000), stand_ins())]
    kept = ALNUM | SPACE | JOINER
    np.testing.assert_array_equal(told & kept, classes() & kept)


def test_letters_meet_in_their_lower_case_only():
    by_lower: dict[str, set[int]] = {}
    for code in POINTS:
        lower = chr(code).lower()
        lower = lower if len(lower) == 1 else chr(code)
        by_lower.setdefault(lower.replace("’", "'"), set()).add(int(lower_codes()[code]))
    assert {len(found) for found in by_lower.values()} == {1}
    assert len(set.union(*by_lower.values())) == len(by_lower)


def test_a_word_has_one_hash_wherever_it_stands(monkeypatch):
    text = "Zoë’s co-op " * 30 + "x" * 400 + " zoë's É é"
    whole = Batch([text, "zoë's"]).word_hash
    # pieces that end in the midst of what would fit them, and one word longer than a piece
    monkeypatch.setattr(tokens, "_STRETCH", 64)
    batch = Batch([text, "zoë's"])
    np.testing.assert_array_equal(batch.word_hash, whole)
    assert len(set(whole[:60:2].tolist()) | {int(whole[-1])}) == 1
    vowels = [1 if word != "x" * 400 else 0 for word in words_of(text)]
    syllables = batch.vowel_runs.tolist()
    assert [min(n, 1) for n in syllables[: len(vowels)]][:61] == vowels[:61]


@given(st.sets(st.integers(0, 2**16 - 1)), st.lists(st.integers(0, 2**16 - 1)))
def test_a_table_of_words_finds_its_members(members, wanted):
    table = WordTable.of(np.array(sorted(members), dtype=np.uint64), bits=16)
    wanted += list(members)
    at, known = table.find(np.array(wanted, dtype=np.uint64))
    assert known.tolist() == [word in members for word in wanted]
    assert [sorted(members)[k] for k in at[known]] == [word for word in wanted if word in members]


def test_words_that_share_all_leading_bits_are_found_too():
    members = np.array([5, 6, 7, 8, 2**50], dtype=np.uint64)
    table = WordTable.of(members, bits=52)
    assert table.find(members)[1].all()
    assert not table.find(np.array([4, 9, 2**52 - 1], dtype=np.uint64))[1].any()


@given(st.lists(st.booleans()))
def test_runs_are_those_of_the_marked_places(mask):
    start, end = runs(np.flatnonzero(mask))
    inside = np.zeros(len(mask), dtype=bool)
    for a, b in zip(start, end, strict=True):
        assert a == 0 or not mask[a - 1]
        assert b == len(mask) or not mask[b]
        inside[a:b] = True
    assert inside.tolist() == mask


@pytest.mark.parametrize("cuts", [[], [3], [1, 1, 4], [2, 5, 6]])
def test_a_vocabulary_is_that_of_all_parts_together(cuts):
    prompts = ["why not", "Why?", "not now", "why not", "now, now", "", "Why?", "é"]
    edges = [0, *cuts, len(prompts)]
    parts = [prompts[a:b] for a, b in itertools.pairwise(edges)]
    vocabulary = Vocabulary.of_parts(PromptWords.of(part) for part in parts)
    distinct = set(prompts)
    words = sorted({word for text in distinct for word in words_of(text)})
    assert len(vocabulary.words) == len(words)
    hashes = tokens.hash_words(words) >> np.uint64(64 - tokens.HASH_BITS)
    idf = [
        math.log((1 + len(distinct)) / (1 + sum(word in words_of(text) for text in distinct))) + 1
        for word in words
    ]
    np.testing.assert_allclose(vocabulary.weights(hashes), idf, rtol=1e-15)
    np.testing.assert_array_equal(vocabulary.idf, Vocabulary.learn(prompts).idf)
    assert vocabulary.weights(hashes[:1] ^ np.uint64(1)).tolist() == [0.0]
