"""``workbench rationales``: by phrases, and by a model in a run that is taken up again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.annotate.folder import RunFolder
from workbench.annotate.listing import settings_frame
from workbench.cli.main import app

OUT_OF = ("too long", "Response A is more detailed.", "B is concise", "It is polite", "no idea")


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of votes with a column of reasons, as people write it."""
    data = wb.load("sample").filter(kinds=["human"])
    pairs = data.pairs.head(120)
    table = pairs[["prompt", "response_a", "response_b"]].assign(
        annotator="ann",
        winner=["A" if k % 3 else "B" for k in range(len(pairs))],
        reason=[OUT_OF[k % 5] for k in range(len(pairs))],
    )
    path = tmp_path_factory.mktemp("reasons") / "votes.csv"
    table.to_csv(path, index=False)
    return path


def test_the_numbers_are_the_library_s(votes: Path, tmp_path: Path) -> None:
    done = run("rationales", votes, "--factors", "words,politeness", "--json", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    data = wb.score_factors(wb.load(votes), wb.factors.CORE)
    found = wb.rationales(data, factors=["words", "politeness"])
    assert told["settings"]["column"] == "pairs.source_reason"
    named = found.naming.set_index("term")["estimate"]
    assert [one["estimate"] for one in told["tables"]["naming"]] == named.tolist()
    assert named.tolist() == [0.6, 0.2]
    assert {one["n"] for one in told["tables"]["coverage"]} == {120.0}
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "workbench rationales" in page
    assert (tmp_path / "lifts.csv").exists()


def test_own_phrases_and_what_cannot_be(votes: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[words]\nmore = ["no idea"]\n', encoding="utf-8")
    done = run("rationales", votes, "--factors", "words", "--lexicon", own, "--json")
    assert json.loads(done.stdout)["tables"]["naming"][0]["estimate"] == 0.2
    assert run("rationales", votes, "--column", "nothing").exit_code == 1
    alone = run("rationales", votes, "--dry-run")
    assert alone.exit_code == 1
    assert "Phrases ask nobody" in alone.stderr


def test_a_model_reads_in_a_run_that_goes_on(votes: Path, tmp_path: Path) -> None:
    asked = ["rationales", votes, "--model", "offline:plain", "--factors", "words,politeness"]
    plan = run(*asked, "--dry-run", "--out", tmp_path / "r")
    assert plan.exit_code == 0, plan.output
    # five different reasons, one question each
    assert "rationales" in plan.stdout
    assert not (tmp_path / "r").exists()
    part = run(*asked, "--max-calls", 2, "--out", tmp_path / "r")
    assert part.exit_code == 0, part.output
    assert RunFolder(tmp_path / "r").progress()["state"] == "stopped"
    done = run("resume", tmp_path / "r", "--max-calls", 100, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["settings"]["simulated"] is True
    assert {row["n"] for row in told["tables"]["coverage"]} == {120.0}
    assert told["tables"]["naming"][0]["estimate"] == 0.6
    kappa = pd.DataFrame(told["tables"]["readings"]).set_index("term")["estimate"]
    # the built-in reader looks for the same words
    assert kappa.tolist() == [1.0, 1.0]
    shown = settings_frame(RunFolder(tmp_path / "r")).set_index("setting")["value"]
    assert (shown["task"], shown["reasons"]) == ("rationales", "reason")
    again = RunFolder(tmp_path / "r").progress()["stages"]["rationales"]
    assert (again["requests"], again["open"]) == (5, 0)


def test_a_report_has_the_section(votes: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    done = run("report", votes, "--reference", "ann", "--with", "rationales", "--out", path)
    assert done.exit_code == 0, done.output
    assert "Stated reasons" in path.read_text(encoding="utf-8")
