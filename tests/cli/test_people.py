"""``workbench people``: the library's numbers, a page beside them, and a part of the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.structure.planted import planted_people

QUICK = ("--folds", 2, "--permutations", 19)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    data, _ = planted_people(people=10, labels=20, tau=1.0)
    place = tmp_path_factory.mktemp("people")
    wb.save(data, place)
    return place


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_is_the_library_s_and_leaves_a_page(folder, tmp_path):
    done = run("people", folder, *QUICK, "--json", "--out", tmp_path)
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)["tables"]["ladder"]
    found = wb.people(wb.load(folder), folds=2, permutations=19)
    assert [row["estimate"] for row in told] == pytest.approx(list(found.ladder["estimate"]))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "How far weights vary between people" in page
    assert "workbench people" in page


def test_it_is_a_part_of_the_report(folder, tmp_path):
    out = tmp_path / "report.json"
    done = run("report", folder, "--with", "people", "--folds", 0, "--out", out)
    assert done.exit_code == 0, done.stderr
    assert "taste and reliability" in out.read_text(encoding="utf-8")


def test_one_label_a_person_is_refused_on_the_command_line(folder, tmp_path):
    data = wb.load(folder)
    few = data.labels.drop_duplicates("annotator")
    wb.save(wb.PreferenceData.from_tables(data.pairs, few), tmp_path / "few")
    done = run("people", tmp_path / "few", *QUICK)
    assert done.exit_code == 1
    assert "to do:" in done.stderr
