"""``workbench mixed`` and ``workbench reliability``: the library's numbers, and a page."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.structure.planted import planted_people


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data, _ = planted_people(people=12, labels=30, pairs=40, tastes=[(2.0, 0.0)], seed=4)
    return wb.save(data, tmp_path_factory.mktemp("people") / "saved")


@pytest.mark.parametrize(
    ("verb", "flags", "table", "options"),
    [("mixed", ["--draws", "sobol", "--people", "annotator"], "spread", {}),
     ("reliability", ["--truth", "exists"], "workers", {"truth": "exists"})],
)  # fmt: skip
def test_the_command_says_the_library_s_numbers(
    verb: str, flags: list[str], table: str, options: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    done = run(verb, folder, *flags, "--json", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    told = [row["estimate"] for row in json.loads(done.stdout)["tables"][table]]
    found = getattr(wb, verb)(wb.open_folder(folder), **options)
    assert told == pytest.approx(found.to_frame()["estimate"].tolist())
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert found.heading in html.unescape(page)
    record = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert f"workbench {verb}" in record["rerun"]


def test_a_truth_that_is_not_said_is_asked_for(folder: Path) -> None:
    done = run("reliability", folder)
    assert done.exit_code == 1
    assert "must be said" in done.stderr


def test_spread_stands_in_the_report_of_the_comparison(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "all.html"
    done = run("report", folder, "--with", "mixed", "--folds", 0, "--out", out)
    assert done.exit_code == 0, done.stderr
    record = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert "Mixed" in {one["type"] for one in record["results"]}
