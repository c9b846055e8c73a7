"""``workbench rate-scenarios``: the library's numbers, a page, weights, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.data.columns import complete_labels


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--quiet"])


def test_the_command_is_the_verb_and_saves_a_page(tmp_path: Path) -> None:
    flags = ("--weight", "advice=2", "--weight", "coding=1", "--weight", "summaries=0")
    done = run("rate-scenarios", "sample", *flags, "--json", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["tables"]["ratings"]
    given = {"advice": 2.0, "coding": 1.0, "summaries": 0.0}
    found = wb.rate_scenarios(wb.load("sample"), weights=given).to_frame()
    assert [row["estimate"] for row in told] == pytest.approx(found["estimate"].tolist())
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "--weight advice=2" in page
    assert (tmp_path / "by_scenario.csv").is_file()


@pytest.mark.parametrize("weight", ["advice", "advice=much", "=1"])
def test_a_weight_that_cannot_be_read_is_an_error(weight: str) -> None:
    done = run("rate-scenarios", "sample", "--weight", weight)
    assert done.exit_code == 1
    assert "The value of --weight cannot be read" in done.stderr


def test_who_rates_is_whom_judges_are_compared_with(tmp_path: Path) -> None:
    data = wb.load("sample")
    labels = data.labels
    rest = labels[labels["kind"].ne("human")]
    nameless = labels[labels["kind"].eq("human")].assign(annotator="x", kind="unknown")
    for name, table, who in (
        ("both", pd.concat([nameless, rest]), "x"),
        ("judges", rest, None),
    ):
        saved = wb.save(replace(data, labels=complete_labels(table)), tmp_path / name)
        done = run("rate-scenarios", saved, "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["settings"]["annotator"] == who
