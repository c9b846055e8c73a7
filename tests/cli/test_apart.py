"""``workbench apart``: the library's numbers, a page beside them, and a part of the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.calibration.apart.planted import planted_lengths
from workbench.cli.main import app


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("apart")
    wb.save(planted_lengths({"sim-one": (1.0, 0.5), "sim-two": (0.0, 1.5)}, 150), place / "data")
    return place


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_is_the_library_s_and_leaves_a_page(folder: Path, tmp_path: Path) -> None:
    done = run("apart", folder / "data", "--length", "tokens", "--style", "characters", "--json",
               "--out", tmp_path)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)["tables"]["estimates"]
    found = wb.apart(wb.load(folder / "data"), length="tokens", style=["characters"])
    assert [row["n"] for row in told] == found.estimates["n"].tolist()
    assert told[0]["estimate"] == pytest.approx(found.estimates["estimate"][0])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Length and correctness apart" in page
    assert "--length tokens --style characters" in page
    assert (tmp_path / "contrast.csv").is_file()


def test_it_is_a_part_of_the_report(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    done = run("report", folder / "data", "--factors", "words,numbers", "--with", "apart",
               "--reference", "sim-one", "--folds", 0, "--out", out)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    told = json.loads(out.read_text(encoding="utf-8"))
    assert "Apart" in [one["type"] for one in told["results"]]


def test_data_without_right_answers_say_what_is_needed() -> None:
    done = run("apart", "sample")
    assert done.exit_code == 1
    assert "--correct" in done.stderr
