"""``workbench followed``: a table without calls; a model with and without, graded, taken up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.audit.followed.asked import ask_followed
from workbench.audit.followed.planted import planted_replies
from workbench.cli.main import app
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["followed", *map(str, arguments)])


@pytest.fixture
def items(tmp_path: Path) -> Path:
    file = tmp_path / "items.json"
    file.write_text(json.dumps([
        {"preference": f"I avoid thing {k}.", "question": f"What about {k}?",
         "options": [f"Not {k}.", f"Take {k}.", "Both.", "Neither."]} for k in range(4)
    ]))  # fmt: skip
    return file


class Obedient:
    """A model that follows whatever stands in its context, and grades by a word."""

    base_url = "planted"

    async def ask(self, request: Any) -> Reply:
        said, task = [one["content"] for one in request.messages], request.about["task"]
        if task == "reply":
            return Reply("FITS" if len(said) > 1 else "SPOILS", None)
        if task == "choose":
            told = any("I avoid" in one for one in said)
            lines = said[-1].splitlines()
            at = next(k for k, line in enumerate(lines) if line.startswith("Not "))
            letter = lines[at - 1].split("option ")[1][0]
            value = {"choice": letter if told else "A"}
            return Reply(json.dumps(value), value, "json_schema")
        name = request.about["fields"]["answer"]
        fits = "FITS" in said[-1]
        says = {"helpful": True, "acknowledge": fits, "hallucinate": False, "violate": not fits}
        value = {"answer": "yes" if says[name] else "no"}
        return Reply(json.dumps(value), value, "json_schema")


def asked(items: Path, tmp_path: Path, **more: Any) -> wb.Followed:
    with Journal(tmp_path / "journal.sqlite") as journal, wb.Asker(Obedient(), journal) as asks:
        return ask_followed(wb.read_items(items), asks, model="planted", **more)


def test_a_follower_is_found_through_replies_and_grades(items, tmp_path):
    found = asked(items, tmp_path, turns=(0, 2))
    assert (found.lift["estimate"] == 1.0).all()
    own = found.estimates.set_index(["condition", "turns", "term"])["estimate"]
    assert own["without it", "–", "violates"] == 1.0
    assert own["with the preference", "2", "followed"] == 1.0
    assert found.settings["turns"] == [0, 2]
    assert len(found.cases) == 12


def test_a_follower_is_found_through_choices_in_shuffled_orders(items, tmp_path):
    found = asked(items, tmp_path, choices=True)
    told = found.estimates.iloc[0]
    assert (told["estimate"], told["chance"]) == (1.0, 0.25)


def test_a_table_asks_nobody_and_leaves_a_page(tmp_path):
    file = tmp_path / "graded.csv"
    planted_replies("follows", 20).to_csv(file, index=False)
    done = run(file, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    assert wb.followed(file).summary() in done.stdout
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "Stated preferences followed" in page
    for flags in (("--dry-run",), ("--turns", "3"), ("--grader", "x")):
        assert run(file, *flags).exit_code == 1


@pytest.mark.parametrize("flags", [("--turns", "0,3"), ("--choices",)])
def test_a_run_is_estimated_stopped_and_taken_up(items, tmp_path, flags):
    out = tmp_path / "run"
    asked = (items, "--model", "offline:plain", *flags, "--out", out)
    told = run(*asked, "--dry-run")
    assert told.exit_code == 0, told.stderr
    assert ("calls 12" if "--turns" in flags else "calls 8") in told.stdout
    assert not out.exists()
    stopped = run(*asked, "--max-calls", 3)
    assert stopped.exit_code == 0, stopped.stderr
    done = run(*asked, "--max-calls", 500, "--json")
    assert done.exit_code == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["type"] == "Followed"
    assert record["settings"]["simulated"]
    assert "built-in model" in (out / "results" / "summary.txt").read_text("utf-8")
    again = CliRunner().invoke(app, ["resume", str(out), "--json"])
    assert json.loads(again.stdout)["tables"] == record["tables"]


def test_replies_that_are_there_are_graded_and_wrong_files_say_why(items, tmp_path):
    file = tmp_path / "replies.csv"
    pd.DataFrame({"preference": ["No fish."], "question": ["Lunch?"], "reply_with": ["Rice."],
                  "reply_without": ["Tuna."]}).to_csv(file, index=False)  # fmt: skip
    told = run(file, "--model", "offline:plain", "--dry-run")
    assert told.exit_code == 0, told.stderr
    assert "calls 6" in told.stdout
    assert (
        run(file, "--model", "offline:plain", "--choices", "--out", tmp_path / "x").exit_code == 1
    )
    assert run(items, "--model", "offline:plain", "--turns", "few").exit_code == 1
    assert run(items).exit_code == 1
    assert run(tmp_path / "none.csv").exit_code == 1
