"""``workbench variance-split``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.calibration.graded import SHROUT_FLEISS, rated
from workbench.cli.main import app


def test_the_numbers_are_the_library_s_and_the_page_is_written(tmp_path: Path) -> None:
    place = wb.save(rated(SHROUT_FLEISS), tmp_path / "ratings")
    flags = ["--score", "rating", "--facets", "judge,item", "--judges", "j0,j1,j2,j3", "--json"]
    words = ["variance-split", str(place), *flags, "--quiet", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)["tables"]
    assert told["components"][0]["estimate"] == pytest.approx(5.2444, abs=1e-4)
    assert told["designs"][1]["phi"] == pytest.approx(0.62, abs=0.005)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "What a score varies by" in page
    assert "--score rating" in page
    assert (tmp_path / "out" / "designs.csv").is_file()
