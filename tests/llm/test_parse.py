"""Replies are read strictly in content and tolerantly in wrapping; nothing is guessed."""

from __future__ import annotations

import json

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
        "[1, 2]",
        "{" * 5000,
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
