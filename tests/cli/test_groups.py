"""``workbench groups``: the library's numbers, and the report of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.report.further import further
from workbench.report.main_job import main_job
from workbench.structure.planted import planted_people


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data, _ = planted_people(people=24, labels=25, tastes=[(1.5, 0.0), (-1.5, 0.0)])
    return wb.save(data, tmp_path_factory.mktemp("people") / "two")


def test_groups_are_the_library_s(folder: Path, tmp_path: Path) -> None:
    done = run("groups", folder, "--max-groups", 2, "--simulations", 0, "--json", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    found = wb.groups(wb.load(folder), max_groups=2, simulations=0)
    assert told["settings"]["verdict"] == found.settings["verdict"] == "2 groups"
    rows = told["tables"]["weights"]
    assert [r["estimate"] for r in rows] == pytest.approx(found.weights["estimate"].tolist())
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "One public or several" in page
    assert "--max-groups 2" in page


def test_one_label_a_person_is_told_as_an_error(tmp_path: Path) -> None:
    place = wb.save(planted_people(people=30, labels=1)[0], tmp_path / "single")
    done = run("groups", place)
    assert done.exit_code == 1
    assert "told from noise" in done.output


def test_the_main_job_takes_groups_of_the_reference() -> None:
    data, _ = planted_people(people=9, labels=12, tastes=[(1.5, 0.0), (-1.5, 0.0)])
    (found,) = further(main_job(data, folds=0), ["groups"])
    assert isinstance(found, wb.Groups)
    assert found.settings["n_people"] == 9
