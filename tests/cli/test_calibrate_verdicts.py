"""``workbench calibrate-verdicts``: the library's numbers, files, a page, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--quiet"])


def test_the_command_is_the_verb_and_writes_verdicts_that_can_be_added(tmp_path: Path) -> None:
    done = run(
        "calibrate-verdicts", "sample", "--judge", "sim-reward", "--by", "scenario", "--factors",
        "words", "--json", "--out", tmp_path,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["tables"]["gains"]
    data = wb.score_factors(wb.load("sample"), wb.factors.CORE)
    found = wb.calibrate_verdicts(data, "sim-reward", by="scenario", factors=["words"])
    assert [row["estimate"] for row in told] == pytest.approx(found.estimates["estimate"].tolist())
    table = pd.read_csv(tmp_path / "calibrated.csv")
    assert table["preference"].between(0, 1).all()
    more = wb.add_judge(wb.load("sample"), table, name="mended")
    assert (more.labels["annotator"] == "mended").sum() == len(table)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "--judge sim-reward --by scenario" in page


def test_an_unknown_judge_is_an_error() -> None:
    done = run("calibrate-verdicts", "sample", "--judge", "nobody")
    assert done.exit_code == 1
    assert "no judge 'nobody'" in done.stderr


def test_the_report_takes_it(tmp_path: Path) -> None:
    flags = ("--factors", "words", "--folds", 0, "--out", tmp_path / "r.html")
    done = run("report", "sample", "--with", "calibrate-verdicts", *flags)
    assert done.exit_code == 0, done.output
    assert "Calibration of verdicts" in (tmp_path / "r.html").read_text(encoding="utf-8")
