"""Requests go out as files and replies come back, in any order, whole or in part."""

from __future__ import annotations

import gzip
import json

import pytest

from workbench.errors import JudgeError
from workbench.llm.asker import Planner
from workbench.llm.batch import read_batch, write_batch
from workbench.llm.journal import Journal
from workbench.llm.request import Request, Sampling

URL = "http://127.0.0.1:1/v1"
SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["A", "B"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}
HOSTILE = 'line\u2028break "quotes" \\ {"custom_id": "x"} \n🙂 \x00'


def requests(n: int) -> list[Request]:
    return [
        Request("m", ({"role": "user", "content": f"{HOSTILE} {k}"},), Sampling(seed=k), SCHEMA)
        for k in range(n)
    ]


def reply(one: Request, text: str = '{"verdict": "A"}', **more) -> dict:
    body = {
        "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3},
    }
    response = {"status_code": 200, "body": body}
    return {"custom_id": one.key(URL), "response": response, "error": None, **more}


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "j.sqlite") as opened:
        yield opened


def _written(path, lines) -> None:
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")


def test_a_line_is_what_the_batch_api_takes(tmp_path):
    (one,) = requests(1)
    (path,) = write_batch(tmp_path / "r.jsonl", [one, one], URL)
    (line,) = path.read_text().splitlines()
    record = json.loads(line)
    assert set(record) == {"custom_id", "method", "url", "body"}
    assert (record["method"], record["url"]) == ("POST", "/v1/chat/completions")
    assert record["custom_id"] == one.key(URL)
    assert record["body"]["messages"] == [{"role": "user", "content": f"{HOSTILE} 0"}]
    form = record["body"]["response_format"]["json_schema"]
    assert (form["strict"], form["schema"]) == (True, SCHEMA)


def test_files_keep_the_limits_of_the_batch_api(tmp_path):
    many = requests(25)
    by_count = write_batch(tmp_path / "c.jsonl", many, URL, most_requests=10)
    assert [path.name for path in by_count] == ["c.jsonl", "c-002.jsonl", "c-003.jsonl"]
    assert [len(path.read_text().splitlines()) for path in by_count] == [10, 10, 5]
    by_size = write_batch(tmp_path / "s.jsonl", many, URL, most_bytes=3000)
    assert all(path.stat().st_size <= 3000 for path in by_size)
    ids = [json.loads(x)["custom_id"] for path in by_size for x in path.read_text().splitlines()]
    assert ids == [one.key(URL) for one in many]
    # a smaller plan leaves no file of a larger one
    write_batch(tmp_path / "c.jsonl", many[:3], URL)
    assert not (tmp_path / "c-002.jsonl").exists()
    assert write_batch(tmp_path / "none.jsonl", [], URL) == []


def test_replies_in_any_order_are_taken_in(tmp_path, journal):
    many = requests(10)
    planner = Planner(URL, journal)
    planner.ask(many, "judge")
    _written(tmp_path / "a.jsonl", [reply(one) for one in many[9:4:-1]])
    report = read_batch([tmp_path / "a.jsonl"], planner.asked, journal)
    assert (report.lines, report.answered, report.open) == (5, 5, 5)
    again = Planner(URL, journal)
    values = [one and one.value for one in again.ask(many, "judge")]
    assert values == [None] * 5 + [{"verdict": "A"}] * 5
    assert again.open["judge"] == many[:5]
    assert again.spending()[0].usage["m"].prompt_tokens == 35


def test_everything_odd_is_counted(tmp_path, journal):
    one, two, three, four, five, six = many = requests(6)
    asked = {request.key(URL): request for request in many}
    journal.put({six.key(URL): read_one(six, journal)})
    lines = [
        reply(one),
        reply(one, '{"verdict": "B"}'),
        reply(two, "I prefer the first."),
        {**reply(three), "response": {"status_code": 429, "body": {}}},
        {**reply(four), "response": None, "error": {"code": "batch_expired"}},
        {**reply(one), "custom_id": "of another run"},
        reply(six, '{"verdict": "B"}'),
    ]
    text = "\ufeff" + "\r\n".join(map(json.dumps, lines)) + '\n\n[1]\n{"custom_id": "cut'
    path = tmp_path / "odd.jsonl"
    path.write_bytes(text.encode())
    report = read_batch([path], asked, journal)
    assert report.answered == 1
    assert report.repeated == 1
    assert report.failed == {"unreadable": 1}
    assert report.errors == {"status 429": 1, "batch_expired": 1}
    assert (report.foreign, report.foreign_ids) == (1, ["of another run"])
    assert report.kept == 1
    assert report.broken == ["odd.jsonl:9", "odd.jsonl:10"]
    assert report.lines == 9
    # five was never answered; errors are not paid for and can be asked again
    assert report.open == 3
    assert journal.get([one.key(URL)])[one.key(URL)].value == {"verdict": "A"}
    assert journal.failed([two.key(URL)])[two.key(URL)].text == "I prefer the first."
    assert journal.get([six.key(URL)])[six.key(URL)].value == {"verdict": "A"}
    for said in ("1 answered", "1 foreign", "of another run", "odd.jsonl:9", "batch_expired"):
        assert said in report.summary()
    assert five.key(URL) not in journal.get(asked)


def read_one(one: Request, journal: Journal):
    from workbench.llm.reading import read_completion

    return read_completion(reply(one)["response"]["body"], one, "json_schema")


def test_compressed_and_bare_lines_are_read(tmp_path, journal):
    one, two = requests(2)
    bare = {"custom_id": two.key(URL), "body": reply(two)["response"]["body"]}
    with gzip.open(tmp_path / "r.jsonl.gz", "wt") as file:
        file.write(json.dumps(reply(one)) + "\n" + json.dumps(bare) + "\n")
    asked = {request.key(URL): request for request in (one, two)}
    assert read_batch([tmp_path / "r.jsonl.gz"], asked, journal).answered == 2


def test_files_that_are_no_replies_are_refused(tmp_path, journal):
    many = requests(2)
    asked = {request.key(URL): request for request in many}
    (path,) = write_batch(tmp_path / "r.jsonl", many, URL)
    with pytest.raises(JudgeError, match="requests, not replies"):
        read_batch([path], asked, journal)
    with pytest.raises(JudgeError, match="cannot be read"):
        read_batch([tmp_path / "nowhere.jsonl"], asked, journal)
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b"{}" * 999)[:20])
    with pytest.raises(JudgeError, match="cannot be read"):
        read_batch([tmp_path / "cut.jsonl.gz"], asked, journal)
