"""``workbench instrument``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.calibration.measured import simulated
from workbench.cli.main import app


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = simulated(400, groups={"code": 1.0, "mail": 1.0})
    return wb.save(data, tmp_path_factory.mktemp("instrument") / "judges")


def test_the_numbers_are_the_library_s_and_the_page_is_written(
    folder: Path, tmp_path: Path
) -> None:
    done = run("instrument", folder, "--judges", "even,keen", "--by", "scenario", "--versions",
               "even,keen", "--family", "gpt=gpt-4,gpt-3", "--json", "--out", tmp_path)  # fmt: skip
    assert done.exit_code == 0
    told = json.loads(done.stdout)["tables"]
    found = wb.instrument(
        wb.load(folder), ["even", "keen"], by="scenario", versions=("even", "keen"),
        families={"gpt": ["gpt-4", "gpt-3"]},
    )  # fmt: skip
    assert told["instrument"][0]["estimate"] == pytest.approx(found.to_frame()["estimate"][0])
    assert len(told["functioning"]) == len(found.functioning)
    assert (tmp_path / "versions.csv").is_file()
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Judges as instruments" in page
    assert "--versions even,keen" in page


def test_what_cannot_be_read_is_an_error_that_says_what_to_do(folder: Path) -> None:
    done = run("instrument", folder, "--family", "gpt-4")
    assert done.exit_code == 1
    assert "NAME=MODEL" in done.stderr


def test_a_report_holds_the_instrument_beside_the_comparison(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    done = run("report", folder, "--reference", "human", "--with", "instrument", "--out", page)
    assert done.exit_code == 0, done.stderr
    assert "Judges as instruments" in page.read_text(encoding="utf-8")
