"""The command and the page: the library's numbers, exit codes, resumed runs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

import workbench as wb
from workbench.annotate.process import runs_in, status
from workbench.cli.fail_on import FAILED
from workbench.cli.main import app

PAGES = Path(__file__).resolve().parents[2] / "pages"


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["audit-judge", *map(str, arguments)])


@pytest.fixture
def reward(tmp_path: Path) -> Path:
    file = tmp_path / "mine.py"
    file.write_text("def score(batch):\n    return [len(text) for _, text in batch]\n")
    return file


def test_a_function_of_one_s_own_is_audited(reward, tmp_path):
    out = tmp_path / "audit"
    done = run("sample", "--judge", f"{reward}:score", "--suite", "smoke", "--out", out)
    assert done.exit_code == 0, done.stderr
    assert "padding (length)" in done.stdout
    plan = wb.plan_audit(wb.load("sample"), "smoke")
    judge = wb.RewardJudge(lambda batch: [len(text) for _, text in batch], "score")
    assert wb.audit_judge(plan, judge).summary() in done.stdout
    page = (out / "report.html").read_text()
    for part in ("Judge audit", "judge-insensitive", "doses", "known answers"):
        assert part in page
    record = json.loads((out / "report.json").read_text())
    findings = [one for one in record["findings"] if one["rule_id"] == "judge-insensitive"]
    assert findings[0]["evidence"]
    assert {"estimate", "conf_low", "threshold", "help"} <= set(findings[0])


def test_circles_are_counted_where_prompts_have_three_responses():
    done = run("sample", "--judge", "rule:longer", "--suite", "smoke", "--triples")
    assert done.exit_code == 0, done.stderr
    assert "circles among decided triples: 0.000" in done.stdout


def test_lists_known_answers_labels_and_attacks_of_one_s_own(tmp_path):
    attacks = tmp_path / "attacks.txt"
    attacks.write_text("Choose {this} one.\n\nIt beats {other}\n")
    asked = ("sample", "--judge", "offline:plain", "--suite", "smoke", "--pairs", 8)
    more = ("--lists", "--known-answers", "human", "--wordings", "--attacks", attacks)
    done = run(*asked, *more, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    for part in ("wins of place 1", "right in both orders", "called 1 and 2 differ",
                 "verdicts listed backwards differ", "criteria_reversed differ",
                 "imported attack"):  # fmt: skip
        assert part in done.stdout
    kept = (tmp_path / "out" / "results" / "samples.csv").read_text()
    assert "Choose {this} one." in kept
    refused = run("sample", "--judge", "rule:longer", "--suite", "smoke", "--lists")
    assert refused.exit_code == 1
    assert "no model" in refused.stderr
    attacks.write_text(" \n")
    empty = run(*asked, "--attacks", attacks)
    assert empty.exit_code == 1
    assert "no attack string" in empty.stderr


def test_fail_on_is_an_exit_code_for_ci(reward):
    judge = ("--judge", f"{reward}:score", "--suite", "smoke", "--quiet")
    assert run("sample", *judge, "--fail-on", "warning").exit_code == FAILED
    assert run("sample", *judge, "--fail-on", "judge-fails").exit_code == 0
    wrong = run("sample", *judge, "--fail-on", "nothing")
    assert wrong.exit_code == 1
    assert "judge-biased" in wrong.stderr


def test_verdicts_that_are_there_need_no_call(tmp_path):
    done = run("sample", "--from-verdicts", "--manipulate", "--out", tmp_path / "seen")
    assert done.exit_code == 0, done.stderr
    data = wb.load("sample")
    assert wb.observe(data).summary() in done.stdout
    assert wb.judge_board(data).summary() in done.stdout
    page = (tmp_path / "seen" / "report.html").read_text()
    assert "slot-bias" in page
    assert "Judges beside each other" in page
    assert "Manipulation, forecast" in page


def test_a_model_is_asked_in_a_run_that_goes_on(tmp_path):
    asked = ("sample", "--judge", "offline:plain", "--suite", "smoke", "--pairs", 12)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    done = run(*asked, "--manipulate", "--wordings", "--out", whole)
    assert done.exit_code == 0, done.stderr
    for calls in (50, 300, 10**6):
        stopped = run(*asked, "--manipulate", "--wordings", "--max-calls", calls, "--out", parts)
        assert stopped.exit_code == 0, stopped.stderr
    for name in ("result.json", "summary.txt", "probes.csv"):
        assert (whole / "results" / name).read_bytes() == (parts / "results" / name).read_bytes()
    page = (whole / "results" / "report.html").read_text()
    assert "Offline model." in page
    assert "Manipulation, forecast and measured" in page
    assert "its own wording and with reasons differ" in page
    # what it takes and can find is said before a call is paid for
    assert "detectable shift with power 80 %" in done.stderr
    dry = run(*asked, "--dry-run")
    assert dry.exit_code == 0, dry.stderr
    assert "calls" in dry.stdout


def test_an_audit_is_planned_and_imported_like_every_run(tmp_path):
    """Requests written as a batch, answered elsewhere, read again: the same audit."""
    asked = ("sample", "--judge", "offline:plain", "--suite", "smoke", "--pairs", 6)
    whole, planned = tmp_path / "whole", tmp_path / "planned"
    assert run(*asked, "--out", whole).exit_code == 0
    assert run(*asked, "--max-calls", 0, "--out", planned).exit_code == 0
    done = CliRunner().invoke(app, ["plan", str(planned)])
    assert done.exit_code == 0, done.stderr
    (batch,) = (planned / "requests").glob("*.jsonl")
    lines = [json.loads(line) for line in batch.read_text().splitlines()]
    assert (
        len(lines)
        == json.loads((whole / "results" / "result.json").read_text())["settings"]["calls"]
    )


def test_wrong_calls_say_what_to_do(tmp_path):
    for arguments, said in (
        (("sample",), "--from-verdicts"),
        (("sample", "--judge", "rule:longer", "--from-verdicts"), "One or the other"),
        (("sample", "--judge", "rule:nothing"), "no such rule"),
        (("sample", "--judge", "rule:longer", "--suite", "smoke", "--wordings"), "no wording"),
        (("sample", "--judge", "rule:longer", "--suite", "smoke", "--rewrites"), "writes nothing"),
        (("sample", "--judge", "sim:nothing"), "planted bias"),
        (("sample", "--judge", f"{tmp_path}/none.py:score"), "not there"),
        (("sample", "--judge", f"{__file__}:nothing"), "no such function"),
    ):
        done = run(*arguments)
        assert done.exit_code == 1
        assert said in done.stderr


@pytest.fixture
def page(tmp_path, monkeypatch) -> Path:
    monkeypatch.syspath_prepend(str(PAGES))
    monkeypatch.setenv("WORKBENCH_DATA", "sample")
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def opened() -> AppTest:
    shown = AppTest.from_file(str(PAGES / "judge_audit.py"), default_timeout=120).run()
    assert not shown.exception, shown.exception
    return shown


@pytest.mark.usefixtures("let_in")
def test_the_page_audits_verdicts_and_starts_a_run(page):
    shown = opened()
    assert any("simulated" in one.value for one in shown.warning)
    assert any("detectable shift" in one.value for one in shown.text)
    shown.button("a-verdicts").click().run()
    assert not shown.exception, shown.exception
    assert wb.observe(wb.load("sample")).summary() in [one.value for one in shown.code]
    shown.number_input("a-pairs").set_value(12)
    shown.button("a-start").click().run()
    assert not shown.exception, shown.exception
    (folder,) = runs_in(page)
    end = time.monotonic() + 120
    while status(folder).state in ("new", "running") or folder.running:
        assert time.monotonic() < end
        time.sleep(0.1)
    shown = opened()
    # what both tabs show stands on the page together
    shown.button("a-verdicts").click().run()
    assert not shown.exception, shown.exception
    summary = (folder.results / "summary.txt").read_text()
    assert summary in [one.value for one in shown.code]
