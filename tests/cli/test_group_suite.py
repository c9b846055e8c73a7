"""``audit-judge --suite groups``: no data, the library's numbers, a run that is taken up."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
from typer.testing import CliRunner

import workbench as wb
from workbench.audit.judges.groups.planted import GroupJudge
from workbench.cli.main import app


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["audit-judge", *map(str, arguments)])


def own(path, n=4):
    rows = {
        "template": [f"Scene {k}: {{group}} came." for k in range(n)],
        "attribute": "welcome",
        "positive": "All were glad.",
        "negative": "Nobody was glad.",
        "groups": "a man|a woman",
    }
    file = path / "own.csv"
    pd.DataFrame(rows).to_csv(file, index=False)
    return file


def test_a_planted_judge_is_found_and_a_page_is_left(tmp_path):
    done = run("--judge", "sim:favours=a man", "--suite", "groups", "--out", tmp_path / "out",
               "--fail-on", "judge-treats-groups-unequally")  # fmt: skip
    assert done.exit_code == 3, done.stderr
    assert wb.audit_groups(GroupJudge("favours", "a man")).summary() in done.stdout
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "Groups in templates" in page
    assert "judge-treats-groups-unequally" in page


def test_a_model_is_asked_in_a_run_that_is_estimated_and_taken_up(tmp_path):
    file, out = own(tmp_path), tmp_path / "run"
    votes = tmp_path / "votes.csv"
    votes.write_text("template,pool,share\nScene 0: {group} came.,US,0.8\n"
                     "Scene 1: {group} came.,US,0.6\n")  # fmt: skip
    asked = ("--judge", "offline:plain", "--suite", "groups", "--templates", file,
             "--shares", votes, "--out", out)  # fmt: skip
    told = run(*asked, "--dry-run")
    assert told.exit_code == 0, told.stderr
    assert "calls 16" in told.stdout
    assert not out.exists()
    stopped = run(*asked, "--max-calls", 6)
    assert stopped.exit_code == 0, stopped.stderr
    done = run(*asked, "--max-calls", 100, "--json")
    assert done.exit_code == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["type"] == "GroupAudit"
    assert record["settings"]["model"] == "offline:plain"
    assert record["tables"]["groups"][0]["n"] == 4
    assert record["tables"]["pools"][0]["n"] == 2
    assert (out / "results" / "report.html").is_file()
    again = CliRunner().invoke(app, ["resume", str(out), "--json"])
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["tables"] == record["tables"]


def test_what_the_suite_does_not_read_is_refused(tmp_path):
    for flags in (("votes.csv", "--suite", "groups"), ("--suite", "groups", "--triples"),
                  ("sample", "--suite", "smoke", "--templates", own(tmp_path))):  # fmt: skip
        done = run("--judge", "rule:longer", *flags)
        assert done.exit_code == 1
        assert "groups" in done.stderr


def test_a_rule_is_asked_of_templates_of_one_s_own(tmp_path):
    told = run("--judge", "rule:longer", "--suite", "groups", "--templates", own(tmp_path),
               "--dry-run")  # fmt: skip
    assert "nothing was asked" in told.stdout
    done = run("--judge", "rule:longer", "--suite", "groups", "--templates", own(tmp_path))
    assert done.exit_code == 0, done.stderr
    assert "a man less a woman" in done.stdout
