"""Replies from files go through what live replies go through, and end as they do."""

from __future__ import annotations

import gzip
import itertools
import json
import time
import tracemalloc

import pytest

from workbench.errors import JudgeError
from workbench.llm.asker import Planner
from workbench.llm.batch import ImportReport, read_batch
from workbench.llm.journal import Journal
from workbench.llm.request import Request, Sampling

URL = "http://127.0.0.1:1/v1"
SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["A", "B", "\ud800"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}


def request(k: int = 0, **more) -> Request:
    said = {"role": "user", "content": f"Which, {k}?"}
    return Request("m", (said,), Sampling(seed=k), **{"schema": SCHEMA, **more})


def completion(text: str = '{"verdict": "A"}', finish: str = "stop", **more) -> dict:
    choice = {"message": {"content": text}, "finish_reason": finish}
    return {"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 3}, **more}


def openai(key: str, body: object, status: int = 200) -> dict:
    return {"custom_id": key, "response": {"status_code": status, "body": body}, "error": None}


def anthropic(key: str, text: str, **usage) -> dict:
    used = {"input_tokens": 7, "output_tokens": 3, **usage}
    said = {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "usage": used}
    return {"custom_id": key, "result": {"type": "succeeded", "message": said}}


def gemini(key: str, text: str, **usage) -> dict:
    used = {"promptTokenCount": 7, "candidatesTokenCount": 3, **usage}
    one = {"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}
    return {"key": key, "response": {"candidates": [one], "usageMetadata": used}}


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "j.sqlite") as opened:
        yield opened


def taken(lines: list, asked: list[Request], journal: Journal) -> ImportReport:
    path = journal.path.with_name("replies.jsonl")
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return read_batch([path], {one.key(URL): one for one in asked}, journal)


def is_open(one: Request, journal: Journal) -> bool:
    """Say whether a run that is taken up asks a request again."""
    return Planner(URL, journal).ask([one], "judge") == [None]


def last_failure(one: Request, journal: Journal):
    return journal.failed([one.key(URL)])[one.key(URL)]


@pytest.mark.parametrize("much", [9 * 10**18, 10**30, -5, 3.5, True, "many"])
def test_usage_beyond_reason_is_not_believed(much, journal):
    asked = [request(k) for k in range(4)]
    one, two, three, four = (each.key(URL) for each in asked)
    odd = completion(usage={"prompt_tokens": much, "completion_tokens": much})
    lines = [
        openai(one, odd),
        openai(two, odd),
        anthropic(three, '{"verdict": "A"}', input_tokens=much, output_tokens=much),
        gemini(four, '{"verdict": "A"}', promptTokenCount=much, candidatesTokenCount=much),
    ]
    assert taken(lines, asked, journal).answered == 4
    # of what is not told the length tells about how much it was
    used = journal.used()["m"]
    assert used.calls == 4
    assert 0 < used.prompt_tokens + used.completion_tokens < 2000


@pytest.mark.parametrize("text", ['{"verdict": "\ud800"}', '{"verdict": "\\ud800"}'])
@pytest.mark.parametrize("line", [lambda k, t: openai(k, completion(t)), anthropic, gemini])
def test_half_a_character_is_no_answer(text, line, journal):
    one = request()
    report = taken([line(one.key(URL), text)], [one], journal)
    assert (report.answered, report.failed) == (0, {"unreadable": 1})
    assert last_failure(one, journal).reason == "unreadable: half a character in the text"


ERRORS = [
    {"error": {"message": "Overloaded", "type": "server_error", "code": None}},
    {"object": "error", "message": "Overloaded", "type": "server_error", "code": 500},
    {"choices": [{"finish_reason": "error", "message": {"content": ""},
                  "error": {"message": "Overloaded", "type": "server_error"}}]},
]  # fmt: skip


@pytest.mark.parametrize("body", ERRORS)
@pytest.mark.parametrize("shape", ["response", "bare"])
def test_an_error_in_a_200_is_open(body, shape, journal):
    one = request()
    line = openai(one.key(URL), body)
    line = line if shape == "response" else {"custom_id": one.key(URL), "body": body}
    report = taken([line], [one], journal)
    assert (report.failed, sum(report.errors.values()), report.open) == ({}, 1, 1)
    assert is_open(one, journal)
    failure = last_failure(one, journal)
    assert failure.usage.calls == 0
    assert "Overloaded" in failure.reason
    assert "502" in failure.reason
    assert "Overloaded" in report.summary()


OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded now"}}
REFUSED = {"type": "error", "error": {"type": "invalid_request_error", "message": "No such field"}}
LATE = {"code": "batch_expired", "message": "It was not run in time."}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"custom_id": 0, "result": {"type": "errored", "error": OVERLOADED}}, "Overloaded now"),
        ({"custom_id": 0, "result": {"type": "errored", "error": REFUSED}}, "No such field"),
        ({"custom_id": 0, "result": {"type": "expired"}}, "expired"),
        ({"custom_id": 0, "result": {"type": "canceled"}}, "canceled"),
        ({"key": 0, "error": {"code": 503, "message": "Unavailable now"}}, "Unavailable now"),
        ({"key": 0, "error": {"code": 13, "status": "INTERNAL", "message": "Oh"}}, "Oh"),
        ({"key": 0, "response": {"error": {"code": 500, "message": "Inner"}}}, "Inner"),
        ({"custom_id": 0, "response": None, "error": LATE}, "not run in time"),
        (openai(0, {"error": {"message": "Slow down"}}, 429), "Slow down"),
    ],
)
def test_errors_are_open_failures_in_the_words_of_the_server(line, said, journal):
    one = request()
    name = "key" if "key" in line else "custom_id"
    report = taken([{**line, name: one.key(URL)}], [one], journal)
    assert (sum(report.errors.values()), report.failed, report.open) == (1, {}, 1)
    assert is_open(one, journal)
    failure = last_failure(one, journal)
    assert (failure.usage.calls, failure.permanent) == (0, False)
    assert said in failure.reason
    assert said in report.summary()
    # the same file once more adds nothing
    before = list(journal.failures())
    assert taken([{**line, name: one.key(URL)}], [one], journal).open == 1
    assert list(journal.failures()) == before


LONG = "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens."
LONG_CLAUDE = "prompt is too long: 210000 tokens > 200000 maximum"


@pytest.mark.parametrize(
    "line",
    [
        openai("", {"error": {"message": LONG, "code": "context_length_exceeded"}}, 400),
        {"custom_id": "", "result": {"type": "errored", "error": {"type": "error", "error": {
            "type": "invalid_request_error", "message": LONG_CLAUDE}}}},
        {"key": "", "error": {"code": 3, "message": "The input token count (9000) exceeds the "
                                                    "maximum number of tokens allowed (8192)."}},
        {"key": "", "error": {"code": 400, "message": "The input token count (9000) exceeds the "
                                                      "maximum number of tokens allowed (8192)."}},
    ],
)  # fmt: skip
def test_what_concerns_one_request_for_good_is_not_asked_again(line, journal):
    """As live: a prompt that is too long is as long the next time."""
    one = request()
    name = "key" if "key" in line else "custom_id"
    report = taken([{**line, name: one.key(URL)}], [one], journal)
    assert (report.failed, report.errors, report.open) == ({"too long for the model": 1}, {}, 0)
    assert not is_open(one, journal)


BAD_LINES = {
    "unreadable": lambda key: openai(key, completion("I prefer the first.")),
    "failed": lambda key: openai(key, {"error": {"message": "Overloaded"}}, 500),
    "expired": lambda key: {"custom_id": key, "result": {"type": "expired"}},
}


@pytest.mark.parametrize("bad", BAD_LINES)
@pytest.mark.parametrize("good_first", [True, False])
def test_of_a_good_and_a_bad_line_the_good_one_counts(bad, good_first, journal):
    one = request()
    lines = [openai(one.key(URL), completion()), BAD_LINES[bad](one.key(URL))]
    report = taken(lines if good_first else lines[::-1], [one], journal)
    assert (report.answered, report.repeated, report.open) == (1, 1, 0)
    assert (report.failed, report.errors, report.different) == ({}, {}, 0)
    (kept,) = Planner(URL, journal).ask([one], "judge")
    assert kept.value == {"verdict": "A"}
    if bad == "unreadable" and not good_first:
        # it was paid for: its text is kept, and it is counted as used
        assert last_failure(one, journal).text == "I prefer the first."
        assert journal.used()["m"].calls == 2


def test_of_all_orders_of_lines_the_best_one_counts(tmp_path):
    one = request()
    lines = [
        openai(one.key(URL), completion()),
        *(make(one.key(URL)) for make in BAD_LINES.values()),
    ]
    for k, some in enumerate(itertools.permutations(lines)):
        with Journal(tmp_path / f"{k}" / "j.sqlite") as journal:
            report = taken(list(some), [one], journal)
            assert (report.answered, report.repeated, report.open) == (1, 3, 0)
    for k, some in enumerate(itertools.permutations(lines[1:])):
        with Journal(tmp_path / f"bad {k}" / "j.sqlite") as journal:
            report = taken(list(some), [one], journal)
            assert (report.failed, report.errors) == ({"unreadable": 1}, {})
            # paid for, and so as final as it is live
            assert not is_open(one, journal)


def test_another_answer_to_the_same_request_is_told(journal):
    one, two = request(), request(1)
    a, b = completion(), completion('{"verdict": "B"}')
    spaced = completion('{ "verdict":"A" }')
    lines = [openai(one.key(URL), body) for body in (a, b, spaced, b)]
    report = taken(lines, [one, two], journal)
    assert (report.answered, report.repeated, report.different) == (1, 3, 2)
    assert "2 of them hold another answer" in report.summary()
    # also to what an earlier import brought
    again = taken([openai(one.key(URL), b)], [one, two], journal)
    assert (again.kept, again.different) == (1, 1)
    (kept,) = Planner(URL, journal).ask([one], "judge")
    assert kept.value == {"verdict": "A"}


def test_a_failure_that_was_paid_for_counts_once(journal):
    """A file may be taken in again when more of it has come."""
    one = request()
    for _ in range(3):
        report = taken([BAD_LINES["unreadable"](one.key(URL))], [one], journal)
        assert (report.failed, report.open) == ({"unreadable": 1}, 0)
    assert journal.used()["m"].calls == 1


def test_an_error_takes_no_failure_away_that_was_paid_for(journal):
    one = request()
    taken([BAD_LINES["unreadable"](one.key(URL))], [one], journal)
    assert taken([BAD_LINES["expired"](one.key(URL))], [one], journal).open == 0
    assert last_failure(one, journal).text == "I prefer the first."


def test_a_request_for_text_says_so(journal):
    one = request(schema=None)
    taken([openai(one.key(URL), completion("Both."))], [one], journal)
    assert journal.get([one.key(URL)])[one.key(URL)].path == "text"


def test_what_is_said_holds_nothing_that_a_terminal_cannot_show(journal):
    one = request()
    lines = [
        openai("\ud800\x1b[2J", completion()),
        {"custom_id": one.key(URL), "response": None, "error": {"code": "\ud800\x1b[31m" * 99}},
    ]
    said = taken(lines, [one], journal).summary()
    assert "\x1b" not in said
    said.encode()


@pytest.mark.parametrize("name", ["bomb.jsonl.gz", "bomb.jsonl"])
def test_a_line_without_an_end_is_refused(name, tmp_path, journal):
    path = tmp_path / name
    first = json.dumps(openai(request().key(URL), completion())).encode() + b"\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(first) + gzip.compress(b"x" * 2**20) * 640)
    else:
        path.write_bytes(first)
        with path.open("r+b") as file:
            file.truncate(640 * 2**20)
    tracemalloc.start()
    begun = time.perf_counter()
    with pytest.raises(JudgeError, match=rf"{name}, line 2[\s\S]*64 MiB"):
        read_batch([path], {request().key(URL): request()}, journal)
    took, (_, peak) = time.perf_counter() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 2.0
    assert peak < 100 * 2**20
    # what stood before it is kept
    assert not is_open(request(), journal)


def test_a_long_line_is_a_reply(journal):
    """Log-probabilities and vectors take megabytes."""
    one = request()
    body = completion(prompt_logprobs="x" * (5 * 2**20))
    assert taken([openai(one.key(URL), body)], [one], journal).answered == 1
