"""Tokens are understood by the marks of their vocabulary, and told apart from other texts."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import ScoringError
from workbench.llm.client import Endpoint
from workbench.llm.prompt_logprobs import ServerScorer
from workbench.llm.replies.logprobs import token_logprobs
from workbench.llm.replies.marks import begins, plain_token, plain_tokens


@given(st.text(alphabet="aé 🙂\n\tß—", min_size=1, max_size=40))
def test_a_byte_level_vocabulary_is_read_as_the_tokenizers_library_writes_it(text):
    from tokenizers.pre_tokenizers import ByteLevel

    splitter = ByteLevel(add_prefix_space=False, use_regex=False)
    ((written, _),) = splitter.pre_tokenize_str(text)
    every_byte = [k for k, one in enumerate(text) for _ in one.encode()]
    assert begins([*written], text) == every_byte
    assert begins([written], text) == [0]
    if any(mark in written for mark in "ĠĊĉ"):
        assert plain_token(written) == text


def test_tokens_that_make_up_the_text_are_left_as_they_are():
    assert plain_tokens(["Ġ", " is", " ▁"], "Ġ is ▁") == ["Ġ", " is", " ▁"]
    assert plain_tokens(["▁I", "▁say", "<0x0A>"], "I say\n") == [" I", " say", "\n"]


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (["<s>", "Sky", "?", " it", " x"], [None, 0, 3, 4, None]),
        (["<s>", "▁Sky", "?", "▁it", "</s>"], [None, 0, 3, 4, None]),
        (["<|begin_of_text|>", "Sky", "?", "Ġit"], [None, 0, 3, 4]),
        (["Sky", "?", "", " it"], [0, 3, 4, 4]),
        (["Sky", "?", " "], None),
        (["Sky", "!", " it"], None),
        (["Sea", "?", " it"], None),
    ],
)
def test_tokens_are_laid_on_the_text(tokens, expected):
    assert begins(tokens, "Sky? it") == expected


def test_parts_of_a_letter_begin_with_it():
    assert begins(["a", "bytes:\\xf0\\x9f", "bytes:\\x99\\x82", "b"], "a🙂b") == [0, 1, 1, 2]
    assert begins(["a", "<0xF0>", "<0x9F>", "<0x99>", "<0x82>", "b"], "a🙂b") == [0, 1, 1, 1, 1, 2]
    assert begins(["a", "\ufffd", "\ufffd", "b"], "a🙂b") is None


def token(text: str, p: float, **more) -> dict:
    return {"token": text, "logprob": math.log(p), **more}


def test_alternatives_of_equal_text_add_up_and_repeats_do_not():
    top = [token("A", 0.5), token("A", 0.25), token("B", 0.1), token("B", 0.1), token("A", 0.5)]
    (found,) = token_logprobs({"content": [{**top[0], "top_logprobs": top}]})
    assert {k: math.exp(v) for k, v in found["top"].items()} == pytest.approx({"A": 0.75, "B": 0.1})
    (zero,) = token_logprobs({"content": [{**top[0], "top_logprobs": [
        {"token": "A", "logprob": -math.inf}, token("A", 0.5)]}]})  # fmt: skip
    assert math.exp(zero["top"]["A"]) == pytest.approx(0.5)


def test_bytes_say_what_an_escape_is():
    content = [
        token("<0x41>", 1.0, bytes=[65], top_logprobs=[token("<0x42>", 0.5, bytes=[66])]),
        token("\\xf0\\x9f", 1.0, bytes=[240, 159]),
        token("x", 1.0, bytes=[65]),
        token("<0x41>", 1.0, bytes="A"),
    ]
    found = token_logprobs({"content": content})
    assert [one["token"] for one in found] == ["A", "\\xf0\\x9f", "x", "<0x41>"]
    assert list(found[0]["top"]) == ["B"]


def scorer(tokens: list[str], values: list, offsets: list[int], monkeypatch) -> ServerScorer:
    marks = {"tokens": tokens, "token_logprobs": values, "text_offset": offsets}
    said = SimpleNamespace(choices=[SimpleNamespace(logprobs=SimpleNamespace(**marks))])
    made = ServerScorer(Endpoint("http://127.0.0.1:1/v1"), "m")
    monkeypatch.setattr(made._client.completions, "create", lambda **_: said)
    return made


TOKENS = ["<s>", "Sky", "?", " Say", " it", " is", " blue", " x"]
VALUES = [None, -2.0, -1.0, -1.0, -7.0, -0.5, -0.25, -9.0]


def test_offsets_that_count_the_mark_of_the_beginning_are_not_believed(monkeypatch):
    """As vLLM gave them (issue 5334): a token of the prompt counted as the response's."""
    made = scorer(TOKENS, VALUES, [0, 3, 6, 7, 11, 14, 17, 22], monkeypatch)
    assert made.logprob("Sky? Say it", "is blue") == (-0.75, 2)


@pytest.mark.parametrize("tokens", [[], TOKENS[:-1]])
def test_offsets_alone_are_not_believed(tokens, monkeypatch):
    made = scorer(tokens, VALUES, [0, 3, 6, 7, 11, 14, 17, 22], monkeypatch)
    with pytest.raises(ScoringError, match="which tokens it scored"):
        made.logprob("Sky? Say it", "is blue")


def test_tokens_of_another_text_are_a_mismatch(monkeypatch):
    other = [*TOKENS[:5], " was", *TOKENS[6:]]
    made = scorer(other, VALUES, [0, 0, 3, 4, 8, 11, 14, 19], monkeypatch)
    with pytest.raises(ScoringError, match="not those of the text"):
        made.logprob("Sky? Say it", "is blue")


def test_offsets_are_believed_where_a_letter_is_in_parts(monkeypatch):
    tokens, values = ["a", " \ufffd", "\ufffd", " b", " x"], [None, -1.0, -2.0, -4.0, -9.0]
    made = scorer(tokens, values, [0, 1, 2, 3, 5], monkeypatch)
    assert made.logprob("a 🙂", "b") == (-4.0, 1)
