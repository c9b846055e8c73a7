"""Every fault of a server ends in an answer, a failure with its raw text, or a clear stop."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.llm_server import CONTENT, serving
from workbench.errors import ConfigError, JudgeError
from workbench.llm import client as client_module
from workbench.llm.asker import Asker
from workbench.llm.client import connected
from workbench.llm.endpoint import Endpoint
from workbench.llm.fence import fenced
from workbench.llm.journal import Journal
from workbench.llm.pace import Pace
from workbench.llm.request import Request, Sampling

SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"type": "string", "enum": ["A", "B", "tie"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(client_module, "_FIRST_WAIT_S", 0.01)


def request(k: int = 0, model: str = "m", **options) -> Request:
    texts = {"response A": f"one {k}", "response B": "two, and longer?"}
    messages = (
        {"role": "system", "content": 'Reply with {"verdict": ...}.'},
        {"role": "user", "content": fenced(texts)},
    )
    return Request(model, messages, Sampling(**options), SCHEMA)


def ask(server, *requests, **options):
    async def run():
        async with connected(Endpoint(server.url, **options)) as client:
            return await asyncio.gather(*(client.ask(one) for one in requests))

    return asyncio.run(run())


@pytest.mark.parametrize("fault", ["429", "500", "drop", "half", "error200", "page", "gzip"])
def test_faults_of_the_transport_are_tried_again(fault):
    with serving(faults={fault: 0.5}) as server:
        replies = ask(server, *(request(k) for k in range(20)), attempts=12)
    assert not any(reply.failed for reply in replies)
    assert any(reply.attempts > 1 for reply in replies)
    assert all(reply.usage.calls == 1 for reply in replies)


@pytest.mark.parametrize("fault", CONTENT)
def test_faults_of_the_content_are_read_or_fail_with_their_text(fault):
    with serving(faults={fault: 1.0}) as server:
        (reply,) = ask(server, request())
        if fault in ("prose", "fenced"):
            assert reply.value["verdict"] in ("A", "B")
            assert reply.usage.calls == 1
        else:
            assert reply.failed
            assert reply.value is None
            assert reply.text
        if fault not in ("prose", "fenced"):
            # asked once more, and both calls are paid for
            assert reply.usage.calls == 2
            assert sum(server.answered.values()) == 2


def test_the_one_repeat_mends_what_is_unreadable_by_chance():
    with serving(faults={"wrong": 0.5}) as server:
        replies = ask(server, *(request(k) for k in range(60)))
    mended = [reply for reply in replies if not reply.failed and reply.usage.calls == 2]
    assert len(mended) > 5
    assert 5 < sum(reply.failed for reply in replies) < 30


@pytest.mark.parametrize(
    ("model", "key", "status", "hint"),
    [("unknown", None, 404, "model's name"), ("m", "right", 401, "MY_KEY")],
)
def test_a_permanent_error_stops_the_run_at_once(tmp_path, monkeypatch, model, key, status, hint):
    monkeypatch.setenv("MY_KEY", "sk-wrong-0123456789")
    with serving(key=key) as server, Journal(tmp_path / "j") as journal:
        endpoint = Endpoint(server.url, "MY_KEY", concurrency=2)
        with Asker(endpoint, journal) as asker, pytest.raises(JudgeError) as error:
            asker.ask([request(k, model) for k in range(100)], "judge")
        assert sum(server.seen.values()) <= 4
    assert f"status {status}" in str(error.value)
    assert hint in str(error.value)
    # the server repeats the key in its message
    assert "sk-wrong" not in str(error.value)


@pytest.mark.parametrize(
    ("formats", "path"),
    [(("json_schema",), "json_schema"), (("json_object",), "json_object"), ((), "text")],
)
def test_the_form_of_the_reply_falls_back_and_is_recorded(formats, path):
    with serving(formats=formats) as server:
        replies = ask(server, *(request(k) for k in range(5)))
    assert [reply.path for reply in replies] == [path] * 5
    assert not any(reply.failed for reply in replies)


def test_every_sampling_value_is_sent():
    body = request(temperature=0.3, top_p=0.9, max_tokens=7, seed=5, top_logprobs=4).body()
    expected = {"temperature": 0.3, "top_p": 0.9, "max_tokens": 7, "seed": 5, "n": 1}
    assert {key: body[key] for key in expected} == expected
    assert (body["logprobs"], body["top_logprobs"]) == (True, 4)


def test_missing_logprobs_are_missing():
    with serving(logprobs=False) as server:
        (reply,) = ask(server, request(top_logprobs=5))
    assert reply.logprobs is None
    with serving() as server:
        (reply,) = ask(server, request(top_logprobs=5))
    assert reply.logprobs[3]["token"] in ("A", "B")
    assert set(reply.logprobs[3]["top"]) == {"A", "B"}


def test_a_server_that_does_not_answer_in_time_is_given_up():
    with serving(latency_s=0.5) as server:
        (reply,) = ask(server, request(), timeout_s=0.05, attempts=2)
    assert reply.failed
    assert reply.reason.startswith("no reply after 2 attempts")
    assert reply.usage.calls == 0


def test_nobody_there_is_a_failure_that_can_be_asked_again():
    (reply,) = ask(type("Gone", (), {"url": "http://127.0.0.1:9/v1"}), request(), attempts=2)
    assert reply.failed
    assert reply.usage.calls == 0


def test_the_number_of_calls_at_once_follows_the_server(tmp_path):
    with serving(latency_s=0.01, most_at_once=4) as server, Journal(tmp_path / "j") as journal:
        with Asker(Endpoint(server.url, concurrency=32, attempts=50), journal) as asker:
            replies = asker.ask([request(k) for k in range(150)], "judge")
        assert not any(reply.failed for reply in replies)
        refused = sum(server.seen.values()) - sum(server.answered.values())
    # a limit that stays at 32 is refused about 7 times for each answer
    assert refused < 300


def test_the_pace_slows_once_for_refusals_of_one_moment_and_recovers():
    pace, begun = Pace(100), time.monotonic()
    for _ in range(10):
        pace.refused(0.0, begun)
    assert pace.limit == pytest.approx(70.0)
    for _ in range(4000):
        pace.answered()
    assert pace.limit == 100.0


def test_retry_after_holds_every_call():
    async def run() -> float:
        pace = Pace(2)
        pace.refused(0.15, time.monotonic())
        start = time.monotonic()
        async with pace.slot():
            return time.monotonic() - start

    assert asyncio.run(run()) >= 0.14


@pytest.mark.parametrize(
    "options",
    [{"base_url": "127.0.0.1:8000"}, {"base_url": "http://u:secret@h/v1"},
     {"base_url": "http://h/v1?key=secret"}, {"concurrency": 0}, {"timeout_s": 0.0}],
)  # fmt: skip
def test_an_endpoint_that_cannot_be_used_is_refused(options):
    with pytest.raises(ConfigError) as error:
        Endpoint(**{"base_url": "http://127.0.0.1:1/v1", **options})
    assert "secret" not in str(error.value)
