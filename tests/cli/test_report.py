"""The command report: forms, sections, notes, the check of a file, two reports compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.planted import planted
from workbench.cli.main import app


def run(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "data"
    wb.save(planted({"ann": [1.0, 0.5], "judge": [1.0, 1.7]}, n=300), path)
    return path


@pytest.fixture(scope="module")
def made(folder: Path) -> Path:
    path = folder.parent / "report.html"
    assert run("report", folder, "--out", path, "--folds", 0).exit_code == 0
    return path


def test_sections_and_notes_come_from_the_flags_and_into_the_command(
    folder: Path, tmp_path: Path
) -> None:
    notes = tmp_path / "my notes.txt"
    notes.write_text("Mine <b>only</b>.", encoding="utf-8")
    flags = ["--sections", "rerun,findings", "--notes", notes, "--folds", 0]
    out = tmp_path / "r.md"
    assert run("report", folder, *flags, "--out", out).exit_code == 0
    text = out.read_text("utf-8")
    titles = [line for line in text.splitlines() if line.startswith("## ")]
    assert titles == ["## Notes of the author", "## Verdict and findings", "## How to rerun"]
    assert "Mine \\<b\\>only\\</b\\>." in text
    assert f"--sections rerun,findings --notes '{notes}'" in text


def test_a_file_is_checked(made: Path, tmp_path: Path) -> None:
    done = run("report", "--check", made.with_suffix(".json"))
    assert done.exit_code == 0
    assert "a report of schema version 2" in done.stdout
    record = json.loads(made.with_suffix(".json").read_text("utf-8"))
    del record["results"]
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(record), encoding="utf-8")
    done = run("report", "--check", bad)
    assert done.exit_code == 1
    assert "'results' is a required property" in done.stderr
    assert run("report", "--check", made).exit_code == 1


def test_two_reports_are_compared(made: Path, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    assert run("report", folder, "--folds", 0, "--level", 0.9, "--out", other).exit_code == 0
    first = made.with_suffix(".json")
    done = run("report", "--compare", first, other, "--out", tmp_path / "tables")
    assert done.exit_code == 0
    assert "level: 0.95 -> 0.9" in done.stdout
    assert {f.name for f in (tmp_path / "tables").iterdir()} == {
        "findings.csv", "weights.csv", "settings.csv", "data.csv",
    }  # fmt: skip
    same = json.loads(run("report", "--compare", first, first, "--json").stdout)
    assert same["weights"] == []


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--out", "r.docx"], "ends in .html"),
        (["--sections", "wieghts"], "no such section"),
        (["--notes", "nothing.txt"], "notes cannot be read"),
    ],
)
def test_wrong_options_are_told_before_anything_is_read(flags: list[str], told: str) -> None:
    done = run("report", "no-such-data.csv", *flags)
    assert done.exit_code == 1
    assert told in done.stderr
