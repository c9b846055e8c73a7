"""``workbench categories``: the library's numbers, and a page beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.structure.categories.planted import planted_answers


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    theta = {"ask": 1.0, "inform": 0.0, "advise": -1.0}
    rows = [planted_answers(theta, annotator=f"sim-{k}", draw=k) for k in range(2)]
    file = tmp_path_factory.mktemp("categories") / "answers.csv"
    pd.concat(rows).rename(columns={"given": "strategy"}).to_csv(file, index=False)
    return file


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_is_the_library_s_and_leaves_a_page(table: Path, tmp_path: Path) -> None:
    done = run("categories", table, "--column", "given=strategy", "--replicates", 200, "--json",
               "--reference", "sim-1", "--out", tmp_path)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)["tables"]["categories"]
    found = wb.categories(table, columns={"given": "strategy"}, replicates=200, reference="sim-1")
    assert [row["estimate"] for row in told] == pytest.approx(found.estimates["estimate"].tolist())
    assert found.settings["reference"] == "sim-1"
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Preference between categories" in page
    assert "--column given=strategy" in page
    assert (tmp_path / "confusions.csv").is_file()


def test_one_annotator_may_be_chosen(table: Path) -> None:
    done = run("categories", table, "--column", "given=strategy", "--annotator", "sim-0")
    assert done.exit_code == 0, done.stderr
    assert "sim-0: 800 answers" in done.stdout
    assert "sim-1" not in done.stdout


def test_a_table_without_the_columns_says_what_is_needed(table: Path) -> None:
    for flags in ((), ("--column", "given")):
        done = run("categories", table, *flags)
        assert done.exit_code == 1
        assert "--column given=NAME" in done.stderr
