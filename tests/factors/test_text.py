"""Text factors against hand counts and a plain loop of regular expressions."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from bench.naive_factors import idf_of, naive_values, words_of
from workbench.errors import DesignError
from workbench.factors import FAMILIES, STYLE, text_values
from workbench.factors.lexicon import PHRASES
from workbench.factors.tokens import Batch, hash_words


def value(name: str, text: str, prompt: str = "") -> float:
    return float(text_values([text], [prompt], names=[name])[name].iloc[0])


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("words", "Don't use well-known co-op 3.5 -- x_y 'quoted'", 9),
        ("words", "", 0),
        ("sentences", "One. Two?! Three... four 3.5 done", 3),
        ("sentences", "no end", 1),
        ("sentences", "", 0),
        ("tokens", "cat, elephants!", 1 + 1 + 2 + 1),
        ("headers", "# a\n####### no\n###no\n  ## b\ntext # c", 2),
        ("headers", "```\n# code\n```\n# real", 1),
        ("bullets", "- a\n* b\n  + c\n-d\n**bold** line\n- ", 4),
        ("bullets", "```py\n- a\n- b\n```\n- c", 1),
        ("bullets", "```\n- never closed\n- b", 0),
        ("bullets", "- a\r\n- b\r- c", 3),
        ("numbered_items", "1. a\n 2) b\n1234. c\n3.d\n10. e", 3),
        ("bold", "**a** and **b c** and ** and __d__ snake_case__x", 3),
        ("bold", "```\n**a**\n```\n**b**", 1),
        ("bold", "**a****b** ** c **\n**not\nclosed**", 3),
        ("tables", "| a | b |\n|---|:--:|\n| 1 | 2 |\n\n---\n", 1),
        ("code_blocks", "```\na\n```\n```b\nc", 2),
        ("code_blocks", "~~~\n```\n~~~\n\n  ```\nx\n  ``` \n", 2),
        ("bullets", "~~~\n- a\n~~~\n- b", 1),
        ("bullets", "````\n```\n- a\n```\n````\n- b", 1),
        ("bullets", "```\n- a\n``` not the end\n- b\n`````\n- c", 1),
        ("bullets", "```pip install x``` is inline\n- a\n- b", 2),
        ("bullets", "\t- tab\n\u00a0- no-break space\n-\tno space", 2),
        ("code_blocks", "inline ``` is not a fence", 0),
        ("links", "[a](b) https://x.y/z (http://q.r) [no] (gap)", 3),
        ("paragraphs", "a\nb\n\n \nc\n\n\nd\n", 3),
        ("hedges", "Perhaps it might; it seems I THINK so. Mighty perhapses.", 4),
        ("apologies", "I'm sorry! I apologize. Sorry-looking", 2),
        ("apologies", "I’m SORRY", 1),
        ("hedges", "So do I. Think again; kind, of", 0),
        ("hedges", "I\n```\n```\nthink", 0),
        ("refusals", "I can’t, I  won't\tas\nan AI", 3),
        ("refusals", "I cannot. As an AI, I can't", 3),
        ("politeness", "Thank you, please feel free. Thankyou", 3),
        ("certainty", "Certainly, of course. Of\n\ncourse!", 3),
        ("first_person", "I, my dog and we; I'm. Iowa", 4),
        ("second_person", "You and your yours; youth", 3),
        ("questions", "a? b?? `?`\n```\n?\n```", 4),
        ("exclamations", "a! b!!", 3),
        ("emojis", "😀👍 :) ☀", 3),
        ("emojis", "👍🏽 👨\u200d👩\u200d👧 ✅ ⏰ 𝒜", 4),
        ("emojis", "🇩🇪🇫🇷 🇩", 2),
        ("numbers", "3.5 and 1,000,000 and x2 and 4.", 4),
        ("citations", "see [1] and [2, 3]; (Smith et al. 2020a) [x] (2020)", 3),
        ("citations", "Smith-et al. and [1234]", 1),
        ("type_token_ratio", "a A b", 2 / 3),
        ("word_length", "ab abcd", 3),
        ("readability", "The cat sat.", 206.835 - 1.015 * 3 - 84.6),
        ("repeated_trigrams", "a b c a b c", 1 / 4),
        ("non_latin_share", "ab где", 3 / 5),
        ("non_latin_share", "naïve Ångström", 0),
    ],
)
def test_hand_counts(name, text, expected):
    assert value(name, text) == pytest.approx(expected)


def test_relation_to_the_prompt_by_hand():
    prompt = "write about red apples now"
    # content words of the response: red, apples, taste, sweet; two of them stand in the prompt
    assert value("prompt_overlap", "Red apples taste sweet.", prompt) == 0.5
    # runs of three: write about red | about red apples | red apples now; one comes back
    assert value("echo", "Yes: about RED apples!", prompt) == pytest.approx(1 / 3)
    assert value("tfidf_cosine", "write about red apples now", prompt) == pytest.approx(1)
    assert value("tfidf_cosine", "nothing shared", prompt) == 0


def test_tfidf_equals_scikit_learn():
    prompts = ["red apples are red", "green pears", "red pears and apples"]
    responses = ["apples red red x", "pears are fine", "and and apples"]
    oracle = TfidfVectorizer(tokenizer=words_of, token_pattern=None).fit(prompts)
    cosine = (oracle.transform(prompts).multiply(oracle.transform(responses))).sum(axis=1)
    ours = text_values(responses, prompts, names=["tfidf_cosine"])["tfidf_cosine"]
    np.testing.assert_allclose(ours, np.asarray(cosine).ravel(), atol=1e-12)


# letters whose lower case depends on the place or has several characters are out: the
# factors map case letter by letter, Python's lower() does not
PIECES = st.sampled_from(
    ["\n", "\n\n", "```", "```py\n", "\n````\n", "~~~", "\n~~~\n", "`", "i", "think",
     "👍🏽", "🇩", "\u200d", "- ", "* ", "1. ", "# ", "**", "__", "|", "---", "?", "!", ".",
     " ", "  ", "\t", "\r\n", "'", "’", "-", "I'm sorry", "perhaps", "et al.", "[1]", "(Lee, 2020)",
     "http://a.b", "[a](b)", "😀", "é", "где", "日本", "3.5", "1,000", "x_y", "of course", "you",
     "the cat", "the cat sat", "\u00a0", "\u2028", "²", "_",
     "***", "*", "[", "]", ")", "(", "as far as I know", "\ud800", "\x00", "❶", "7", ":|-", "    "]
)  # fmt: skip
TEXT = st.lists(PIECES, max_size=25).map("".join)


# floating-point sums that the plain loop takes in another order; all others are counts, or one
# division of two of them, and exact
ROUNDED = {"readability", "repeated_trigrams", "tfidf_cosine"}


@settings(max_examples=250, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6))
def test_equals_the_plain_loop(rows):
    responses, prompts = [r for r, _ in rows], [p for _, p in rows]
    ours = text_values(responses, prompts)
    idf = idf_of(prompts)
    for i, (response, prompt) in enumerate(rows):
        oracle = naive_values(response, prompt, idf)
        assert set(oracle) == set(ours.columns)
        for name, expected in oracle.items():
            assert ours[name].iloc[i] == pytest.approx(expected, abs=1e-9), (name, response)
            assert name in ROUNDED or ours[name].iloc[i] == expected, (name, response)


def test_equals_the_plain_loop_on_real_replies(shared_data):
    file = shared_data / "alpaca_eval" / "model_outputs" / "gpt4_1106_preview.json.gz"
    records = json.loads(gzip.decompress(file.read_bytes()))[:300]
    responses = [record["output"] for record in records]
    prompts = [record["instruction"] for record in records]
    ours = text_values(responses, prompts)
    idf = idf_of(prompts)
    for i, (response, prompt) in enumerate(zip(responses, prompts, strict=True)):
        for name, expected in naive_values(response, prompt, idf).items():
            assert ours[name].iloc[i] == pytest.approx(expected, abs=1e-9), (name, response)
            assert name in ROUNDED or ours[name].iloc[i] == expected, (name, response)


def test_rows_do_not_touch_each_other():
    texts = ["```\nopen", "- a", "I'm", "sorry", "", "b\n\n", "\n\nc", "x'", "y"]
    together = text_values(texts, texts)
    for i, text in enumerate(texts):
        alone = text_values([text], [text]).drop(columns="tfidf_cosine")
        rest = together.drop(columns="tfidf_cosine").iloc[i]
        np.testing.assert_allclose(alone.iloc[0], rest)


def test_batches_do_not_change_values():
    texts = [f"word{i % 7} perhaps {i}" for i in range(9000)]
    values = text_values(texts, texts, names=["words", "hedges", "numbers", "echo"])
    assert (values["words"] == 3).all()
    assert (values["hedges"] == 1).all()
    assert (values["echo"] == 1).all()


def test_a_ten_megabyte_text():
    text = "All work and no play. " * 450_000
    values = text_values([text, "short"], [text[:100], "q"]).iloc[0]
    assert values["words"] == 5 * 450_000
    assert values["sentences"] == 450_000
    assert values["type_token_ratio"] == pytest.approx(5 / (5 * 450_000))


def test_no_phrase_of_a_list_overlaps_another():
    for name, phrases in PHRASES.items():
        words = [phrase.split() for phrase in phrases]
        for a in words:
            for b in words:
                tails = [a[k:] for k in range(1, len(a))]
                assert not any(b[: len(tail)] == tail[: len(b)] for tail in tails), (name, a, b)
        assert len(set(phrases)) == len(phrases)


def test_hashes_of_words_are_distinct_and_ignore_case():
    words = [f"w{i}" for i in range(4000)]
    assert len(np.unique(hash_words(words))) == 4000
    assert (
        hash_words(["Straße", "ÉCOLE", "Don’t"]) == hash_words(["straße", "école", "don't"])
    ).all()


def test_catalog_is_whole():
    names = [spec.name for spec in STYLE]
    assert len(names) >= 30
    assert len(set(names)) == len(names)
    assert set(FAMILIES) == {"length", "structure", "tone", "lexical", "prompt", "agent"}
    assert not {spec.name for spec in FAMILIES["agent"]} & set(names)
    assert all(spec.meaning.endswith((".", "...")) for spec in STYLE)
    assert set(text_values(["a"], ["b"]).columns) == set(names)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"responses": ["a"], "names": ["echo"]}, "Give the prompts"),
        ({"responses": ["a"], "names": ["word"]}, "Check the spelling"),
        ({"responses": ["a"], "prompts": ["b", "c"]}, "2 prompts and 1 responses"),
    ],
)
def test_what_cannot_be_computed_is_an_error(arguments, said):
    with pytest.raises(DesignError, match=said):
        text_values(**arguments)


def test_no_texts_and_a_missing_prompt():
    assert text_values([], []).shape == (0, len(STYLE))
    assert "echo" not in text_values(["a"]).columns
    assert len(Batch([])) == 0
