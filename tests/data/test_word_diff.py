"""Word-level difference: nothing of either text is lost, and time is bounded."""

from __future__ import annotations

import itertools
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.on_view.word_diff import word_diff

WORDS = st.lists(
    st.sampled_from(["the", "a", "dog", " ", "\n", "\t", "  ", "今", "日", "น้ำ", "่", "។"])
).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.one_of(WORDS, st.text()), st.one_of(WORDS, st.text()))
def test_both_texts_come_back_to_the_letter(a, b):
    found = word_diff(a, b)
    assert "".join(text for kind, text in found.parts if kind != "only_b") == a
    assert "".join(text for _, text in found.side("only_b")) == b
    kinds = [kind for kind, _ in found.parts]
    assert all(text for _, text in found.parts)
    assert all(x != y for x, y in itertools.pairwise(kinds))


@given(st.text())
def test_a_text_equals_itself(a):
    assert word_diff(a, a).parts == ((("same", a),) if a else ())


def test_changed_words_and_changed_white_space():
    found = word_diff("Yes, I can help you.\n\n- one", "Yes, we can help you.\n- one")
    assert found.unit == "word"
    assert found.parts == (
        ("same", "Yes, "),
        ("only_a", "I"),
        ("only_b", "we"),
        ("same", " can help you."),
        ("only_a", "\n\n"),
        ("only_b", "\n"),
        ("same", "- one"),
    )


def test_scripts_without_spaces_are_compared_sign_by_sign():
    assert ("same", "今日は") in word_diff("今日は雨", "今日は晴").parts


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("我喜欢红茶。", "我喜欢绿茶。", ["我喜欢", "茶。"]),
        ("私は猫が好きです", "私は犬が好きです", ["私は", "が好きです"]),
        ("ฉันชอบกินข้าว", "ฉันชอบกินปลา", ["ฉันชอบกิน"]),
        ("ຂ້ອຍມັກກິນເຂົ້າ", "ຂ້ອຍມັກກິນປາ", ["ຂ້ອຍມັກກິນ"]),
        ("ខ្ញុំចូលចិត្តបាយ", "ខ្ញុំចូលចិត្តត្រី", ["ខ្ញុំចូលចិត្ត"]),
        ("ကျွန်တော်ထမင်းစားသည်", "ကျွန်တော်ငါးစားသည်", ["ကျွန်တော်", "စားသည်"]),
    ],
)
def test_what_two_sentences_without_spaces_share(a, b, same):
    found = [text for kind, text in word_diff(a, b).parts if kind == "same"]
    assert found[0].startswith(same[0])
    assert len(same) == 1 or found[-1].endswith(same[-1])


@pytest.mark.parametrize(
    ("a", "b"),
    [("น้ำ", "น้า"), ("ที่", "ที"), ("が", "か"), ("か\u3099", "か"), ("ﾊﾞ", "ﾊ"), ("ខ្មែ", "ខ")],
)
def test_a_sign_is_never_torn_from_the_marks_it_carries(a, b):
    assert word_diff(a, b).parts == (("only_a", a), ("only_b", b))


def test_long_texts_without_spaces_are_compared_phrase_by_phrase():
    rng = random.Random(0)
    signs = [chr(0x4E00 + k) for k in range(300)]
    phrases = ["".join(rng.choices(signs, k=12)) + "。" for _ in range(900)]
    other = [*phrases[:400], "新的句子。", *phrases[400:]]
    found = word_diff("".join(phrases), "".join(other))
    assert found.unit == "phrase"
    assert [part for part in found.parts if part[0] != "same"] == [("only_b", "新的句子。")]


def test_nothing_in_common():
    assert word_diff("x", "").parts == (("only_a", "x"),)
    assert word_diff("", "").parts == ()


@pytest.mark.parametrize(
    ("a", "b", "unit"),
    [
        ("word " * 5000, "word " * 4999, "line"),
        ("x " * 4000, "x " * 3999 + "y", "line"),
        ("x y\n" * 5000, "x y\n" * 4000, "text"),
    ],
)
def test_long_or_repetitive_texts_are_compared_more_coarsely(a, b, unit):
    start = time.perf_counter()
    found = word_diff(a, b)
    assert found.unit == unit
    assert "".join(text for _, text in found.side("only_a")) == a
    assert time.perf_counter() - start < 2


def test_the_worst_case_is_bounded():
    # one word in common again and again, never two in a row: each match cuts off one word
    a = " ".join(f"x q{k}" for k in range(340))
    b = " ".join(f"x r{k}" for k in range(340))
    start = time.perf_counter()
    assert word_diff(a, b).unit == "word"
    assert time.perf_counter() - start < 15


def test_long_natural_texts_take_little_time():
    rng = random.Random(0)
    # word frequencies as in English: the k-th word is 1/k as frequent
    words, weights = [f"w{k}" for k in range(5000)], [1 / (k + 1) for k in range(5000)]
    a = rng.choices(words, weights, k=2000)
    b = [w for w in a if rng.random() > 0.3]
    unrelated = rng.choices(words, weights, k=2000)
    start = time.perf_counter()
    assert word_diff(" ".join(a), " ".join(b)).unit == "word"
    word_diff(" ".join(a), " ".join(unrelated))
    assert time.perf_counter() - start < 10
