"""Soft preferences from tokens as servers write them."""

from __future__ import annotations

import math

import pytest

from workbench.judges.soft import NO_LOGPROBS, first_preferred, why_unknown
from workbench.llm.reply import Reply

A = '{"verdict": "A"}'


def reply(*tokens: str, text: str = A, **top: float) -> Reply:
    """Return a reply that is certain of all its tokens but the one whose alternatives are given."""
    logs = {name: math.log(p) for name, p in top.items()}
    said = [
        {"token": one, "logprob": logs.get(one, 0.0), "top": logs if one in logs else {}}
        for one in tokens
    ]
    return Reply(text, {"verdict": "A"}, logprobs=tuple(said))


@pytest.mark.parametrize(
    ("tokens", "top", "expected"),
    [
        # by hand: (.7 + .05 / 2) / 1
        (('{"', "verdict", '":', 'Ġ"', "A", '"}'), {"A": 0.7, "B": 0.25, "tie": 0.05}, 0.725),
        (('{"', "verdict", '":', "▁", '"', "A", '"}'), {"A": 0.7, "B": 0.25, "tie": 0.05}, 0.725),
        (('{"', "verdict", '":"', "A", '"}'), {"A": 0.6, "ĠA": 0.2, "B": 0.2}, 0.8),
        (('{"verdict":', 'Ġ"A', '"}'), {'Ġ"A': 0.6, '▁"B': 0.2, "<0x42>": 0.2}, 0.6),
        (("<s>", '{"verdict": "', "<0x41>", '"}', "</s>"), {"<0x41>": 0.75, "B": 0.25}, 0.75),
    ],
)
def test_marks_of_tokens_are_understood(tokens, top, expected):
    text = A.replace(" ", "") if '":"' in tokens else A
    assert first_preferred(reply(*tokens, text=text, **top)) == pytest.approx(expected)


def test_a_bare_verdict_after_the_mark_of_the_beginning():
    said = reply("<s>", "ĠA", text="A", ĠA=0.75, B=0.25)
    assert first_preferred(said) == pytest.approx(0.75)


def test_a_draft_in_the_thinking_is_not_where_the_verdict_stands():
    draft = {"token": "B", "logprob": 0.0, "top": {"B": math.log(0.9), "A": math.log(0.1)}}
    rest = reply('{"verdict":', ' "', "A", '"}', A=0.8, B=0.2).logprobs
    thought = [{"token": one, "logprob": 0.0, "top": {}} for one in ("<think>", '{"verdict": "')]
    closing = {"token": '"}</think>', "logprob": 0.0, "top": {}}
    after = [{"token": ' "verdict": "', "logprob": 0.0, "top": {}}]
    said = Reply(A, {"verdict": "A"}, logprobs=(*thought, draft, closing, *rest))
    assert first_preferred(said) == pytest.approx(0.8)
    bare = Reply("A", "A", logprobs=(*thought, draft, closing, rest[2]))
    assert first_preferred(bare) == pytest.approx(0.8)
    assert math.isnan(first_preferred(Reply(A, {"verdict": "A"}, logprobs=(*after, draft))))


def test_tokens_that_cannot_be_told_are_named():
    odd = reply("token_id:5018", "token_id:32", **{"token_id:32": 0.7, "token_id:33": 0.3})
    assert math.isnan(first_preferred(odd))
    assert "token_id:5018" in why_unknown(odd)
    assert why_unknown(Reply(A, {"verdict": "A"})) == NO_LOGPROBS
    few = reply('{"verdict": "', "A", '"}', A=0.9, the=0.1)
    assert math.isnan(first_preferred(few))
    assert why_unknown(few) == NO_LOGPROBS
