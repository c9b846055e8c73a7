"""Replies are read strictly in content and tolerantly in wrapping; nothing is guessed."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.llm.parse import UnreadableReplyError, fitted, read_reply

VERDICT = {
    "type": "object",
    "properties": {"verdict": {"type": "string", "enum": ["A", "B", "tie"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}
SCORES = {
    "type": "object",
    "properties": {name: {"type": "integer", "minimum": 0, "maximum": 3} for name in ("f1", "f2")},
    "required": ["f1", "f2"],
}


@pytest.mark.parametrize(
    "text",
    [
        '{"verdict": "A"}',
        '{"verdict": "a"}',
        '{"Verdict": "A",}',
        '```json\n{"verdict": "A"}\n```',
        '```\n{"verdict": "A",\n}\n```',
        'Surely! {"verdict": "A"} is my answer.',
        '\n\n  {"verdict": " A "}  ',
        '{"verdict": "A"} and again {"verdict": "A"}',
        '{"verdict": "A", "note": "B would be wrong"}',
        'Of {x, \\frac{1}{2} and "{" I say:\n{"verdict": "A",}',
        'A 5" {screen\n{"verdict": "A"}',
        '{see {"verdict": "A"}}',
        "My verdict: B is worse. {'verdict': 'A'}, that is {\"verdict\": \"A\"}",
        '```json\n{"verdict": "A", "note": "not \\"verdict\\": \\"B\\""}\n```',
    ],
)
def test_wrapping_does_not_matter(text):
    assert read_reply(text, VERDICT) == {"verdict": "A"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A",
        "The better response is A.",
        '{"verdict": "C"}',
        '{"verdict": "A or B"}',
        '{"verdict": ["A"]}',
        '{"verdict": null}',
        '{"choice": "A"}',
        '{"verdict": "A"',
        '{"verdict": "A"} no, {"verdict": "B"}',
        '```\n{"verdict": "A"}\n```\n```\n{"verdict": "B"}\n```',
        '```\n{"verdict": "A"}\n```\nNo: {"verdict": "B"}',
        'Not "{"verdict": "A"}" but {"verdict": "B"}',
        '> {"verdict": "A"}\n\n{"verdict": "B"}',
        '```json\n{"verdict": "A"}\n```\nNo, {"verdict": "B',
        "```json\n{\"verdict\": \"A\"}\n```\nNo, {'verdict': 'B'}",
        'It wants "{\\"verdict\\": \\"B\\"}", but {"verdict": "A"}.',
        '{"verdict": "A", "verdict": "B"}',
        '{"verdict": "A", "verdict": "A"}',
        '{"verdict": "A", "Verdict": "B"}',
        '{"verdict": "A", "x": {"y": 1, "y": 2}}',
        'Sure: {"verdict": "A", "verdict": "B"} or {"verdict": "B"}',
        "[1, 2]",
        "{" * 5000,
        '{"verdict": ' + "[" * 900 + "]" * 900 + "}",
        "x" * 300_000,
    ],
)
def test_what_is_no_verdict_is_never_one(text):
    with pytest.raises(UnreadableReplyError):
        read_reply(text, VERDICT)


@pytest.mark.parametrize(
    "text",
    [
        '{"f1": 4, "f2": 0}',
        '{"f1": 1.5, "f2": 0}',
        '{"f1": true, "f2": 0}',
        '{"f1": "NaN", "f2": 0}',
        '{"f1": NaN, "f2": 0}',
        '{"f1": 1}',
        '{"f1": "", "f2": 0}',
    ],
)
def test_scores_out_of_their_scale_are_refused(text):
    with pytest.raises(UnreadableReplyError):
        read_reply(text, SCORES)


def test_numbers_may_be_written_as_text():
    assert read_reply('{"F1": "3", "f2": 2.0}', SCORES) == {"f1": 3, "f2": 2}


def test_the_message_says_where_it_is_wrong():
    with pytest.raises(UnreadableReplyError, match=r"reply\.f2.*missing|f2 is missing"):
        read_reply('{"f1": 1}', SCORES)


def test_a_true_is_no_one_in_an_enum():
    with pytest.raises(UnreadableReplyError):
        fitted(True, {"enum": [1, 2]})


def test_text_keeps_the_commas_of_its_strings():
    """Only commas before a bracket outside of strings are forgiven."""
    schema = {"type": "object", "properties": {"p": {"type": "string"}}, "required": ["p"]}
    assert read_reply('So: {"p": "[a, ] \\" {b,}",}', schema) == {"p": '[a, ] " {b,}'}


ADVERSARIAL = [
    "[", "{", '{"a":', "[[],", "{},", "[1,],", "```", "```\n", "```json\n{", '"', '\\"', '{"\\"',
    '[{"', ",\n", "{ ", '[\n"', "[}", '{"verdict": "A"', "<think>", "</think>", "<|channel|>",
    "<think></think>", "<|start|>assistant<|channel|>final<|message|>", "[THINK]", "analysis",
    '{"verdict": "A"} ', '"a": ',
]  # fmt: skip


@pytest.mark.parametrize("unit", ADVERSARIAL)
@pytest.mark.parametrize("end", ["", "]", "}", "x"])
def test_reading_takes_time_in_proportion_to_the_length(unit, end):
    """Four times the length may take four times as long, and no reply holds up the others."""
    from workbench.llm.reading import read_completion
    from workbench.llm.request import Request

    def seconds(size: int) -> float:
        k = size // (len(unit) + len(end))
        message = {"content": unit * k + end * k}
        completion = {"choices": [{"message": message, "finish_reason": "stop"}]}
        begin = time.process_time()
        read_completion(completion, Request("m", (), schema=VERDICT), "text")
        return time.process_time() - begin

    short = min(seconds(10_000) for _ in range(3))
    # a quadratic reader takes sixteen times as long
    assert min(seconds(40_000) for _ in range(3)) < 8 * short + 0.01
    assert short < 0.25


def test_an_object_of_many_names_is_read_once():
    begin = time.process_time()
    text = "{" + ", ".join(f'"{k}": 0' for k in range(10_000)) + ', "9999": 1}'
    with pytest.raises(UnreadableReplyError, match="9999 stands twice"):
        read_reply(text, VERDICT)
    assert time.process_time() - begin < 0.5


wrappings = st.sampled_from(
    ["{}", "```json\n{}\n```", "```\n{}\n```", "Well. {} So.", "\n{}\n\n", "Answer: {}"]
)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=2), wrappings)
def test_every_value_is_read_back_from_every_wrapping(values, wrapping):
    value = dict(zip(("f1", "f2"), values, strict=True))
    assert read_reply(wrapping.replace("{}", json.dumps(value)), SCORES) == value


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text):
    try:
        value = read_reply(text, VERDICT)
    except UnreadableReplyError:
        return
    assert value["verdict"] in ("A", "B", "tie")
