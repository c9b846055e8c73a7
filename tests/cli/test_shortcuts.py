"""The command that says what solves a benchmark without reading."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_is_the_library_s_and_leaves_a_page(tmp_path):
    done = run("check-benchmark", "sample", "--factors", "words,bold", "--by", "scenario",
               "--json", "--out", tmp_path)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)["tables"]["rules"]
    found = wb.check_benchmark(wb.load("sample"), by="scenario", factors=["words", "bold"])
    assert [row["term"] for row in told] == found.to_frame()["term"].tolist()
    assert told[0]["estimate"] == pytest.approx(found.to_frame()["estimate"].iloc[0])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "workbench check-benchmark sample --by scenario" in page
    assert (tmp_path / "subsets.csv").exists()
