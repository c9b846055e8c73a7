"""Servers that refuse a field are asked without it; what one pair meets changes nothing."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.odd_server import bad, behaving, done
from workbench.llm import client as client_module
from workbench.llm.asker import Asker, Planner
from workbench.llm.client import connected
from workbench.llm.endpoint import Endpoint
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply
from workbench.llm.request import Request, Sampling

SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"type": "string", "enum": ["A", "B"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(client_module, "_FIRST_WAIT_S", 0.01)


def request(k: int = 0, text: str = "", **options) -> Request:
    messages = (
        {"role": "system", "content": "Reply with JSON."},
        {"role": "user", "content": f"question {k} {text}"},
    )
    return Request("m", messages, Sampling(**options), SCHEMA)


def ask(server, *requests, memory=None, **options):
    async def run():
        async with connected(Endpoint(server.url, **options), memory) as client:
            return [await client.ask(one) for one in requests]

    return asyncio.run(run())


def reasoning(body, n):
    if "max_tokens" in body:
        return bad(400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                        "'max_completion_tokens' instead.", param="max_tokens")  # fmt: skip
    if body.get("temperature", 1) != 1:
        said = "Unsupported value: 'temperature' does not support 0 with this model."
        return bad(400, said, param="temperature")
    return done()


def one_of_two(body, n):
    if "temperature" in body and "top_p" in body:
        return bad(400, "temperature and top_p cannot both be specified for this model.")
    return done()


def strict(body, n):
    for name in ("seed", "n"):
        if name in body:
            where = {"type": "extra_forbidden", "loc": ["body", name]}
            return bad(422, json.dumps({"detail": [where]}))
    return done()


def no_system(body, n):
    system = body["messages"][0]["role"] == "system"
    return bad(400, "System role not supported") if system else done()


def few_logprobs(body, n):
    many = body.get("top_logprobs", 0) > 5
    return bad(400, "top_logprobs must be less than or equal to 5") if many else done()


def no_logprobs(body, n):
    if "logprobs" in body:
        return bad(403, "You are not allowed to request logprobs from this model")
    return done()


def no_format(body, n):
    if "response_format" in body:
        return bad(500, f"response_format {body['response_format']['type']} is not supported")
    return done()


@pytest.mark.parametrize(
    ("behave", "form", "refused"),
    [
        (reasoning, ("rename max_tokens=max_completion_tokens", "omit temperature"), 2),
        (one_of_two, ("omit top_p",), 1),
        (strict, ("omit seed", "omit n"), 2),
        (no_system, ("system in user",), 1),
        (few_logprobs, ("top_logprobs=5",), 1),
        (no_logprobs, ("omit logprobs",), 1),
        (no_format, ("response_format=json_object", "omit response_format"), 2),
    ],
)
def test_a_server_that_refuses_fields_answers_with_default_settings(behave, form, refused):
    with behaving(behave) as server:
        replies = ask(server, *(request(k, top_logprobs=20) for k in range(3)), attempts=1)
        # only the first request learns; its refusals are no failed attempts
        assert server.calls == 3 + refused
    assert [reply.value for reply in replies] == [{"verdict": "A"}] * 3
    assert {reply.form for reply in replies} == {form}
    assert [reply.attempts for reply in replies] == [1 + refused, 1, 1]


def test_of_many_requests_at_once_one_finds_out_for_all(tmp_path):
    with behaving(strict) as server, Journal(tmp_path / "j") as journal:
        with Asker(Endpoint(server.url, concurrency=8), journal) as asker:
            replies = asker.ask([request(k) for k in range(40)], "s")
        # the first of each of the eight that went out together, and one more refusal
        assert 40 + 2 <= server.calls <= 40 + 8 + 1
    assert {reply.form for reply in replies} == {("omit seed", "omit n")}


def test_a_field_that_is_refused_under_both_names_is_left_out():
    def neither(body, n):
        found = [name for name in body if name.startswith("max_")]
        return bad(400, f"Unsupported parameter: {found[0]!r}") if found else done()

    with behaving(neither) as server:
        (reply,) = ask(server, request())
    assert not reply.failed
    assert "max_tokens" not in server.bodies[-1]
    assert "max_completion_tokens" not in server.bodies[-1]


def test_an_error_of_one_pair_changes_nothing_for_the_others():
    """A refusal in a field's words that comes again without the field was not about it."""

    def filtered(body, n):
        if "FORBIDDEN" in body["messages"][-1]["content"]:
            return bad(400, "seed, temperature and response_format are not supported here")
        return bad(400, "Upstream closed the connection") if n == 1 else done()

    texts = [request(k, "FORBIDDEN" if k == 3 else "") for k in range(10)]
    with behaving(filtered) as server:
        replies = ask(server, *texts)
    assert [reply.failed for reply in replies] == [k == 3 for k in range(10)]
    assert {reply.form for k, reply in enumerate(replies) if k != 3} == {()}
    assert {reply.path for k, reply in enumerate(replies) if k != 3} == {"json_schema"}
    assert "status 400: seed, temperature" in replies[3].reason


def test_what_was_learnt_is_kept_and_its_answers_are_found(tmp_path):
    path = tmp_path / "j.sqlite"
    with behaving(strict) as server:
        url = server.url
        with Journal(path) as journal, Asker(Endpoint(url, concurrency=1), journal) as asker:
            asker.ask([request(k) for k in range(3)], "s")
            (spent,) = asker.spending()
        assert spent.bends == {"omit n": 3, "omit seed": 3}
        assert "asked as the server wants it: omit n (3), omit seed (3)" in spent.summary()
        calls = server.calls
        with Journal(path) as journal, Asker(Endpoint(url, concurrency=1), journal) as asker:
            replies = asker.ask([request(k) for k in range(4)], "s")
        # three were kept; the fourth was asked as the server wants it at once
        assert server.calls == calls + 1
    assert not any(reply.failed for reply in replies)
    with Journal(path) as journal:
        assert Planner(url, journal).ask([request(0)], "s")[0].form == ("omit seed", "omit n")


def test_an_answer_to_the_full_request_is_told_from_one_to_a_bent_one(tmp_path):
    key = request().key("http://h/v1")
    with Journal(tmp_path / "a") as journal:
        journal.put({key: Reply("bent", "bent", form=("omit seed",))})
        assert journal.get([key])[key].form == ("omit seed",)
        journal.put({key: Reply("full", "full")})
        assert journal.get([key])[key].text == "full"
        assert len(journal) == 2


def test_a_failure_belongs_to_the_question_however_it_was_put(tmp_path):
    key = request().key("http://h/v1")
    with Journal(tmp_path / "a") as journal:
        journal.put({key: Reply("", None, form=("omit seed",), reason="refused")})
        assert journal.failed([key])[key].form == ("omit seed",)
        assert journal.get([key]) == {}


def test_answers_to_bent_requests_survive_a_damaged_file(tmp_path):
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        replies = {f"k{n}": Reply("A" * 300, "A", form=("omit seed",)) for n in range(200)}
        journal.put(replies)
    content = bytearray(path.read_bytes())
    # the last page of the file, or of what an index is
    content[-4096:] = b"\xff" * 4096
    path.write_bytes(content)
    with Journal(path) as journal:
        assert journal.notes
        assert len(journal.get(replies)) > 100


def test_answers_of_an_earlier_version_are_found_under_their_full_key(tmp_path):
    key = request().key("http://h/v1")
    with Journal(tmp_path / "j") as journal:
        journal.put({key: Reply("{}", {}, "json_object")})
        journal.learn("http://h/v1", "m", ("response_format=json_object",))
        assert journal.get([key])[key].path == "json_object"


def test_fields_can_be_left_out_renamed_and_added():
    with behaving(lambda body, n: done()) as server:
        (reply,) = ask(
            server,
            request(),
            omit=("seed", "top_p"),
            rename=("max_tokens=max_completion_tokens",),
            extra_body={"reasoning_effort": "low", "temperature": 0.5},
        )
        (body,) = server.bodies
    assert {"seed", "top_p", "max_tokens"}.isdisjoint(body)
    assert body["max_completion_tokens"] == 1024
    assert (body["reasoning_effort"], body["temperature"]) == ("low", 0.5)
    assert reply.form == ("omit seed", "omit top_p", "rename max_tokens=max_completion_tokens")


def test_what_is_added_to_a_request_is_part_of_its_key():
    plain, added = Endpoint("http://h/v1"), Endpoint("http://h/v1", extra_body={"top_k": 1})
    other = Endpoint("http://h/v1", extra_body={"top_k": 2})
    assert len({request().key(one.name) for one in (plain, added, other)}) == 3
    assert plain.name == "http://h/v1"
