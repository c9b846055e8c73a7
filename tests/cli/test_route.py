"""``workbench route``: the library's numbers and a page."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.calibration.test_route import judged
from workbench.cli.main import app


def test_the_command_is_the_library_s_and_leaves_a_page(tmp_path):
    data = judged(9, 300)
    wb.save(data, tmp_path / "data")
    words = ["route", tmp_path / "data", "--judge", "judge", "--budgets", "0.2,0.4", "--json",
             "--out", tmp_path / "out"]  # fmt: skip
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.stderr
    told = [row["estimate"] for row in json.loads(done.stdout)["tables"]["errors"][:3]]
    found = wb.route(wb.load(tmp_path / "data"), "judge", budgets=[0.2, 0.4])
    assert told == pytest.approx(list(found.to_frame()["estimate"][:3]))
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "--budgets 0.2,0.4" in page
    assert (tmp_path / "out" / "pairs.csv").read_text(encoding="utf-8").count("\n") == 301
