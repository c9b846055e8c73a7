"""``workbench transitivity``, and the line that ``workbench rate`` says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.structure.rounds import ring
from workbench.cli.main import app
from workbench.report.build import report

SHORT = ("--simulations", 99, "--folds", 0)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("cycles") / "ring"
    return wb.save(ring(n=25, theta=[0.0] * 5, sharp=1.0), place)


def test_the_numbers_are_the_library_s_and_the_page_is_written(
    folder: Path, tmp_path: Path
) -> None:
    done = run("transitivity", folder, "--json", "--out", tmp_path, *SHORT)
    assert done.exit_code == 0
    told = json.loads(done.stdout)["tables"]["estimates"][0]
    found = wb.transitivity(wb.load(folder), simulations=99, folds=0)
    assert told["estimate"] == pytest.approx(found.to_frame()["estimate"][0])
    assert told["p_value"] == found.to_frame()["p_value"][0]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "one scale does not hold these" in page
    assert (tmp_path / "triangles.csv").is_file()
    again = run("transitivity", folder, "--context", "all", *SHORT)
    assert again.exit_code == 0
    assert "one scale does not hold these" in again.stdout


def test_rate_says_whether_these_may_be_ranked(folder: Path) -> None:
    line = "May these be ranked? Not on one scale alone"
    done = run("rate", folder)
    assert done.exit_code == 0
    assert line in done.stdout
    notes = json.loads(run("rate", folder, "--json").stdout)["notes"]
    assert notes[0].startswith(line)
    data = wb.load(folder)
    assert line in report(wb.rate(data), data=data).html()


def test_what_cannot_be_ranked_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    two = wb.save(ring(n=9, theta=[0.0, 0.2], sharp=0.0), tmp_path / "two")
    done = run("transitivity", two)
    assert done.exit_code == 1
    assert "two make no cycle" in done.stderr
