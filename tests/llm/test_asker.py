"""A run asks each question once, keeps what it paid for, and stops where it is told to."""

from __future__ import annotations

import asyncio
import signal
import threading
from dataclasses import dataclass, field

import pytest

from tests.llm_server import serving
from tests.odd_server import behaving, done
from workbench.errors import ConfigError, JudgeError
from workbench.llm import client
from workbench.llm.asker import Asker, Planner
from workbench.llm.budget import Budget, Price, expected_usage, read_prices
from workbench.llm.endpoint import Endpoint
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request, Sampling
from workbench.llm.sending.stage import Stage


def request(k: int, model: str = "m") -> Request:
    messages = ({"role": "user", "content": f"question {k}"},)
    return Request(model, messages, Sampling(max_tokens=50))


@dataclass
class Model:
    """A model at hand that counts what it is asked."""

    lost: frozenset[str] = frozenset()
    stop_at: int | None = None
    base_url: str = "fake:model"
    asked: list[str] = field(default_factory=list)

    async def ask(self, one: Request) -> Reply:
        if self.stop_at is not None and len(self.asked) >= self.stop_at:
            raise JudgeError("The model is gone.")
        text = one.messages[0]["content"]
        self.asked.append(text)
        await asyncio.sleep(0)
        reason = "unreadable: no JSON" if text in self.lost else None
        return Reply(text, None if reason else text, usage=Usage(20, 10), reason=reason)


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "j.sqlite") as opened:
        yield opened


def test_equal_questions_are_asked_once_and_kept_ones_not_at_all(journal):
    model = Model()
    with Asker(model, journal) as asker:
        values = [r.value for r in asker.ask([request(0), request(1), request(0)], "s")]
        asker.ask([request(1), request(2)], "t")
    assert values == ["question 0", "question 1", "question 0"]
    assert sorted(model.asked) == ["question 0", "question 1", "question 2"]
    assert len(journal) == 3


def test_repeats_are_asked_anew(journal):
    model = Model()
    with Asker(model, journal) as asker:
        asker.ask([request(0).repeat(k) for k in range(3)], "s")
    assert len(model.asked) == 3


def test_a_paid_failure_is_asked_again_only_when_wished(journal):
    lost = frozenset(["question 1"])
    for retry, expected in ((False, 2), (False, 0), (True, 1)):
        model = Model(lost)
        with Asker(model, journal, retry_failed=retry) as asker:
            replies = asker.ask([request(0), request(1)], "s")
            (spent,) = asker.spending()
        assert len(model.asked) == expected
        assert [reply.failed for reply in replies] == [False, True]
        assert (spent.answered, spent.failed, spent.failures) == (1, 1, {"unreadable": 1})
    assert len(journal) == 1


@pytest.mark.parametrize(
    ("limits", "calls"),
    [({"max_calls": 7}, 7), ({"max_tokens": 400}, 13), ({"max_cost": 1.0}, 24), ({}, 30)],
)
def test_no_limit_is_crossed_and_the_run_goes_on_later(journal, limits, calls):
    # a call takes 20 + 10 tokens and 0.04: 2 tokens a byte of "question 1", so that the 11 bytes
    # of "question 11" are expected to take 22 + 10 and 0.042:
    # 13 * 30 + 32 > 400 >= 12 * 30 + 32, and 24 * 0.04 + 0.042 > 1 >= 23 * 0.04 + 0.042
    prices = {"m": Price(1000.0, 2000.0)}
    requests = [request(k) for k in range(30)]
    with Asker(Model(), journal, budget=Budget(prices, **limits)) as asker:
        replies = asker.ask(requests, "s")
        (spent,) = asker.spending()
    asked = sum(reply is not None for reply in replies)
    assert asked == calls
    assert spent.open == 30 - asked
    assert spent.cost == pytest.approx(asked * 0.04)
    model = Model()
    with Asker(model, journal) as asker:
        assert None not in asker.ask(requests, "s")
    assert len(model.asked) == 30 - asked


def test_limits_hold_with_many_calls_on_the_way(journal):
    with serving(latency_s=0.02) as server:
        budget = Budget(max_calls=25)
        with Asker(Endpoint(server.url, concurrency=16), journal, budget=budget) as asker:
            replies = asker.ask([request(k) for k in range(100)], "s")
        assert sum(server.answered.values()) == 25
    assert sum(reply is not None for reply in replies) == 25


@pytest.mark.parametrize("limit", [{"max_cost": 30.0}, {"max_tokens": 20_000}])
@pytest.mark.parametrize("at_once", [4, 32])
def test_limits_are_passed_by_no_more_than_the_replies_on_the_way(journal, limit, at_once):
    """Replies grow from 10 tokens to over 200, so that no estimate of theirs is right."""
    with behaving(lambda body, n: done(prompt_tokens=20, completion_tokens=10 + 2 * n)) as server:
        budget = Budget({"m": Price(1000.0, 1000.0)}, **limit)
        with Asker(Endpoint(server.url, concurrency=at_once), journal, budget=budget) as asker:
            asker.ask([request(k) for k in range(200)], "s")
        used = budget.spent["m"]
        longest = 20 + 10 + 2 * server.calls
    total = used.prompt_tokens + used.completion_tokens
    most = 1000 * limit["max_cost"] if "max_cost" in limit else limit["max_tokens"]
    assert most - 2 * at_once * longest < total <= most + at_once * longest
    assert server.calls == used.calls < 200


def test_what_is_built_in_takes_no_tokens(journal):
    class BuiltIn(Model):
        async def ask(self, one: Request) -> Reply:
            return Reply("A", "A", usage=Usage())

    budget = Budget(max_tokens=10)
    with Asker(BuiltIn(base_url="offline:plain"), journal, budget=budget) as asker:
        assert None not in asker.ask([request(k, "offline:plain") for k in range(9)], "s")
    assert budget.spent["offline:plain"] == Usage(0, 0, 9)


def test_a_limit_on_cost_without_prices_is_an_error(journal):
    with (
        Asker(Model(), journal, budget=Budget(max_cost=1.0)) as asker,
        pytest.raises(ConfigError, match="no price of m"),
    ):
        asker.ask([request(0)], "s")


def test_estimates_err_on_the_dear_side():
    text = "Compare the two responses, and say which one is better. " * 20
    # English has about 4 characters a token
    assert expected_usage(Request("m", ({"role": "user", "content": text},))).prompt_tokens > (
        len(text) / 4
    )


@pytest.mark.parametrize(
    "text",
    ["[m]\nprompt = 1.0", '[m]\nprompt = "1"\ncompletion = 2', "[m]\nprompt = -1\ncompletion = 1",
     "m = 3", "[m", "[m]\nprompt = true\ncompletion = 1"],
)  # fmt: skip
def test_a_price_table_that_cannot_be_read_is_refused(tmp_path, text):
    path = tmp_path / "prices.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="price table"):
        read_prices(path)


def test_an_error_keeps_what_was_answered(journal):
    with Asker(Model(stop_at=5), journal) as asker, pytest.raises(JudgeError, match="gone"):
        asker.ask([request(k) for k in range(10)], "s")
    assert len(journal) == 5


def test_an_interrupt_lets_the_calls_on_the_way_come_home(journal):
    with serving(latency_s=0.1) as server:
        said = []

        def tell(progress):
            said.append(progress)
            if progress.answered >= 4 and not progress.stopped and len(said) < 50:
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

        asking = Asker(Endpoint(server.url, concurrency=4), journal, tell=tell)
        with asking as asker, pytest.raises(KeyboardInterrupt):
            asker.ask([request(k) for k in range(200)], "s")
        assert sum(server.answered.values()) == len(journal) < 200
    assert said[-1].stopped == "an interrupt"


def test_it_works_inside_a_running_loop_as_in_a_notebook(journal):
    async def cell() -> str:
        with Asker(Model(), journal) as asker:
            return asker.ask([request(0)], "s")[0].value

    assert asyncio.run(cell()) == "question 0"


def test_progress_is_told_and_adds_up(journal):
    said = []
    with Asker(Model(frozenset(["question 3"])), journal, tell=said.append) as asker:
        asker.ask([request(k) for k in range(2)], "s")
        asker.ask([request(k) for k in range(6)], "s")
    last = said[-1]
    assert (last.kept, last.answered, last.failed, last.open) == (2, 3, 1, 0)
    assert last.spent["m"] == Usage(120, 60, 6)


def test_a_planner_asks_nothing_and_finds_what_is_kept(journal):
    with Asker(Model(frozenset(["question 1"])), journal) as asker:
        asker.ask([request(0), request(1)], "s")
    planner = Planner("fake:model", journal)
    replies = planner.ask([request(k) for k in range(4)] + [request(3)], "s")
    assert [reply is None for reply in replies] == [False, False, True, True, True]
    assert planner.open["s"] == [request(2), request(3)]
    (spent,) = planner.spending()
    assert (spent.requests, spent.open, spent.failed) == (4, 2, 1)
    again = Planner("fake:model", journal, retry_failed=True)
    again.ask([request(k) for k in range(4)], "s")
    assert len(again.open["s"]) == 3


def test_a_key_names_all_that_is_sent():
    one = request(0)
    others = [
        request(1),
        request(0, "n"),
        one.repeat(1),
        Request("m", one.messages, Sampling(max_tokens=50, temperature=0.1)),
        Request("m", one.messages, Sampling(max_tokens=50, seed=1)),
        Request("m", one.messages, one.sampling, {"type": "object"}),
    ]
    keys = {other.key("http://h/v1") for other in others} | {one.key("http://other/v1")}
    assert len(keys) == 7
    assert one.key("http://h/v1") not in keys
    assert one.key("http://h/v1") == one.key("http://h/v1/")
    same = Request("m", one.messages, one.sampling, about={"pair_id": "p"})
    assert same.key("http://h/v1") == one.key("http://h/v1")
    assert len(one.key("http://h/v1")) == 32


def test_calls_count_when_they_are_sent_failures_and_retries_too(journal, monkeypatch):
    monkeypatch.setattr(client, "_FIRST_WAIT_S", 0.001)
    with serving(faults={"429": 0.2, "500": 0.2, "drop": 0.2}) as server:
        for limit in (23, 40):
            # what earlier processes sent counts too
            budget = Budget(max_calls=limit, spent=journal.used())
            with Asker(Endpoint(server.url, concurrency=8), journal, budget=budget) as asker:
                replies = asker.ask([request(k) for k in range(60)], "s")
            assert sum(server.seen.values()) == limit
            assert journal.used()["m"].calls == limit
        assert sum(reply is not None for reply in replies) < 40


@dataclass
class Talker:
    """A model whose replies grow from 1 token to 100, several of them on the way at once."""

    base_url: str = "fake:talker"
    sent: int = 0

    async def ask(self, one: Request) -> Reply:
        self.sent += 1
        return Reply("x", "x", usage=Usage(10, self.sent))


@pytest.mark.parametrize("limit", [300, 1000])
def test_the_estimate_of_a_reply_learns_from_what_was_billed(journal, limit):
    # a call takes 10 prompt tokens and one more completion token than the one before: 11, 12, ...
    model, budget = Talker(), Budget(max_tokens=limit)
    with Asker(model, journal, budget=budget) as asker:
        asker.ask([request(k) for k in range(99)], "s")
    used = budget.spent["m"]
    spent = used.prompt_tokens + used.completion_tokens
    # one call on the way: passed by one at most, and not left with room for more than that
    assert limit - (10 + model.sent) < spent <= limit + 10 + model.sent
    assert model.sent > 15


def test_what_was_not_billed_counts_as_its_estimate():
    budget, one = Budget(max_tokens=500), request(0)
    held = budget.begin(one)
    budget.end(held, None)
    # 10 bytes / 3 + 8, and the longest reply
    assert budget.spent["m"] == Usage(11, 50, 1)
    budget.end(budget.begin(one), Usage(20, 5))
    # 2 tokens a byte, 5 a reply: (500 - 61 - 25) // 25 = 16 more on the way
    on_the_way = 0
    while budget.begin(one) is not None:
        on_the_way += 1
    assert on_the_way == 16


def test_requests_are_made_as_they_are_sent_and_replies_come_in_their_order(journal):
    made, model = [], Model()

    def requests():
        for k in range(3000):
            made.append(k)
            yield request(k % 2900)

    with Asker(model, journal) as asker:
        replies = asker.each(requests(), "s", 3000)
        first = next(replies)
        asker_is_ahead = len(made)
        values = [first.value, *(one.value for one in replies)]
        (spent,) = asker.spending()
    assert values == [f"question {k % 2900}" for k in range(3000)]
    # what is made waits for whoever reads: those held for the reader, and a look-ahead
    assert asker_is_ahead <= 2048 + 2 * 256
    assert len(model.asked) == spent.requests == spent.answered == 2900


def test_a_late_reply_holds_up_the_reader_and_no_call(journal):
    class Late(Model):
        async def ask(self, one):
            if one.messages[0]["content"] == "question 0":
                while len(self.asked) < 2500:
                    await asyncio.sleep(0.001)
            self.asked.append("")
            return Reply(one.messages[0]["content"], None, usage=Usage(1, 1))

    stage_of = Asker(Late(), journal)
    with stage_of as asker:
        stage = Stage("s", (request(k) for k in range(2501)), 0, asker)

        async def model():
            return asker.model

        done = asker._thread.submit(lambda: asker._runner.run(stage.ask_all(model, 2)))
        done.result(timeout=60)
        texts = []
        while part := stage.source.read():
            texts += [one.text for one in part]
    assert texts == [f"question {k}" for k in range(2501)]


def test_a_reader_that_goes_away_ends_the_asking(journal):
    model = Model()
    with Asker(model, journal) as asker:
        for _ in asker.each((request(k) for k in range(100_000)), "s"):
            break
    assert len(model.asked) == len(journal) < 10_000


def test_an_error_while_requests_are_made_is_told(journal):
    def requests():
        yield request(0)
        raise ValueError("planted")

    with Asker(Model(), journal) as asker, pytest.raises(ValueError, match="planted"):
        asker.ask(requests(), "s")
