"""The commands that compare two judges or models on the same prompts."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_is_the_library_s_and_leaves_a_page(tmp_path):
    names = ("sim-judge-length", "sim-judge-format")
    done = run("compare-annotators", "sample", "--a", names[0], "--b", names[1],
               "--by", "scenario", "--json", "--out", tmp_path)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)["tables"]
    found = wb.compare_annotators(wb.load("sample"), *names, by="scenario")
    assert told["comparisons"][0]["estimate"] == pytest.approx(found.to_frame()["estimate"].item())
    assert [row["group"] for row in told["slices"]] == ["advice", "coding", "summaries"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "workbench compare-annotators sample --a sim-judge-length" in page
    assert (tmp_path / "comparisons.csv").exists()


def test_two_models_on_the_command_line():
    done = run("compare-models", "sample", "--a", "sim-model-a", "--b", "sim-model-b",
               "--judge", "human")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "sim-model-a minus sim-model-b, head to head" in done.stdout
    assert "through sim-model-c" in done.stdout


def test_one_name_is_refused():
    done = run("compare-annotators", "sample", "--a", "sim-judge-length")
    assert done.exit_code == 1
    assert "to do:" in done.stderr
