"""A run that is asked in part and answered by a batch for the rest is as one that was all asked."""

from __future__ import annotations

import json
import sqlite3
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

import workbench as wb
from tests.odd_server import Answer, OddServer, bad, behaving, done
from workbench.cli.main import app

PAIRS = 4


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def votes(folder: Path) -> Path:
    path = folder / "votes.csv"
    rows = [f"Name a river {k}.,The Danube.,It is the Rhine {k}.,a" for k in range(PAIRS)]
    path.write_text("\n".join(["prompt,response_a,response_b,label", *rows]))
    return path


def strict(body: dict[str, Any], n: int) -> Answer:
    """Know no seed, and no JSON schema."""
    if "seed" in body:
        return bad(400, "Unsupported parameter: 'seed'.", param="seed")
    if body.get("response_format", {}).get("type") == "json_schema":
        return bad(400, "response_format: json_schema is not supported, use json_object instead")
    return done()


def judge(server: OddServer, folder: Path, *more: object) -> Any:
    where = ("--base-url", server.url, "--out", folder, "--concurrency", 1)
    return run("judge", votes(folder.parent), "--model", "m", *where, *more)


def planned(*arguments: object) -> list[dict[str, Any]]:
    done = run("plan", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    files = json.loads(done.stdout)["files"]
    return [json.loads(line) for name in files for line in Path(name).read_text().splitlines()]


def sent(server: OddServer, body: dict[str, Any]) -> tuple[int, Any]:
    """Return what the server says to a body: a batch is run by the same server."""
    url = f"{server.url}/chat/completions"
    request = urllib.request.Request(url, json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request) as said:
            return said.status, json.loads(said.read())
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def answered(server: OddServer, lines: list[dict[str, Any]], path: Path) -> Path:
    replies = []
    for line in lines:
        status, body = sent(server, line["body"])
        response = {"status_code": status, "body": body}
        replies.append({"custom_id": line["custom_id"], "response": response, "error": None})
    path.write_text("\n".join(map(json.dumps, replies)))
    return path


def kept(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Return of every answer in the journal what tells how it was asked, by its key."""
    with sqlite3.connect(folder / "journal.sqlite") as connection:
        rows = connection.execute("SELECT key, reply, asked FROM answers").fetchall()
    return {
        key: (one.get("form"), one["path"], one["value"], one["usage"], json.loads(asked))
        for key, one, asked in ((key, json.loads(reply), asked) for key, reply, asked in rows)
    }


def test_what_was_learnt_goes_into_the_batch_and_comes_back(tmp_path):
    live, split = tmp_path / "live", tmp_path / "split"
    with behaving(strict) as server:
        assert judge(server, live).exit_code == 0
        judge(server, split, "--max-calls", 4)
        before = len(kept(split))
        lines = planned(split)
        assert 0 < before == 2 * PAIRS - len(lines)
        replies = answered(server, lines, tmp_path / "replies.jsonl")
        taken = run("import", split, replies)
        assert taken.exit_code == 0, taken.stderr
        assert f"{len(lines)} answered" in taken.stdout
        # all that a live run has: keys, forms and paths are the same
        assert kept(split) == kept(live)
    assert planned(split) == []
    notes = " ".join(wb.load(split).load_report.notes)
    assert f"omit seed ({2 * PAIRS})" in notes
    assert f"response_format=json_object ({2 * PAIRS})" in notes


def test_a_batch_that_was_planned_before_is_read_as_it_was_asked(tmp_path):
    """What is learnt while the batch is away changes nothing of its replies."""
    folder = tmp_path / "run"
    with behaving(strict) as server:
        where = ("--model", "m", "--base-url", server.url, "--out", folder)
        lines = planned(votes(tmp_path), *where)
        judge(server, folder, "--max-calls", 5)
        mixed = planned(folder)
    with behaving(lambda body, n: done()) as other:
        whole = answered(other, lines[:2] + lines[-2:], tmp_path / "whole.jsonl")
        bent = answered(other, mixed, tmp_path / "bent.jsonl")
    assert {line["custom_id"] for line in lines}.isdisjoint(line["custom_id"] for line in mixed)
    learnt = ["omit seed", "response_format=json_object"]
    assert run("import", folder, whole).exit_code == 0
    forms = [form for form, *_ in kept(folder).values()]
    assert 2 <= forms.count(None) <= 4
    # the same requests in their other form: what is answered is not answered again
    taken = run("import", folder, bent)
    assert taken.exit_code == 0, taken.stderr
    forms = [form for form, *_ in kept(folder).values()]
    assert (len(forms), {tuple(form or ()) for form in forms}) == (2 * PAIRS, {(), tuple(learnt)})


def test_errors_in_a_batch_are_told_and_asked_again(tmp_path):
    folder = tmp_path / "run"
    with behaving(lambda body, n: done()) as server:
        lines = planned(votes(tmp_path), "--model", "m", "--base-url", server.url, "--out", folder)
        overloaded = {"error": {"message": "Overloaded, sorry", "type": "server_error"}}
        away = {"status_code": 200, "body": overloaded}
        ids = [line["custom_id"] for line in lines]
        replies = [{"custom_id": one, "response": away, "error": None} for one in ids[:3]]
        late = {"type": "errored", "error": {"type": "error", "error": {
            "type": "overloaded_error", "message": "Overloaded, too"}}}  # fmt: skip
        replies += [{"custom_id": one, "result": late} for one in ids[3:6]]
        replies += [{"key": one, "error": {"code": 503, "message": "Gone"}} for one in ids[6:]]
        path = tmp_path / "replies.jsonl"
        path.write_text("\n".join(map(json.dumps, replies)))
        taken = run("import", folder, path)
        assert taken.exit_code == 0, taken.stderr
        for words in ("8 errors", "8 requests are still open", "sorry", "too", "Gone"):
            assert words in taken.stdout
        assert len(planned(folder)) == 2 * PAIRS
        assert run("resume", folder).exit_code == 0
        assert server.calls == 2 * PAIRS
    labels = wb.load(folder).labels
    assert labels[labels["annotator"] == "m"]["preference"].notna().all()
