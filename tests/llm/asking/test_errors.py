"""An error belongs to its pair, a dead end is said early, and a hiccup is survived."""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
import socket
import threading
import time
import tracemalloc
from dataclasses import replace

import pytest

from tests.odd_server import Answer, bad, behaving, behaving_at, done
from workbench.errors import ConfigError, JudgeError
from workbench.llm import client as client_module
from workbench.llm.asker import Asker
from workbench.llm.asking import dead_end
from workbench.llm.budget import Budget
from workbench.llm.client import connected
from workbench.llm.endpoint import Endpoint
from workbench.llm.journal import Journal
from workbench.llm.pace import Pace
from workbench.llm.request import Request, Sampling

SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["A", "B"]}, "why": {"type": "string"}},
}


def request(k: int) -> Request:
    return Request("m", ({"role": "user", "content": f"question {k}."},), Sampling(), SCHEMA)


def ask(url, *requests, **options):
    async def run():
        async with connected(Endpoint(url, **options)) as client:
            return await asyncio.gather(*(client.ask(one) for one in requests))

    return asyncio.run(run())


@pytest.fixture
def _impatient(monkeypatch):
    monkeypatch.setattr(client_module, "_FIRST_WAIT_S", 0.01)


TOO_LONG = "This model's maximum context length is 8192 tokens. However, you requested 9000."
ESC = "\x1b]0;own\x07\u202e"
DEEP = b'{"choices": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"

BAD_PAIRS = {
    "context": (bad(400, TOO_LONG), "too long for the model: status 400", True),
    "filter": (bad(400, "filtered due to the content management policy"),
               "stopped by a content filter: status 400", True),
    "413": (bad(413, "request entity too large"), "too large for the server: status 413", True),
    "reset": (Answer({"choices": []}, reset=True), "no reply after 2 attempts", False),
    "gzip": (Answer(b"no gzip", headers={"content-encoding": "gzip"}),
             "no reply after 2 attempts: ClientPayloadError", False),
    "short": (Answer({"choices": []}, length=500), "no reply after 2 attempts", False),
    "odd": (bad(400, f"Upstream {ESC} closed\nit"), "refused: status 400: Upstream", False),
    "moderated": (bad(403, "Your input was flagged"), "stopped by a content filter", True),
    "deep": (Answer(DEEP), "", True),
    "broken": (Answer(b'{"choices": [{"mess'), "", True),
    "half": (done('{"verdict": "A", "why": "\\ud83d"}'), "unreadable: half a character", True),
    "text": (done("\ud83d"), "unreadable: half a character", True),
    "list": (Answer([1, 2]), "the server gave no choice", True),
}  # fmt: skip


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(("answer", "reason", "for_good"), BAD_PAIRS.values(), ids=BAD_PAIRS)
def test_one_bad_pair_is_a_counted_failure_and_the_run_goes_on(tmp_path, answer, reason, for_good):
    def behave(body, n):
        return answer if "question 3." in body["messages"][0]["content"] else done()

    with behaving(behave) as server, Journal(tmp_path / "j") as journal:
        endpoint = Endpoint(server.url, concurrency=2, attempts=2)
        with Asker(endpoint, journal) as asker:
            replies = asker.ask([request(k) for k in range(8)], "s")
            (spent,) = asker.spending()
        assert [reply.failed for reply in replies] == [k == 3 for k in range(8)]
        assert replies[3].reason.startswith(reason)
        assert all(c.isprintable() for c in replies[3].reason)
        assert spent.failed == 1
        calls = server.calls
        with Asker(endpoint, journal) as asker:
            asker.ask([request(k) for k in range(8)], "s")
        # only what may succeed is asked again
        assert (server.calls == calls) == for_good
        with Asker(endpoint, journal, retry_failed=True) as asker:
            asker.ask([request(k) for k in range(8)], "s")
        assert server.calls > calls


def test_pairs_that_are_refused_at_once_end_no_run_and_no_resume(tmp_path):
    bad_ones = ("question 1.", "question 2.", "question 3.", "question 4.")

    def behave(body, n):
        if any(one in body["messages"][0]["content"] for one in bad_ones):
            return bad(400, "Could not process this prompt")
        # each byte waits: about a third of a second a reply
        return replace(done(), pause_s=0.002)

    with behaving(behave) as server, Journal(tmp_path / "j") as journal:
        endpoint = Endpoint(server.url, concurrency=8, attempts=2)
        for _ in range(2):
            with Asker(endpoint, journal) as asker:
                replies = asker.ask([request(k) for k in range(16)], "s")
            assert [k for k, reply in enumerate(replies) if reply.failed] == [1, 2, 3, 4]


def in_turn(tmp_path, behave):
    with (
        behaving(behave) as server,
        Journal(tmp_path / "j") as journal,
        Asker(Endpoint(server.url, concurrency=1, attempts=3), journal) as asker,
    ):
        return asker.ask([request(k) for k in range(5)], "s")


ODD = {
    "300": Answer(b"", 300),
    "302": Answer(b"", 302),
    "304": Answer(b"", 304),
    "address": Answer(b"", 307, {"Location": "http://[::bad/x"}),
    "characters": Answer(b"no JSON", 400, {"Content-Type": "text/plain; charset=rot13"}),
}


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("at", [0, 3])
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_reply_is_an_error_of_its_call(tmp_path, odd, at):
    def behave(body, n):
        return odd if f"question {at}." in body["messages"][0]["content"] else done()

    replies = in_turn(tmp_path, behave)
    assert [reply.failed for reply in replies] == [k == at for k in range(5)]


def test_a_reply_that_was_made_anew_is_one_and_an_endless_logprob_is_unknown(tmp_path):
    logprobs = {"content": [{"token": "A", "logprob": -0.1, "top_logprobs": [
        {"token": "A", "logprob": -0.1}, {"token": "B", "logprob": float("-inf")}]}]}  # fmt: skip

    def behave(body, n):
        answer = done()
        answer.body["choices"][0]["logprobs"] = logprobs
        return replace(answer, status=203)

    with behaving(behave) as server, Journal(tmp_path / "j") as journal:
        with Asker(Endpoint(server.url), journal) as asker:
            (reply,) = asker.ask([request(0)], "s")
        assert not reply.failed
        assert reply.logprobs[0]["top"] == {"A": -0.1}
        assert journal.used()["m"].calls == 1


def test_a_key_that_no_header_can_hold_names_its_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-abcdef\r")
    with behaving(lambda body, n: done()) as server, Journal(tmp_path / "j") as journal:
        asker = Asker(Endpoint(server.url, key_variable="MY_KEY"), journal)
        with asker, pytest.raises(ConfigError, match="MY_KEY") as told:
            asker.ask([request(0)], "s")
        assert "sk-abcdef" not in str(told.value)
        assert server.calls == 0


QUOTA = bad(429, "You exceeded your current quota, please check your plan and billing details.",
            code="insufficient_quota")  # fmt: skip
PAGE = Answer(b"<html><head><title>Welcome</title></head></html>")
SHY = bad(401, "Incorrect API key provided: sk-wrong-0123456789")


@pytest.mark.parametrize(
    ("answer", "said", "fix"),
    [
        (QUOTA, "the quota is used up: status 429", "plan"),
        (SHY, "status 401: Incorrect API key provided: (the key)", "MY_KEY"),
        (bad(404, "The model `m` does not exist"), "status 404", "model's name"),
        (bad(400, "Your organisation has no such thing"), "5 calls in a row", "--extra-body"),
    ],
)
def test_what_is_refused_for_all_stops_the_run_at_once(tmp_path, monkeypatch, answer, said, fix):
    monkeypatch.setenv("MY_KEY", "sk-wrong-0123456789")
    with behaving(lambda body, n: answer) as server, Journal(tmp_path / "j") as journal:
        start = time.monotonic()
        endpoint = Endpoint(server.url, "MY_KEY", concurrency=4)
        with Asker(endpoint, journal) as asker, pytest.raises(JudgeError) as error:
            asker.ask([request(k) for k in range(100)], "s")
        assert time.monotonic() - start < 3
        assert server.calls <= 10
    assert said in str(error.value)
    assert fix in str(error.value)
    assert "sk-wrong" not in str(error.value)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("answer", [PAGE, bad(500, "broken"), bad(200, "Provider overloaded")])
def test_a_server_that_never_answers_is_given_up_early(tmp_path, monkeypatch, answer):
    monkeypatch.setattr(dead_end, "_PATIENCE_S", 0.2)
    with behaving(lambda body, n: answer) as server, Journal(tmp_path / "j") as journal:
        with (
            Asker(Endpoint(server.url), journal) as asker,
            pytest.raises(JudgeError, match="does not answer") as error,
        ):
            asker.ask([request(k) for k in range(80)], "s")
        # all at once, then one at a time
        assert server.calls <= 32
    assert "calls in a row failed, none was answered in between" in str(error.value)
    assert any(words in str(error.value) for words in ("Welcome", "broken", "overloaded"))


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("answer", [bad(500, "crashed"), bad(429, "Request too large for m")])
def test_one_request_that_breaks_the_server_each_time_is_no_dead_end(tmp_path, answer):
    def behave(body, n):
        return answer if "question 3." in body["messages"][0]["content"] else done()

    with (
        behaving(behave) as server,
        Journal(tmp_path / "j") as journal,
        Asker(Endpoint(server.url, concurrency=1), journal) as asker,
    ):
        replies = asker.ask([request(k) for k in range(8)], "s")
    assert [reply.failed for reply in replies] == [k == 3 for k in range(8)]


@pytest.mark.usefixtures("_impatient")
def test_nobody_there_is_given_up_early(monkeypatch):
    monkeypatch.setattr(dead_end, "_PATIENCE_S", 0.2)
    with pytest.raises(JudgeError, match="the last: no connection: ") as error:
        ask("http://127.0.0.1:9/v1", *(request(k) for k in range(40)), attempts=20)
    assert "See that the server runs" in str(error.value)


def test_few_requests_that_fail_are_failures_and_no_dead_end():
    replies = ask("http://127.0.0.1:9/v1", request(0), request(1), attempts=1)
    assert all(reply.failed and not reply.permanent for reply in replies)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    "answer",
    [bad(503, "starting"), bad(429, "slow down", {"retry-after": "0.05"}), bad(200, "overloaded"),
     bad(503, "busy", {"retry-after": "0.05"}), bad(429, "Quota exceeded. Please retry in 2s")],
)  # fmt: skip
def test_a_hiccup_is_survived(answer):
    """A server that restarts, or refuses a burst, for half a second."""
    begun = time.monotonic()
    away = lambda: 0.1 < time.monotonic() - begun < 0.6  # noqa: E731

    with behaving(lambda body, n: answer if away() else done()) as server:
        replies = ask(server.url, *(request(k) for k in range(200)), concurrency=8, attempts=50)
    assert not any(reply.failed for reply in replies)


def test_an_error_inside_a_200_is_tried_again_with_waits(monkeypatch):
    monkeypatch.setattr(client_module, "_FIRST_WAIT_S", 0.1)
    error = Answer({"error": {"message": "Provider returned error: overloaded", "code": 502}})
    with behaving(lambda body, n: error if n <= 3 else done()) as server:
        start = time.monotonic()
        (reply,) = ask(server.url, request(0))
        assert time.monotonic() - start > 0.1 * (0.5 + 1 + 2) - 0.01
    assert (reply.failed, reply.attempts, reply.usage.calls) == (False, 4, 1)
    with behaving(lambda body, n: error) as server:
        (reply,) = ask(server.url, request(0), attempts=2)
    # not paid for: it is open when the run is taken up
    assert (reply.failed, reply.permanent, reply.usage.calls) == (True, False, 0)


def test_the_timeout_bounds_the_whole_reply():
    """Each byte comes in time; all of them would take 10 s."""
    slow = Answer(done().body, pause_s=0.1)
    with behaving(lambda body, n: slow) as server:
        start = time.monotonic()
        (reply,) = ask(server.url, request(0), timeout_s=0.4, attempts=1)
        assert time.monotonic() - start < 2
    assert "no whole reply within 0.4 s" in reply.reason


def test_a_redirect_to_another_host_is_refused(monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-secret-0123456789")
    with behaving(lambda body, n: done()) as other:
        there = {"location": f"{other.url}/chat/completions?k=1"}
        with (
            behaving(lambda body, n: Answer({}, 307, there)) as server,
            pytest.raises(JudgeError, match="sent to another address") as error,
        ):
            ask(server.url, request(0), key_variable="MY_KEY")
        assert other.calls == 0
    assert "k=1" not in str(error.value)


def test_a_redirect_on_the_same_host_is_followed_and_each_call_is_counted(tmp_path):
    def behave(path, n):
        return Answer({}, 307, {"location": "/v1/elsewhere"}) if "elsewhere" not in path else done()

    with behaving_at(behave) as server, Journal(tmp_path / "j") as journal:
        budget = Budget(max_calls=4)
        with Asker(Endpoint(server.url, concurrency=2), journal, budget=budget) as asker:
            replies = asker.ask([request(k) for k in range(8)], "s")
        assert server.calls == budget.spent["m"].calls == 4
    # one or two were sent on; then all went there at once
    assert sum(reply is not None and reply.value == {"verdict": "A"} for reply in replies) >= 2


def test_a_server_that_sends_in_circles_is_given_up(tmp_path):
    def behave(path, n):
        return Answer({}, 307, {"location": f"/v1/{n}"})

    with (
        behaving_at(behave) as server,
        pytest.raises(JudgeError, match=r"a redirect to .*, which is not followed"),
    ):
        ask(server.url, request(0))
    assert server.calls == 4


def test_a_reply_without_end_is_not_read_to_its_end():
    endless = gzip.compress(bytes(200 << 20), 1)
    with behaving(lambda body, n: Answer(endless, headers={"content-encoding": "gzip"})) as server:
        tracemalloc.start()
        (reply,) = ask(server.url, request(0), attempts=1)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert "a reply of more than 64 MiB" in reply.reason
    assert peak < 150 << 20


def test_a_reply_that_was_cut_off_is_asked_for_again():
    whole = gzip.compress(json.dumps(done().body).encode())
    packed = Answer(whole[:-20], headers={"content-encoding": "gzip"})
    with behaving(lambda body, n: packed if n <= 2 else done()) as server:
        (reply,) = ask(server.url, request(0))
    assert (reply.failed, reply.attempts, reply.usage.calls) == (False, 3, 1)


STREAM = b'data: {"choices": [{"delta": {"content": "A"}}]}'
EMPTY = [b"Too Many Requests", b'"busy"', b"null", [], {"choices": []},
         {"choices": None, "error": None}, STREAM]  # fmt: skip


@pytest.mark.parametrize("body", EMPTY)
def test_a_server_that_never_gives_a_choice_is_given_up_and_nothing_is_booked(tmp_path, body):
    budget = Budget()
    with behaving(lambda _, n: Answer(body)) as server, Journal(tmp_path / "j") as journal:
        asker = Asker(Endpoint(server.url, concurrency=4), journal, budget=budget)
        with asker, pytest.raises(JudgeError, match="a reply without an answer"):
            asker.ask([request(k) for k in range(60)], "s")
        # five, or more where a call is late: it may be an answer
        assert server.calls <= dead_end._AT_LAST + 4
    assert budget.spent["m"].completion_tokens == 0


def about(k: int) -> Request:
    return replace(request(k), about={"pair_id": k // 2})


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    "answer", [bad(500, "CUDA error"), bad(400, "weird"), bad(403, "no"), bad(404, "none")]
)
@pytest.mark.parametrize("at_once", [1, 16])
def test_pairs_that_always_fail_end_no_run_and_no_resume(tmp_path, monkeypatch, answer, at_once):
    """Twelve of sixty: at the end, and when the run is taken up, only they are left."""
    monkeypatch.setattr(dead_end, "_PATIENCE_S", 0.01)
    monkeypatch.setattr(dead_end, "_LONG_PATIENCE_S", 0.02)

    def behave(body, n):
        number = int(body["messages"][0]["content"].split()[1].rstrip("."))
        return answer if number // 2 % 5 == 2 else done()

    with behaving(behave) as server, Journal(tmp_path / "j") as journal:
        for _ in range(3):
            with Asker(Endpoint(server.url, concurrency=at_once, attempts=4), journal) as asker:
                replies = asker.ask([about(k) for k in range(120)], "s")
            assert [k for k in range(120) if replies[k].failed] == [
                k for k in range(120) if k // 2 % 5 == 2
            ]


@pytest.mark.parametrize("status", [401, 404])
def test_a_refusal_that_comes_first_waits_for_the_calls_on_the_way(tmp_path, status):
    def behave(body, n):
        if body["messages"][0]["content"] in ("question 0.", "question 1."):
            # when the others are on the way
            time.sleep(0.2)
            return bad(status, "not this one")
        return replace(done(), pause_s=0.004)

    with (
        behaving(behave) as server,
        Journal(tmp_path / "j") as journal,
        Asker(Endpoint(server.url, concurrency=8), journal) as asker,
    ):
        replies = asker.ask([about(k) for k in range(30)], "s")
    assert [k for k in range(30) if replies[k].failed] == [0, 1]


NOTHING = [{"detail": "Not Found"}, {"code": 500, "msg": "overloaded"}, {"success": False}, {}, b""]


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("body", NOTHING)
def test_a_200_that_is_no_reply_is_a_server_that_does_not_answer(tmp_path, monkeypatch, body):
    monkeypatch.setattr(dead_end, "_PATIENCE_S", 0.2)
    with behaving(lambda _, n: Answer(body)) as server, Journal(tmp_path / "j") as journal:
        with (
            Asker(Endpoint(server.url), journal) as asker,
            pytest.raises(JudgeError, match="does not answer"),
        ):
            asker.ask([request(k) for k in range(40)], "s")
        assert server.calls <= 32
        # every call is counted on when the run is taken up
        assert journal.used()["m"].calls == server.calls


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("answer", [bad(500, "broken"), bad(429, "slow"), bad(400, "odd")])
def test_the_calls_before_a_dead_end_are_counted_on(tmp_path, monkeypatch, answer):
    monkeypatch.setattr(dead_end, "_PATIENCE_S", 0.2)
    with behaving(lambda _, n: answer) as server, Journal(tmp_path / "j") as journal:
        asker = Asker(Endpoint(server.url, concurrency=4, attempts=3), journal)
        with asker, pytest.raises(JudgeError):
            asker.ask([request(k) for k in range(40)], "s")
        assert journal.used()["m"].calls == server.calls > 0


def test_the_second_ask_is_counted_on_where_a_limit_ends_it(tmp_path, monkeypatch):
    monkeypatch.setattr(client_module, "_FIRST_WAIT_S", 0.01)
    answers = {1: done("no verdict")}
    with (
        behaving(lambda _, n: answers.get(n, bad(500, "broken"))) as server,
        Journal(tmp_path / "j") as journal,
    ):
        with Asker(Endpoint(server.url), journal, budget=Budget(max_calls=3)) as asker:
            asker.ask([request(0)], "s")
        assert journal.used()["m"].calls == server.calls == 3


def test_an_unknown_bill_counts_the_same_when_the_run_is_taken_up(tmp_path):
    def behave(body, n):
        answer = done()
        del answer.body["usage"]
        return answer

    with behaving(behave) as server, Journal(tmp_path / "j") as journal:
        budget = Budget(max_tokens=10_000)
        with Asker(Endpoint(server.url, concurrency=1), journal, budget=budget) as asker:
            asker.ask([request(k) for k in range(40)], "s")
        assert journal.used() == budget.spent
        assert 9_000 < journal.used()["m"].completion_tokens <= 10_000
        again = Budget(max_tokens=10_000, spent=journal.used())
        calls = server.calls
        with Asker(Endpoint(server.url, concurrency=1), journal, budget=again) as asker:
            asker.ask([request(k) for k in range(40)], "s")
        assert server.calls == calls


def interrupt():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@pytest.mark.parametrize("at_once", [1, 8])
def test_an_interrupt_does_not_wait_as_long_as_the_server_asks(tmp_path, at_once):
    wait = bad(429, "slow down", {"retry-after": "30"})

    with behaving(lambda _, n: wait) as server, Journal(tmp_path / "j") as journal:
        with Asker(Endpoint(server.url, concurrency=at_once), journal) as asker:
            reading = asker.each([request(k) for k in range(20)], "s")
            threading.Timer(0.5, interrupt).start()
            start = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                next(reading)
        assert time.monotonic() - start < 5
        assert journal.used()["m"].calls == server.calls


def test_a_second_interrupt_gives_up_the_calls_on_the_way(tmp_path):
    slow = replace(done(), pause_s=0.1)
    with behaving(lambda _, n: slow) as server, Journal(tmp_path / "j") as journal:
        with Asker(Endpoint(server.url, concurrency=4), journal) as asker:
            reading = asker.each([request(k) for k in range(20)], "s")
            for after in (0.3, 0.8):
                threading.Timer(after, interrupt).start()
            start = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                next(reading)
        assert time.monotonic() - start < 5
        assert journal.used()["m"].calls == server.calls == 4


@pytest.mark.usefixtures("_impatient")
def test_one_question_to_nobody_is_given_up_early(monkeypatch):
    monkeypatch.setattr(dead_end, "_PATIENCE_S", 0.2)
    with pytest.raises(JudgeError, match="no connection"):
        ask("http://127.0.0.1:9/v1", request(0), attempts=50)


@pytest.mark.parametrize(
    "usage",
    [{"prompt_tokens": -5}, {"completion_tokens": 10**9}, {"prompt_tokens": 10**12},
     {"completion_tokens": 20_000}, {"prompt_tokens": 1.5}, {"completion_tokens": True}],
)  # fmt: skip
def test_usage_beyond_reason_is_not_believed(usage):
    with behaving(lambda body, n: done(**usage)) as server:
        (reply,) = ask(server.url, request(0))
    assert not reply.failed
    believed = (reply.usage.prompt_tokens, reply.usage.completion_tokens)
    # none of it, or what is there beside a number that is none
    assert believed in ((0, 0), (0, 10), (50, 0))


def test_usage_within_reason_is_believed():
    with behaving(lambda body, n: done(completion_tokens=3000)) as server:
        (reply,) = ask(server.url, request(0))
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (50, 3000)


def test_a_dead_end_can_be_asked_again_later(tmp_path):
    with (
        behaving(lambda body, n: QUOTA if n == 1 else done()) as server,
        Journal(tmp_path / "j") as journal,
        Asker(Endpoint(server.url), journal) as asker,
    ):
        with pytest.raises(JudgeError, match="quota"):
            asker.ask([request(0)], "s")
        (reply,) = asker.ask([request(0)], "s")
    assert not reply.failed


def test_a_refused_port_is_refused():
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        (reply,) = ask(f"http://127.0.0.1:{port.getsockname()[1]}/v1", request(0), attempts=1)
    assert reply.reason.startswith("no reply after 1 attempts: ClientConnectorError")


def test_the_waits_for_a_silent_server_double_up_to_a_minute():
    pace = Pace(4)
    for _ in range(20):
        pace._held_at = float("-inf")
        pace.hold(0.5, time.monotonic())
    assert 59 < pace._not_before - time.monotonic() <= 60


@pytest.mark.usefixtures("_impatient")
def test_a_pair_that_is_known_to_fail_holds_nothing_up(monkeypatch):
    held = []
    monkeypatch.setattr(Pace, "hold", lambda self, first_s, begun: held.append(begun))

    def behave(body, n):
        return bad(500, "crashed") if "question 3." in body["messages"][0]["content"] else done()

    with behaving(behave) as server:
        replies = ask(server.url, *(about(k) for k in range(8)), concurrency=2, attempts=9)
    assert [reply.failed for reply in replies] == [k == 3 for k in range(8)]
    assert len(held) < 10
