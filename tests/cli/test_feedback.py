"""``workbench feedback``: by rule, and by a model in a run that is taken up again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.feedback.chats import many
from workbench.annotate.folder import RunFolder
from workbench.annotate.listing import settings_frame
from workbench.cli.main import app


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def chats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("feedback") / "chats.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in many()), encoding="utf-8")
    return path


def test_the_pairs_are_written_and_decompose(chats: Path, tmp_path: Path) -> None:
    done = run("feedback", chats, "--json", "--out", tmp_path / "f")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["settings"]["n_pairs"] == 20
    found = wb.feedback(chats)
    rates = [one["estimate"] for one in told["tables"]["rates"]]
    assert rates == pytest.approx(found.rates["estimate"].tolist())
    data = wb.load(tmp_path / "f" / "pairs")
    assert data.digest == found.to_preference_data().digest
    page = (tmp_path / "f" / "report.html").read_text(encoding="utf-8")
    assert "Feedback in conversations" in page
    assert run("decompose", tmp_path / "f" / "pairs", "--factors", "words").exit_code in (0, 1)
    assert (tmp_path / "f" / "signals.csv").exists()


def test_a_model_run_goes_on_where_it_stopped(chats: Path, tmp_path: Path) -> None:
    asked = ["feedback", chats, "--model", "offline:plain"]
    plan = run(*asked, "--dry-run")
    assert plan.exit_code == 0, plan.output
    assert "feedback" in plan.stdout
    part = run(*asked, "--max-calls", 7, "--out", tmp_path / "r")
    assert part.exit_code == 0, part.output
    folder = RunFolder(tmp_path / "r")
    assert folder.progress()["state"] == "stopped"
    done = run("resume", tmp_path / "r", "--max-calls", 1000, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["settings"]["simulated"] is True
    assert told["settings"]["source"] == "chats.jsonl"
    assert told["settings"]["asked"]["open"] == 0
    # the built-in reader looks for the phrases of the rules
    kappa = {row["term"]: row["estimate"] for row in told["tables"]["agreement"]}
    assert kappa["dissatisfied or not"] == 1.0
    pairs = wb.load(tmp_path / "r" / "results" / "pairs")
    assert len(pairs) == told["settings"]["n_pairs"] == 20
    stage = folder.progress()["stages"]["feedback"]
    shown = settings_frame(folder).set_index("setting")["value"]
    assert (shown["task"], shown["feedback"]) == ("feedback", "model")
    # a hundred turns, of which twenty are the same question
    assert (stage["open"], stage["requests"]) == (0, 81)


def test_what_cannot_be_is_told(chats: Path, tmp_path: Path) -> None:
    alone = run("feedback", chats, "--dry-run")
    assert alone.exit_code == 1
    assert "Rules ask nobody" in alone.stderr
    assert run("feedback", chats, "--by", "both").exit_code == 1
    votes = tmp_path / "votes.csv"
    votes.write_text("prompt,winner\nhi,A\n", encoding="utf-8")
    other = run("feedback", votes)
    assert other.exit_code == 1
    assert "There is no conversation" in other.stderr
