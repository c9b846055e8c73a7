"""The command that says which share of what can be predicted the factors reach."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_is_the_library_s_and_leaves_a_page(tmp_path):
    judge = "sim-judge-length"
    done = run("ceiling", "sample", "--factors", "words,bold", "--judge", judge, "--folds", 3,
               "--black-boxes", "boosting", "--json", "--out", tmp_path)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)["tables"]["shares"]
    data = wb.score_factors(wb.load("sample"), wb.factors.CORE)
    found = wb.ceiling(data, annotator="human", factors=["words", "bold"], judge=judge, folds=3,
                       black_boxes=["boosting"])  # fmt: skip
    values = [row["estimate"] for row in told if row["estimate"] is not None]
    assert values == pytest.approx(found.estimates["estimate"].dropna().tolist())
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"--black-boxes boosting --judge {judge}" in page
    assert (tmp_path / "held_out.csv").exists()
    wrong = run("ceiling", "sample", "--black-boxes", "forest")
    assert wrong.exit_code == 1
    assert "boosting or embedding" in wrong.stderr
