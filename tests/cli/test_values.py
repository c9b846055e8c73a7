"""``workbench values``: the library's numbers, a page beside them, and a part of the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.structure.values.planted import planted_dilemmas


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    judges = {"sim-one": {"care": 2.0, "fame": -1.0}, "sim-two": {"duty": 1.0}}
    data, _ = planted_dilemmas(200, judges=judges, bundles=[("care", "fame")])
    place = tmp_path_factory.mktemp("values")
    wb.save(data, place / "data")
    (place / "kinds.csv").write_text("value,T\ncare,soft\nfame,hard\nduty,hard\nease,soft\n")
    return place


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_is_the_library_s_and_leaves_a_page(folder: Path, tmp_path: Path) -> None:
    kinds = folder / "kinds.csv"
    done = run("values", folder / "data", "--theories", kinds, "--folds", 3, "--json",
               "--out", tmp_path)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)["tables"]
    found = wb.values(wb.load(folder / "data"), theories=kinds, folds=3)
    assert [row["joint"] for row in told["values"]] == pytest.approx(
        found.estimates["joint"].tolist()
    )
    assert len(told["contrast"]) == 2
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Values behind choices" in page
    assert "workbench values" in page
    assert (tmp_path / "theories.csv").is_file()


def test_it_is_a_part_of_the_report(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    data = wb.load(folder / "data")
    data = wb.score_factors(data, wb.factors.FAMILIES["length"])
    wb.save(data, tmp_path / "scored")
    done = run("report", tmp_path / "scored", "--with", "values", "--reference", "sim-one",
               "--folds", 0, "--out", out)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    told = json.loads(out.read_text(encoding="utf-8"))
    assert "Values" in [one["type"] for one in told["results"]]


def test_data_without_lists_say_what_is_needed() -> None:
    done = run("values", "sample")
    assert done.exit_code == 1
    assert "to do:" in done.stderr
