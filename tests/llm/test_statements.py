"""A reply is read where it has one verdict, and refused where its prose has another one."""

from __future__ import annotations

import re
import time

import pytest

from tests.llm.judge_replies import ALONE_A, BESIDE_A, CLEAR, INSIDE_A
from workbench.llm.parse import UnreadableReplyError, read_reply

VERDICT = {
    "type": "object",
    "properties": {
        "reason": {"type": "string"},
        "verdict": {"type": "string", "enum": ["A", "B", "tie"]},
    },
    "required": ["verdict"],
    "additionalProperties": False,
}
VOTES = {
    "type": "object",
    "properties": {k: {"enum": ["A", "B", "both", "neither"]} for k in "12"},
    "required": [],
}
A = '{"verdict": "A"}'
CONTRADICTED = [
    *[f"{said}\n{A}" for said in [*BESIDE_A, *ALONE_A]],
    *[f"{A}\n\n{said}" for said in [*BESIDE_A, *ALONE_A]],
    *[f"Both are fair. {said}\n\n```json\n{A}\n```\n" for said in BESIDE_A if "\n" not in said],
    *INSIDE_A,
]


def read(text: str, schema=VERDICT) -> str | None:
    try:
        return read_reply(text, schema).get("verdict")
    except UnreadableReplyError:
        return None


def swapped(text: str | None, one: str = "A", other: str = "B") -> str | None:
    """Return a text with two labels in each other's place."""
    names = {one: other, other: one, one.lower(): other.lower(), other.lower(): one.lower()}
    letter = r"(?<![A-Za-z])(?:[AB]|(?<=[\"' ])b(?=[\"'\n]|$))(?![A-Za-z])"
    return text and re.sub(letter, lambda match: names[match[0]], text)


@pytest.mark.parametrize(("text", "verdict"), CLEAR)
def test_a_clear_verdict_is_read(text, verdict):
    assert read(text) == verdict


@pytest.mark.parametrize("text", CONTRADICTED)
def test_a_contradicted_verdict_is_never_taken(text):
    assert read(text) is None


@pytest.mark.parametrize("said", [*BESIDE_A, *ALONE_A])
def test_what_contradicts_one_verdict_goes_with_its_own(said):
    """What is refused beside A is read beside what it says: B, or a tie."""
    if said.count("{") == 0:
        verdict = "tie" if re.search(r"(?<!or )(?<!/)\btie\b|draw", said, re.IGNORECASE) else "B"
        assert read(f'{said}\n{{"verdict": "{verdict}"}}') == verdict


@pytest.mark.parametrize("text", [text for text, _ in CLEAR] + CONTRADICTED)
def test_labels_may_change_places(text):
    """Else a refusal would depend on the verdict, and the verdicts that are left be biased."""
    assert read(swapped(text)) == swapped(read(text))


LABELS = [("1", "2"), ("C", "D"), ("first", "second"), ("Model X", "Model Y")]


@pytest.mark.parametrize("labels", LABELS)
def test_labels_may_be_others(labels):
    schema = {"type": "object", "properties": {"verdict": {"enum": [*labels, "tie"]}}}
    one, other = labels
    text = f'"{one}" is the first. I weigh {one} and {other}.\n{{"verdict": "{one}"}}'
    assert read(text, schema) == one
    for said in (f"Verdict: {other}", f"**Final verdict: {other}**", f"[[{other}]]"):
        assert read(f"{said}\n{text}", schema) is None
        assert read(f"{said}\n" + text.replace(f'{{"verdict": "{one}', f'{{"verdict": "{other}'),
                    schema) == other  # fmt: skip


VOTED = '{"1": "A", "2": "neither"}'


@pytest.mark.parametrize(
    "text",
    [
        "In response A, option 1 is B, C.",
        "Principle 1 is B's strength. 2 is neither here nor there: both fail.",
        "The answer is 2: B.",
        "1. B is warmer. 2. A is shorter.",
        "1: A\n2: neither",
    ],
)
def test_numbers_in_prose_are_no_votes(text):
    assert read_reply(f"{text}\n{VOTED}", VOTES) == {"1": "A", "2": "neither"}


@pytest.mark.parametrize(
    "text", ["1: B", "**Principle 1:** B\n", "- 2 → A", "'1': 'B'", '{"1": "B", "2": "neit']
)
def test_votes_that_are_listed_otherwise_are_none(text):
    with pytest.raises(UnreadableReplyError):
        read_reply(f"{text}\n{VOTED}", VOTES)


@pytest.mark.parametrize("schema", [{"type": "number"}, {"type": "number", "minimum": 0}])
@pytest.mark.parametrize("number", ["1e999", '"inf"', '"-Infinity"', '"nan"', "1" + 400 * "0"])
def test_no_number_is_infinite(number, schema):
    scores = {"type": "object", "properties": {"score": schema}, "required": ["score"]}
    with pytest.raises(UnreadableReplyError):
        read_reply(f'{{"score": {number}}}', scores)
    assert read_reply('{"score": 1e308}', scores) == {"score": 1e308}


def test_what_valid_json_says_stays():
    text = r'{"reason": "\\(x\\) \n \u00e9 \/ \"", "verdict": "A"}'
    assert read_reply(text, VERDICT)["reason"] == '\\(x\\) \n é / "'
    mended = read_reply(r'{"reason": "\\ \( \d \u00e9 \u12", "verdict": "A"}', VERDICT)
    assert mended["reason"] == r"\ \( \d é \u12"


UNITS = [
    "verdict", "verdict ", "verdict:", "Verdict: B is worse. ", "verdict should ", "[[", "[[A ",
    "Verdict (", "verdict is clearly ", "verdict\n", "**Verdict**\n\n", "<verdict>", "answer: ",
    "overall, it is a ", "Overall, A is ", "I choose ", "A is my final ", "1: ", "| 1 | A ", "*",
    "'verdict': ", "\\boxed{", "final ", "final-", "- A\n", "Verdict: A (8", "Verdict: B if ", " ",
    "\n", "\\", '"\\', "`", "_", "-", "x", "Verdict: B was ", "verdict: the ", ": ", "A", "(", ":",
    "verdict: the better response is ", "verdict should x be ", "the ", "final answer\t", "not A ",
    '{"a": "\\(', '{"a": "\n', "may think ", "Response ", "verdict:\n\n", "verdict: B or A, ",
    "[[B]] or [[A]] ", "[[B]](u) ", "its answer: B ", "Verdict: response B is x but ", "it is ",
    "Verdict: B small ", "winner: B ", "B\n", "<b>", "verdict: not ", "overall ", "A and B ", ", ",
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_long_replies_are_read_in_linear_time(unit):
    def seconds(length: int) -> float:
        body = f"verdict{unit * (length // len(unit))}\n{A}"
        begin = time.process_time()
        read(body)
        return time.process_time() - begin

    # four times the length is sixteen times the time where each place is looked at from each
    # other; a machine that is busy with other things gets further tries
    assert any(seconds(60_000) < 8 * seconds(15_000) + 0.02 for _ in range(5))
