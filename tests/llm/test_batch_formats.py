"""Batch files of Anthropic and Gemini: requests as their documentation has them, replies too."""

from __future__ import annotations

import json
import math
import re

import pytest

from workbench.errors import JudgeError
from workbench.llm.batch import FORMATS, read_batch, write_batch
from workbench.llm.journal import Journal
from workbench.llm.request import Request, Sampling

URL = "http://127.0.0.1:1/v1"
SCHEMA = {
    "type": "object",
    "properties": {
        "verdict": {"type": "string", "enum": ["A", "B"]},
        "minimum": {"type": "integer", "minimum": 0, "maximum": 3},
    },
    "required": ["verdict", "minimum"],
    "additionalProperties": False,
}
ANSWER = '{"verdict": "B", "minimum": 2}'
MESSAGES = (
    {"role": "system", "content": "Judge."},
    {"role": "user", "content": "A or B? 🙂 \u2028"},
    {"role": "assistant", "content": "B"},
    {"role": "user", "content": "Sure?"},
)


def request(seed: int = 0, schema=SCHEMA, **sampling) -> Request:
    return Request("m", MESSAGES, Sampling(seed=seed, **sampling), schema)


def line_of(one: Request, batch_format: str, folder) -> dict:
    (path,) = write_batch(folder / "r.jsonl", [one, one], URL, batch_format=batch_format)
    (line,) = path.read_text().splitlines()
    return json.loads(line)


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "j.sqlite") as opened:
        yield opened


def taken(lines: list, asked: list[Request], journal, tmp_path):
    """Return the report of these lines, and the replies of the requests, in order."""
    path = tmp_path / "replies.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    keys = {one.key(URL): one for one in asked}
    report = read_batch([path], keys, journal)
    found = journal.failed(keys) | journal.get(keys)
    return report, [found.get(key) for key in keys]


def test_a_line_for_anthropic_is_as_its_documentation_has_it(tmp_path):
    line = line_of(request(max_tokens=99), "anthropic", tmp_path)
    assert set(line) == {"custom_id", "params"}
    assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", line["custom_id"])
    params = line["params"]
    form = params.pop("output_config")["format"]
    assert params == {
        "model": "m",
        "max_tokens": 99,
        "system": "Judge.",
        "messages": [dict(one) for one in MESSAGES[1:]],
        "temperature": 0.0,
    }
    # bounds of numbers are not taken: they are told in words
    bounded = {"type": "integer", "description": "minimum 0. maximum 3"}
    properties = {**SCHEMA["properties"], "minimum": bounded}
    assert form == {"type": "json_schema", "schema": {**SCHEMA, "properties": properties}}


def test_anthropic_is_asked_for_what_it_knows_only(tmp_path):
    sampled = line_of(request(temperature=1.0, top_p=0.9), "anthropic", tmp_path)["params"]
    assert (sampled.get("temperature"), sampled["top_p"]) == (None, 0.9)
    free = {"type": "object", "additionalProperties": {"type": "integer"}}
    for schema in (None, {"type": "object"}, {"type": "array", "items": free}):
        params = line_of(request(schema=schema), "anthropic", tmp_path)["params"]
        assert "output_config" not in params
    before = (tmp_path / "r.jsonl").read_text()
    with pytest.raises(JudgeError, match=r"log-probabilities[\s\S]*soft"):
        line_of(request(top_logprobs=5), "anthropic", tmp_path)
    for name in ("anthropic", "gemini"):
        with pytest.raises(JudgeError, match="embed"):
            line_of(Request("m", (), inputs=("x",)), name, tmp_path)
    assert (tmp_path / "r.jsonl").read_text() == before
    with pytest.raises(JudgeError, match="anthropic, gemini, openai"):
        line_of(request(), "mistral", tmp_path)


def message(text: str, stop: str = "end_turn", **more) -> dict:
    used = {"input_tokens": 11, "cache_creation_input_tokens": 2, "cache_read_input_tokens": None}
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [{"type": "text", "text": text}], "stop_reason": stop, "stop_sequence": None,
        "usage": {**used, "output_tokens": 36}, **more,
    }  # fmt: skip


def test_results_of_anthropic_are_read(tmp_path, journal):
    asked = [request(k) for k in range(7)]
    ids = [one.key(URL) for one in asked]
    thought = [{"type": "thinking", "thinking": "Perhaps A.", "signature": "x"}]
    parts = [*thought, {"type": "text", "text": ANSWER}]
    wrong = {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}
    results = [
        {"type": "succeeded", "message": message("", content=parts)},
        {"type": "succeeded", "message": message(ANSWER[:9], "max_tokens")},
        {"type": "succeeded", "message": message("", "refusal", content=[])},
        {"type": "errored", "error": wrong},
        {"type": "canceled"},
        {"type": "expired"},
    ]
    lines = [
        {"custom_id": id_, "result": result} for id_, result in zip(ids, results, strict=False)
    ]
    report, replies = taken(lines[::-1], asked, journal, tmp_path)
    assert (report.answered, report.open) == (1, 4)
    assert report.errors == {"invalid_request_error": 1, "canceled": 1, "expired": 1}
    assert report.failed == {"the reply was cut off at max_tokens": 1, "the model refused": 1}
    first = replies[0]
    assert (first.value, first.thinking) == ({"verdict": "B", "minimum": 2}, "Perhaps A.")
    assert (first.path, first.finish_reason, first.text) == ("json_schema", "stop", ANSWER)
    assert (first.usage.prompt_tokens, first.usage.completion_tokens) == (13, 36)


def test_the_path_says_how_anthropic_was_asked(tmp_path, journal):
    free = {"type": "object", "properties": SCHEMA["properties"], "required": ["verdict"]}
    one = request(schema=free)
    line = {"custom_id": one.key(URL), "result": {"type": "succeeded", "message": message(ANSWER)}}
    _, (reply,) = taken([line], [one], journal, tmp_path)
    assert (reply.path, reply.value["verdict"]) == ("text", "B")


def test_a_line_for_gemini_is_as_its_documentation_has_it(tmp_path):
    one = request(5, max_tokens=99, top_logprobs=7)
    line = line_of(one, "gemini", tmp_path)
    assert line.pop("key") == one.key(URL)
    texts = [one["content"] for one in MESSAGES]
    assert line == {
        "request": {
            "systemInstruction": {"parts": [{"text": texts[0]}]},
            "contents": [
                {"role": "user", "parts": [{"text": texts[1]}]},
                {"role": "model", "parts": [{"text": texts[2]}]},
                {"role": "user", "parts": [{"text": texts[3]}]},
            ],
            "generationConfig": {
                "temperature": 0.0,
                "topP": 1.0,
                "maxOutputTokens": 99,
                "candidateCount": 1,
                "seed": 5,
                "responseLogprobs": True,
                "logprobs": 7,
                "responseMimeType": "application/json",
                "responseJsonSchema": SCHEMA,
            },
        }
    }
    plain = line_of(request(schema=None), "gemini", tmp_path)["request"]["generationConfig"]
    assert not {"responseMimeType", "responseJsonSchema", "logprobs"} & set(plain)


def candidate(text: str, stop: str = "STOP", **more) -> dict:
    parts = [{"text": "Perhaps A.", "thought": True}, {"text": text}]
    used = {"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 30}
    one = {"content": {"parts": parts, "role": "model"}, "finishReason": stop, **more}
    return {"candidates": [one], "usageMetadata": used, "modelVersion": "m"}


def test_responses_of_gemini_are_read(tmp_path, journal):
    asked = [request(k) for k in range(7)]
    keys = [one.key(URL) for one in asked]
    a, b = {"token": "A", "logProbability": -2.0}, {"token": "B", "logProbability": -0.25}
    logs = {"chosenCandidates": [{"token": '{"'}, b],
            "topCandidates": [{"candidates": []}, {"candidates": [b, a]}]}  # fmt: skip
    lines = [
        {"key": keys[0], "response": candidate(ANSWER, logprobsResult=logs)},
        {"key": keys[1], "response": candidate(ANSWER[:9], "MAX_TOKENS")},
        {"key": keys[2], "response": candidate("", "SAFETY")},
        {"key": keys[3], "response": {"promptFeedback": {"blockReason": "SAFETY"}}},
        {"key": keys[4], "error": {"code": 400, "message": "no"}},
        {"key": keys[5], "response": {"candidates": "odd"}},
        {"key": "of another run", "response": candidate(ANSWER)},
    ]
    report, replies = taken(lines, asked, journal, tmp_path)
    assert (report.answered, report.foreign, report.open) == (1, 1, 2)
    assert report.errors == {"code 400": 1}
    assert report.failed == {
        "the reply was cut off at max_tokens": 1,
        "the server's content filter cut the reply": 2,
        "the reply is empty": 1,
    }
    first = replies[0]
    assert (first.value["verdict"], first.thinking, first.path) == (
        "B", "Perhaps A.", "json_schema",
    )  # fmt: skip
    assert (first.usage.prompt_tokens, first.usage.completion_tokens) == (9, 34)
    assert [one["token"] for one in first.logprobs] == ['{"', "B"]
    assert first.logprobs[1]["top"] == {"B": -0.25, "A": -2.0}
    assert math.exp(first.logprobs[0]["logprob"]) == 1.0


def test_each_line_tells_its_format_by_itself(tmp_path, journal):
    one, two, three = asked = [request(k) for k in range(3)]
    body = {"choices": [{"message": {"content": ANSWER}, "finish_reason": "stop"}]}
    lines = [
        {"custom_id": one.key(URL), "response": {"status_code": 200, "body": body}},
        {"custom_id": two.key(URL), "result": {"type": "succeeded", "message": message(ANSWER)}},
        {"key": three.key(URL), "response": candidate(ANSWER)},
        {"name": "of no format"},
    ]
    report, replies = taken(lines, asked, journal, tmp_path)
    assert (report.answered, report.open, len(report.broken)) == (3, 0, 1)
    assert {reply.value["verdict"] for reply in replies} == {"B"}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_file_of_requests_is_refused(name, tmp_path, journal):
    (path,) = write_batch(tmp_path / "r.jsonl", [request()], URL, batch_format=name)
    with pytest.raises(JudgeError, match=f"a request in {name}'s format"):
        read_batch([path], {}, journal)


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("odd", [None, 3, "x", [], {}, {"type": "succeeded"}, {"candidates": [3]}])
def test_odd_lines_are_counted_whatever_they_hold(name, odd, tmp_path, journal):
    one = request()
    key = one.key(URL)
    lines = [
        {"custom_id": key, "response": odd, "result": odd, "error": odd},
        {"key": key, "response": odd},
        {FORMATS[name].key: key, "response": {"body": odd, "candidates": odd}},
        {"custom_id": key, "result": {"type": "succeeded", "message": {"content": odd,
                                                                      "usage": odd}}},
    ]  # fmt: skip
    report, _ = taken(lines, [one], journal, tmp_path)
    counted = report.answered + report.repeated + sum(report.failed.values())
    assert counted + sum(report.errors.values()) == report.lines == 4
    assert report.answered == 0
