"""``workbench panel``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.calibration.test_panel import planted
from workbench.cli.main import app


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wb.save(planted(n=120, k=3), tmp_path_factory.mktemp("panel") / "votes")


def test_the_numbers_are_the_library_s_and_the_panels_are_saved(
    folder: Path, tmp_path: Path
) -> None:
    done = run("panel", folder, "--json", "--out", tmp_path, "--truth", "exists", "--folds", 4)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["tables"]["gains"]
    found = wb.panel(wb.load(folder), truth="exists", folds=4)
    assert [row["estimate"] for row in told] == pytest.approx(found.gains["estimate"].tolist())
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Panel of judges" in page
    assert "--truth exists" in page
    names = set(wb.load(tmp_path / "data").annotators["annotator"])
    assert {"panel-majority", "panel-weighted", "panel-dawid-skene"} <= names


def test_costs_and_what_cannot_be_read(folder: Path) -> None:
    costs = [word for j in range(3) for word in ("--cost", f"judge{j}={j + 1}")]
    done = run("panel", folder, "--how", "majority", *costs)
    assert "cascade by cost (cost a pair): judge0, judge1, judge2" in done.stdout
    assert run("panel", folder, "--cost", "judge0").exit_code == 1
    assert "--cost NAME=NUMBER" in run("panel", folder, "--cost", "=x").stderr
    lacking = run("panel", folder, "--cost", "judge0=1")
    assert "Not every member has a cost" in lacking.stderr
