"""The commands with servers that want it otherwise, fail, or never answer."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.odd_server import bad, behaving, done
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.folder import RunFolder
from workbench.cli.main import app
from workbench.llm.asking import dead_end


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))


def votes(folder: Path, n: int, marks: dict[int, str] | None = None) -> Path:
    path = folder / "votes.csv"
    lines = ["prompt,response_a,response_b,label"]
    for k in range(n):
        mark = (marks or {}).get(k, "")
        lines.append(f"Question {k}: name a river. {mark},The Danube.,It is the Rhine {k}.,a")
    path.write_text("\n".join(lines))
    return path


def judge(server, folder: Path, n: int, *more: object, marks: dict[int, str] | None = None) -> Any:
    data = votes(folder, n, marks)
    options = ("--model", "m", "--base-url", server.url, "--out", folder / "run")
    return run("judge", data, *options, *more)


def mine(folder: Path) -> Any:
    labels = wb.load(folder / "run").labels
    return labels[labels["annotator"] == "m"]


def strict(body, n):
    if "max_tokens" in body or "seed" in body:
        name = "max_tokens" if "max_tokens" in body else "seed"
        return bad(
            422, json.dumps({"detail": [{"type": "extra_forbidden", "loc": ["body", name]}]})
        )
    return done()


def test_what_was_learnt_is_told_and_a_resumed_run_learns_nothing_anew(tmp_path):
    with behaving(strict) as server:
        first = judge(server, tmp_path, 6, "--concurrency", 1, "--max-calls", 5)
        assert first.exit_code == 0, first.stderr
        bodies = len(server.bodies)
        second = run("resume", tmp_path / "run", "--max-calls", 100)
        assert second.exit_code == 0, second.stderr
        later = server.bodies[bodies:]
    # five calls: two refusals, and answers to three of twelve requests
    assert len(later) == 9
    assert all({"max_tokens", "seed"}.isdisjoint(body) for body in later)
    told = "omit seed (12), rename max_tokens=max_completion_tokens (12)"
    assert told in second.stderr
    assert any(told in note for note in wb.load(tmp_path / "run").load_report.notes)
    assert mine(tmp_path)["preference"].notna().all()


def test_one_bad_pair_of_forty_is_a_counted_failure(tmp_path):
    def filtered(body, n):
        if "FORBIDDENWORD" in body["messages"][-1]["content"]:
            return bad(400, "The response was filtered due to the prompt triggering the content "
                            "management policy.", code="content_filter")  # fmt: skip
        return done()

    with behaving(filtered) as server:
        first = judge(server, tmp_path, 40, marks={20: "FORBIDDENWORD"})
        assert first.exit_code == 0, first.stderr
        calls = server.calls
        assert run("resume", tmp_path / "run").exit_code == 0
        assert server.calls == calls == 80
        assert all(one["response_format"]["type"] == "json_schema" for one in server.bodies)
    labels = mine(tmp_path)
    assert labels["preference"].notna().sum() == 78
    assert set(labels.loc[labels["preference"].isna(), "reason"]) == {"failed"}


@pytest.mark.parametrize("message", ["You exceeded your current quota, see your billing details."])
def test_nothing_answers(tmp_path, message):
    with behaving(lambda body, n: bad(429, message, code="insufficient_quota")) as server:
        stopped = judge(server, tmp_path, 40)
        assert stopped.exit_code == 1
        assert "the quota is used up" in stopped.stderr
        # sixteen are on the way at once; the first two that come back refused make room for two
        # more, and the third ends the run
        assert server.calls <= 16 + 2
    assert RunFolder(tmp_path / "run").progress()["state"] == "failed"


def test_an_error_in_a_200_is_open_when_the_run_is_taken_up(tmp_path, monkeypatch):
    monkeypatch.setattr(dead_end, "_PATIENCE_S", 0.3)

    def overloaded(body, n):
        return bad(200, "Provider returned error: overloaded", code=502) if n <= 14 else done()

    with behaving(overloaded) as server:
        stopped = judge(server, tmp_path, 6)
        assert stopped.exit_code == 1
        assert "does not answer" in stopped.stderr
        assert "overloaded" in stopped.stderr
        assert run("resume", tmp_path / "run").exit_code == 0
    assert mine(tmp_path)["preference"].notna().all()


def test_flags_change_what_is_sent_and_no_secret_is_written(tmp_path):
    extra = tmp_path / "extra.json"
    extra.write_text('{"reasoning_effort": "low"}')
    flags = ("--omit", "seed,top_p", "--rename", "max_tokens=max_completion_tokens",
             "--extra-body", extra, "--header", "Authorization=Bearer s3cr3t-0123",
             "--header", "X-Team=blue")  # fmt: skip
    with behaving(lambda body, n: done()) as server:
        asked = judge(server, tmp_path, 2, *flags)
        assert asked.exit_code == 0, asked.stderr
        body, headers = server.bodies[0], server.headers[0]
        # the folder keeps it all, but for the secret
        assert run("resume", tmp_path / "run").exit_code == 0
    assert {"seed", "top_p", "max_tokens"}.isdisjoint(body)
    assert (body["max_completion_tokens"], body["reasoning_effort"]) == (1024, "low")
    assert (headers["authorization"], headers["x-team"]) == ("Bearer s3cr3t-0123", "blue")
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert not [path for path in files if b"s3cr3t" in path.read_bytes()]
    assert "s3cr3t" not in asked.stdout + asked.stderr
    config = RunFolder(tmp_path / "run").config
    assert config.omit == ("seed", "top_p")
    assert config.headers[1] == "X-Team=blue"


def test_a_run_that_is_stuck_is_helped_when_it_is_taken_up(tmp_path):
    """Its server refuses in words that say nothing."""

    def mute(body, n):
        return bad(400, "Bad request") if "seed" in body else done()

    with behaving(mute) as server:
        assert judge(server, tmp_path, 4).exit_code == 1
        assert run("resume", tmp_path / "run", "--omit", "seed").exit_code == 0
    assert mine(tmp_path)["preference"].notna().all()


def test_a_header_that_is_none_is_refused_without_its_value(tmp_path):
    with behaving(lambda body, n: done()) as server:
        refused = judge(server, tmp_path, 2, "--header", "Authorization Bearer s3cr3t-0123")
        assert server.calls == 0
    assert refused.exit_code == 2
    assert "NAME=VALUE" in refused.stderr
    assert "s3cr3t" not in refused.stdout + refused.stderr


def test_batch_files_leave_out_what_is_left_out(tmp_path):
    extra = tmp_path / "extra.json"
    extra.write_text('{"top_k": 1}')
    folder = tmp_path / "run"
    done = run("plan", votes(tmp_path, 2), "--model", "m", "--omit", "seed", "--extra-body", extra,
               "--out", folder, "--json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    (file,) = json.loads(done.stdout)["files"]
    bodies = [json.loads(line)["body"] for line in Path(file).read_text().splitlines()]
    assert len(bodies) == 4
    assert all("seed" not in body and body["top_k"] == 1 for body in bodies)
    assert all(body["response_format"]["type"] == "json_schema" for body in bodies)


def test_the_keys_of_an_endpoint_may_stand_in_a_table():
    text = 'model = "m"\n[endpoint]\nomit = ["seed"]\nrename = ["max_tokens=most"]\n'
    config = AnnotateConfig.from_toml(text)
    assert (config.omit, config.rename) == (("seed",), ("max_tokens=most",))
    assert AnnotateConfig.from_toml(config.to_toml()) == config


@pytest.mark.parametrize("text", ["[1]", "{", '{"messages": []}', '{"stream": true}'])
def test_a_file_that_cannot_be_added_is_refused(tmp_path, text):
    extra = tmp_path / "extra.json"
    extra.write_text(text)
    with behaving(lambda body, n: done()) as server:
        refused = judge(server, tmp_path, 2, "--extra-body", extra)
        assert refused.exit_code == 1
        assert "--extra-body" in refused.stderr
        assert server.calls == 0
