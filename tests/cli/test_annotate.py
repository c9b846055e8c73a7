"""The commands that ask models: what they print, write and refuse."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.llm_server import serving
from workbench.annotate.folder import RunFolder
from workbench.cli.main import app
from workbench.llm.offline import OfflineModel
from workbench.llm.request import Request, Sampling

OFFLINE = ("--model", "offline:plain", "--pairs", 20)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def files(folder: Path) -> dict[str, bytes]:
    results = folder / "results"
    return {path.name: path.read_bytes() for path in results.iterdir() if path.is_file()}


def test_a_judge_becomes_an_annotator(tmp_path):
    done = run("judge", "sample", *OFFLINE, "--out", tmp_path / "run")
    assert done.exit_code == 0, done.stderr
    assert "offline:plain" in done.stdout
    assert "simulates" in done.stderr
    data = wb.load(tmp_path / "run")
    labels = data.labels[data.labels["annotator"] == "offline:plain"]
    assert len(labels) == 40
    assert set(labels["order_shown"]) == {"ab", "ba"}
    assert any("offline:plain" in note and "40 requests" in note for note in data.load_report.notes)


def test_a_dry_run_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prices = tmp_path / "prices.toml"
    prices.write_text('["m"]\nprompt = 1000.0\ncompletion = 0.0\n')
    done = run("judge", "sample", "--model", "m", "--pairs", 5, "--dry-run", "--prices", prices)
    assert done.exit_code == 0, done.stderr
    assert "calls 10" in done.stdout
    assert "cost 0" not in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["prices.toml"]
    unknown = run("judge", "sample", "--model", "m", "--pairs", 5, "--dry-run")
    assert "cost unknown" in unknown.stdout


@pytest.mark.parametrize("flag", ["--dry-run", "--retry-failed"])
def test_text_factors_ask_nobody_and_take_no_flag_of_asking(flag, tmp_path):
    done = run("factors", "sample", flag, "--out", tmp_path / "data")
    assert done.exit_code == 1
    assert f"Leave out {flag}" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_limit_on_cost_needs_prices(tmp_path):
    done = run("judge", "sample", "--model", "m", "--max-cost", 1, "--out", tmp_path / "run")
    assert done.exit_code == 1
    assert "no price of m" in done.stderr


def test_no_model_is_refused(tmp_path):
    done = run("judge", "sample", "--out", tmp_path / "run")
    assert done.exit_code == 1
    assert "--model" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_stopped_run_is_resumed_to_the_same_bytes(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run("judge", "sample", *OFFLINE, "--out", whole).exit_code == 0
    stopped = run("judge", "sample", *OFFLINE, "--max-calls", 11, "--out", parts)
    assert stopped.exit_code == 0
    assert "29 requests still open" in stopped.stderr
    assert run("resume", parts, "--max-calls", 1000).exit_code == 0
    assert files(parts) == files(whole)


def _asked(record: dict) -> tuple[str, list[dict], dict]:
    """Return the key, the messages and the schema of a line, whichever batch API it is for."""
    if "body" in record:
        body = record["body"]
        schema = body["response_format"]["json_schema"]["schema"]
        return record["custom_id"], body["messages"], schema
    if "params" in record:
        said = record["params"]
        messages = [{"role": "system", "content": said["system"]}, *said["messages"]]
        return record["custom_id"], messages, said["output_config"]["format"]["schema"]
    said = record["request"]
    turns = [("system", said["systemInstruction"]), ("user", said["contents"][0])]
    messages = [{"role": role, "content": turn["parts"][0]["text"]} for role, turn in turns]
    return record["key"], messages, said["generationConfig"]["responseJsonSchema"]


def _replied(key: str, text: str, batch_format: str) -> dict:
    """Return a line of replies as a batch API writes it."""
    if batch_format == "anthropic":
        message = {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
        return {"custom_id": key, "result": {"type": "succeeded", "message": message}}
    if batch_format == "gemini":
        one = {"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}
        return {"key": key, "response": {"candidates": [one]}}
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    completion = {"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}
    response = {"status_code": 200, "body": completion}
    return {"custom_id": key, "response": response, "error": None}


def _answer(path: Path, out: Path, batch_format: str) -> None:
    """Answer a batch file as a batch API would, backwards and without its last request."""
    model = OfflineModel("offline:plain")
    lines = []
    for line in path.read_text().splitlines():
        key, messages, schema = _asked(json.loads(line))
        about = {"task": "judge"}
        request = Request("offline:plain", tuple(messages), Sampling(), schema, 0, about)
        lines.append(_replied(key, asyncio.run(model.ask(request)).text, batch_format))
    out.write_text("\n".join(json.dumps(line) for line in lines[:0:-1]))


@pytest.mark.parametrize("batch_format", ["openai", "anthropic", "gemini"])
def test_requests_are_written_answered_elsewhere_and_read(tmp_path, batch_format):
    folder, replies = tmp_path / "run", tmp_path / "replies.jsonl"
    flags = ("--model", "m", "--pairs", 10, "--batch-format", batch_format)
    planned = run("plan", "sample", *flags, "--out", folder, "--json")
    assert planned.exit_code == 0, planned.stderr
    (requests,) = json.loads(planned.stdout)["files"]
    _answer(Path(requests), replies, batch_format)
    taken = run("import", folder, replies)
    assert taken.exit_code == 0, taken.stderr
    labels = wb.load(folder).labels
    mine = labels[labels["annotator"] == "m"]
    assert mine["preference"].notna().sum() == 19
    assert mine["preference"].isna().sum() <= 1
    left = json.loads(run("plan", folder, "--json").stdout)["files"]
    assert sum(len(Path(name).read_text().splitlines()) for name in left) == 1


RUBRIC = """
name = "mine"

[factors.brevity]
meaning = "It says no more than is needed."
"""


def test_a_rubric_gives_factors(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(RUBRIC)
    done = run("factors", "sample", "--rubric", file, *OFFLINE, "--out", tmp_path / "run")
    assert done.exit_code == 0, done.stderr
    data = wb.load(tmp_path / "run")
    assert "brevity" in data.factor_names
    assert "offline:plain" in data.factor_specs["brevity"]["source"]


def test_the_key_appears_nowhere(tmp_path, monkeypatch):
    key = "sk-very-secret-0123456789"
    monkeypatch.setenv("MY_KEY", key)
    with serving(key="another key") as server:
        done = run(
            "judge", "sample", "--model", "m", "--pairs", 3, "--base-url", server.url,
            "--key-variable", "MY_KEY", "--out", tmp_path / "run", "--debug",
        )  # fmt: skip
    assert done.exit_code == 1
    assert "MY_KEY" in done.stderr
    with serving(key=key) as server:
        fine = run(
            "judge", "sample", "--model", "m", "--pairs", 3, "--base-url", server.url,
            "--key-variable", "MY_KEY", "--out", tmp_path / "fine",
        )  # fmt: skip
    assert fine.exit_code == 0, fine.stderr
    assert key not in done.output + fine.output
    assert RunFolder(tmp_path / "fine").progress()["state"] == "finished"
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert key.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("url", ["ftp://host/v1", "http://me:pass@host/v1", "http://host/v1?k=1"])
def test_an_address_that_could_hold_a_secret_is_refused_unread(url, tmp_path):
    done = run("judge", "sample", "--model", "m", "--base-url", url, "--out", tmp_path / "run")
    assert done.exit_code != 0
    assert "address of the endpoint" in done.stderr
    assert "pass@" not in done.stderr
    assert not (tmp_path / "run").exists()
