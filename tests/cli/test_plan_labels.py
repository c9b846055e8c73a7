"""``workbench plan-labels``: the library's numbers, a page, the report's entry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.planted import planted
from workbench.cli.main import app


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("plans") / "scored"
    wb.save(planted({"person": [0.5, 0.1], "judge": [0.4, 0.0]}, n=120), place)
    return place


def test_the_plan_is_the_library_s_and_saves_a_page(scored: Path, tmp_path: Path) -> None:
    done = run("plan-labels", scored, "--for", "weight,agreement", "--factors", "f0", "--width",
               0.03, "--json", "--out", tmp_path)  # fmt: skip
    assert done.exit_code == 0, done.output
    told = pd.DataFrame(json.loads(done.stdout)["tables"]["plan"])
    found = wb.plan_labels(
        wb.open_folder(scored), for_=["weight", "agreement"], factors=["f0"], width=0.03
    )
    assert told["estimate"].tolist() == found.to_frame()["estimate"].tolist()
    page = (tmp_path / "report.html").read_text()
    assert "plan-labels" in page
    assert "--for weight,agreement" in page
    assert "--width 0.03" in page
    assert {"plan.csv", "curve.csv", "result.json"} <= {p.name for p in tmp_path.iterdir()}


def test_a_report_has_it_by_name(scored: Path, tmp_path: Path) -> None:
    done = run("report", scored, "--factors", "f0", "--folds", 0, "--with", "plan-labels",
               "--out", tmp_path / "page.md")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "Labels of people that are needed" in (tmp_path / "page.md").read_text()


def test_what_is_wrong_is_said(scored: Path) -> None:
    done = run("plan-labels", scored, "--for", "wieght")
    assert done.exit_code == 1
    assert "for_" in done.output
