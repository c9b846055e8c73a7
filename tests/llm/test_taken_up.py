"""A run that is taken up asks what failed before last, and comes to its end."""

from __future__ import annotations

import asyncio

import pytest

from tests.odd_server import Answer, bad, behaving, done
from workbench.errors import JudgeError
from workbench.llm import client as client_module
from workbench.llm.asker import Asker
from workbench.llm.asking import dead_end
from workbench.llm.asking.completion import unpaid
from workbench.llm.asking.failures import CallFailedError
from workbench.llm.budget import Budget
from workbench.llm.endpoint import Endpoint
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply
from workbench.llm.request import Request, Sampling
from workbench.llm.sending import source as source_module

BAD, ALL, AT_ONCE = 20, 60, 8
SCHEMA = {"type": "object", "properties": {"verdict": {"enum": ["A", "B"]}}}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(client_module, "_FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(dead_end, "_PATIENCE_S", 0.2)


def request(k: int) -> Request:
    words = ({"role": "user", "content": f"question {k}"},)
    return Request("m", words, Sampling(), SCHEMA, about={"pair_id": k})


def failed_before(journal: Journal, url: str, status: int | None = 500) -> None:
    failure = unpaid(CallFailedError("crashed", status), "no reply after 2 attempts", 2)
    journal.put({request(k).key(url): failure for k in range(BAD)})


def fails(answer: Answer):
    return lambda body, n: answer if number(body) < BAD else done()


def number(body) -> int:
    return int(body["messages"][0]["content"].split()[1])


def failed(endpoint: Endpoint, journal: Journal) -> list[bool]:
    with Asker(endpoint, journal) as asker:
        return [one.failed for one in asker.ask([request(k) for k in range(ALL)], "s")]


ANSWERS = {"500": bad(500, "crashed"), "reset": Answer({}, reset=True), "400": bad(400, "odd"),
           "403": bad(403, "forbidden")}  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_what_failed_before_keeps_nothing_else_from_being_asked(tmp_path, answer):
    """As many requests in front that fail each time look like a server that is gone."""
    with behaving(fails(answer)) as server, Journal(tmp_path / "j") as journal:
        endpoint = Endpoint(server.url, concurrency=AT_ONCE, attempts=2)
        failed_before(journal, server.url, None if answer.reset else answer.status)
        assert failed(endpoint, journal) == [k < BAD for k in range(ALL)]
        # those on the way at once come in any order
        first = [number(body) for body in server.bodies[: ALL - BAD - AT_ONCE]]
        assert min(first) >= BAD
        # nothing else is left: they are failures, and the run comes to its end
        assert failed(endpoint, journal) == [k < BAD for k in range(ALL)]


def test_it_is_asked_earlier_where_too_many_replies_would_wait_for_it(tmp_path, monkeypatch):
    monkeypatch.setattr(source_module, "_MOST_HELD", 10)
    with behaving(lambda body, n: done()) as server, Journal(tmp_path / "j") as journal:
        failed_before(journal, server.url)
        assert not any(failed(Endpoint(server.url, concurrency=1), journal))
        order = [number(body) for body in server.bodies]
    assert order == [*range(BAD, BAD + 10), *range(BAD), *range(BAD + 10, ALL)]


def test_replies_that_are_kept_do_not_pile_up_behind_it(tmp_path, monkeypatch):
    monkeypatch.setattr(source_module, "_MOST_HELD", 300)
    with behaving(lambda body, n: done()) as server, Journal(tmp_path / "j") as journal:
        failed_before(journal, server.url)
        many = [request(k) for k in range(2000)]
        journal.put({one.key(server.url): Reply("A", "A") for one in many[BAD:]})
        held = []
        with Asker(Endpoint(server.url, concurrency=1), journal) as asker:
            found = source_module.Source(many, server.url, asker.kept, lambda asked, replies: None)
            for _ in range(BAD):
                key, _request = asyncio.run(found.take())
                held.append(len(found._ready))
                found.answer({key: Reply("A", "A")})
        assert max(held) <= 300 + source_module.AHEAD


def test_where_nobody_is_there_it_is_a_dead_end_nevertheless(tmp_path):
    url = "http://127.0.0.1:9/v1"
    with Journal(tmp_path / "j") as journal:
        failed_before(journal, url)
        with pytest.raises(JudgeError, match="no connection"):
            failed(Endpoint(url, attempts=20), journal)


# an address is given up at the first refusal where no other call began before it came, so how
# many stood in a row hangs on the clock there
@pytest.mark.parametrize(
    ("answer", "said"),
    [(bad(500, "crashed"), "in a row failed"), (bad(404, "gone"), "refuses the call.*status 404")],
)
def test_where_they_fail_in_another_way_it_is_a_dead_end_nevertheless(tmp_path, answer, said):
    with behaving(lambda body, n: answer) as server, Journal(tmp_path / "j") as journal:
        asked = [request(k) for k in range(BAD)]
        failed_before(journal, server.url, 400)
        asker = Asker(Endpoint(server.url, concurrency=AT_ONCE, attempts=20), journal)
        with asker, pytest.raises(JudgeError, match=f"(?s){said}"):
            asker.ask(asked, "s")
        assert server.calls < 4 * BAD


def test_a_reply_that_was_to_be_asked_for_again_is_so_when_the_run_goes_on(tmp_path):
    """The end of a run comes between an unreadable reply and the question with the next seed."""
    with (
        behaving(lambda body, n: done() if body["seed"] else done("Hm.")) as server,
        Journal(tmp_path / "j") as journal,
    ):
        for calls, fails, sent in ((1, True, 1), (3, False, 3), (9, False, 3)):
            budget = Budget(max_calls=calls, spent=journal.used())
            with Asker(Endpoint(server.url, concurrency=1), journal, budget=budget) as asker:
                (reply,) = asker.ask([request(0)], "s")
            assert (reply.failed, server.calls) == (fails, sent)
        assert journal.used()["m"].calls == server.calls
        # as in a run that nothing ended
        assert asker.spending()[0].usage["m"].calls == 2
