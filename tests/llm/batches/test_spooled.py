"""Requests that wait on the disk are those that were made, and memory holds few of them."""

from __future__ import annotations

import json
import tracemalloc

from tests.llm.test_batch import URL, reply, requests
from workbench.llm.asker import Planner
from workbench.llm.batch import read_batch
from workbench.llm.batches.spooled import SpooledRequests
from workbench.llm.journal import Journal
from workbench.llm.request import Request, Sampling


def test_what_comes_back_is_what_was_put():
    odd = [
        *requests(3),
        Request("m", ({"role": "user", "content": "\ud800 half a pair"},), partial=True),
        Request("e", (), inputs=("one", "two"), replicate=3),
        Request("m", ({"role": "user", "content": "x"},), Sampling(0.3, 0.9, 7, None, 5)),
    ]
    asked = {one.key(URL): one for one in odd}
    with SpooledRequests() as waiting:
        waiting.update(asked)
        waiting.update(asked)
        assert dict(waiting) == asked
        assert list(waiting) == list(asked)
        assert [waiting[key].key(URL) for key in asked] == list(asked)
        assert "another" not in waiting


def test_replies_come_to_the_same_from_memory_and_from_the_disk(tmp_path):
    one, two, three, four, *rest = many = requests(40)
    lines = [
        reply(two, "I prefer the first."), reply(one), reply(one, '{"verdict": "B"}'), reply(two),
        {**reply(three), "response": {"status_code": 429, "body": {}}}, reply(four),
        {**reply(one), "custom_id": "of another run"}, *map(reply, rest[5:]),
    ]  # fmt: skip
    file = tmp_path / "replies.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    found = []
    for name in ("memory", "disk"):
        with Journal(tmp_path / name) as journal, SpooledRequests() as waiting:
            journal.put({four.key(URL): journal_reply()})
            planner = Planner(URL, journal, asked=waiting if name == "disk" else None)
            planner.ask(many, "judge")
            assert (planner.asked is waiting) == (name == "disk")
            report = read_batch([file], planner.asked, journal)
            found.append((vars(report), journal.get(planner.asked), journal.used()))
    assert found[0] == found[1]
    assert found[0][0]["answered"] == 33
    assert found[0][0]["kept"] == 1


def journal_reply():
    from workbench.llm.reply import Reply

    return Reply('{"verdict": "B"}', {"verdict": "B"})


def test_memory_holds_few_of_many(tmp_path):
    n, long = 1500, "word " * 4000

    def made():
        return (Request("m", ({"role": "user", "content": f"{k} {long}"},)) for k in range(n))

    with Journal(tmp_path / "j") as journal, SpooledRequests() as waiting:
        planner = Planner(URL, journal, opened=lambda stage, one: None, asked=waiting)
        tracemalloc.start()
        try:
            assert sum(one is None for one in planner.each(made(), "judge")) == n
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert len(waiting) == n
    # all of them are 30 MB; 256 are looked up at once
    assert peak < 12e6
