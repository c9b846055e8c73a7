"""The line of a batch file says in which form its request was asked, whoever's batch it is."""

from __future__ import annotations

import json
import re

import pytest

from workbench.errors import UnwrittenError
from workbench.llm.asking.bends import Form, bent_key
from workbench.llm.asking.body import body_of
from workbench.llm.batch import FORMATS, read_batch, write_batch
from workbench.llm.journal import Journal
from workbench.llm.request import Request, Sampling

URL = "http://127.0.0.1:1/v1"
SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["A", "B"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}
ONE = Request("m", ({"role": "user", "content": "Which?"},), Sampling(), SCHEMA)
BENDS = ("omit seed", "omit temperature", "response_format=json_object", "omit logprobs")
TEXT = '{"verdict": "A"}'
REPLIES = {
    "openai": {"body": {"choices": [{"message": {"content": TEXT}}]}},
    "anthropic": {"result": {"type": "succeeded", "message": {
        "content": [{"type": "text", "text": TEXT}], "stop_reason": "end_turn"}}},
    "gemini": {"response": {"candidates": [{"content": {"parts": [{"text": TEXT}]},
                                            "finishReason": "STOP"}]}},
}  # fmt: skip
SHOWN: dict[str, tuple[Form, str]] = {
    "openai": (BENDS[:3], "json_object"),
    # seeds are not sent to it at all, and both ask for the schema in their own way
    "anthropic": (("omit temperature",), "json_schema"),
    "gemini": (("omit seed", "omit temperature"), "json_schema"),
}


def line_of(name: str, folder, bends: Form, journal: Journal) -> dict:
    (path,) = write_batch(
        folder / "r.jsonl", [ONE], URL, batch_format=name,
        shape=lambda one: body_of(one, bends), note=lambda form: journal.expect([form]),
    )  # fmt: skip
    return json.loads(path.read_text())


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_reply_has_the_form_that_its_line_was_written_in(name, tmp_path):
    form, how = SHOWN[name]
    id_field = FORMATS[name].key
    with Journal(tmp_path / "j.sqlite") as journal:
        line = line_of(name, tmp_path, BENDS, journal)
        # what Anthropic and OpenAI take as an id
        assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", line[id_field])
        path = tmp_path / "replies.jsonl"
        path.write_text(json.dumps({id_field: line[id_field], **REPLIES[name]}))
        key = ONE.key(URL)
        report = read_batch([path], {key: ONE}, journal)
        assert (report.answered, report.foreign, report.open) == (1, 0, 0)
        assert journal.get([key])[key].form == form
        assert journal.get([key])[key].path == how
        # kept where an answer to the bent request is kept, and not as one to the full request
        with Journal(tmp_path / "j.sqlite") as other:
            assert list(other._found("answers", [key, bent_key(key, form)])) == [
                bent_key(key, form)
            ]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_full_request_has_its_own_key_as_its_id(name, tmp_path):
    with Journal(tmp_path / "j.sqlite") as journal:
        assert line_of(name, tmp_path, (), journal)[FORMATS[name].key] == ONE.key(URL)


def test_a_form_that_cannot_be_kept_is_told_before_a_line_has_it(tmp_path):
    """Without it the replies of the batch would be those of another run."""
    with Journal(tmp_path / "j.sqlite") as journal:
        journal._connection.execute("PRAGMA query_only = ON")
        with pytest.raises(UnwrittenError):
            line_of("openai", tmp_path, BENDS, journal)
    assert not (tmp_path / "r.jsonl").exists()


def test_a_form_that_is_not_known_here_is_another_run(tmp_path):
    with Journal(tmp_path / "a.sqlite") as journal:
        line = line_of("openai", tmp_path, BENDS, journal)
    path = tmp_path / "replies.jsonl"
    path.write_text(json.dumps({"custom_id": line["custom_id"], **REPLIES["openai"]}))
    with Journal(tmp_path / "b.sqlite") as other:
        report = read_batch([path], {ONE.key(URL): ONE}, other)
    assert (report.answered, report.foreign, report.open) == (0, 1, 1)


def test_added_fields_bound_what_usage_is_believed(tmp_path):
    """The length that was asked for may be an added field."""
    key = ONE.key(URL)
    used = {"usage": {"prompt_tokens": 7, "completion_tokens": 60_000}}
    path = tmp_path / "replies.jsonl"
    path.write_text(json.dumps({"custom_id": key, "body": {**REPLIES["openai"]["body"], **used}}))
    for extra, tokens in (({"max_tokens": 8192}, 60_000), (None, 0)):
        with Journal(tmp_path / f"{tokens}.sqlite") as journal:
            read_batch([path], {key: ONE}, journal, extra=extra)
            assert journal.get([key])[key].usage.completion_tokens == tokens
