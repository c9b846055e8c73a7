"""``workbench few-labels``, and its part of a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.calibration.few_planted import planted
from workbench.cli.main import app


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wb.save(planted(0, N=400), tmp_path_factory.mktemp("few") / "data")


def test_the_numbers_are_the_library_s_and_the_page_is_written(
    folder: Path, tmp_path: Path
) -> None:
    done = run("few-labels", folder, "--judge", "good", "--by", "scenario", "--json", "--out",
               tmp_path)  # fmt: skip
    assert done.exit_code == 0
    told = json.loads(done.stdout)["tables"]["few_labels"]
    found = wb.few_labels(wb.load(folder), ["good"], by="scenario").to_frame()
    assert len(told) == len(found)
    assert told[3]["estimate"] == pytest.approx(found["estimate"][3])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "few-labels" in page
    assert (tmp_path / "few_labels.csv").is_file()
    text = run("few-labels", folder)
    assert "labels alone" in text.stdout


def test_a_report_takes_it(folder: Path, tmp_path: Path) -> None:
    done = run("report", folder, "--reference", "human", "--with", "few-labels", "--out",
               tmp_path / "page.html")  # fmt: skip
    assert done.exit_code == 0, done.output
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Few labels beside judges" in page


def test_an_unknown_slice_is_an_error(folder: Path) -> None:
    done = run("few-labels", folder, "--by", "colour")
    assert done.exit_code == 1
    assert "slice by" in done.output


def test_chosen_scenarios_are_weighed_on_the_scale_of_all_the_data(tmp_path: Path) -> None:
    data = planted(0, N=300)
    size = data.factors["words"].to_numpy() * np.where(data.pairs["scenario"].eq("code"), 3, 1)
    table = data.labels.merge(data.pairs.assign(size_a=size, size_b=0.0), on="pair_id")
    table = table.assign(winner=np.where(table["preference"].eq(1), "model_a", "model_b"))
    kept = ["pair_id", "annotator", "winner", "scenario", "size_a", "size_b"]
    table[kept].to_csv(tmp_path / "columns.csv", index=False)
    # the file says no kinds: whom the judge stands beside has to be named
    done = run("few-labels", tmp_path / "columns.csv", "--judge", "good", "--reference", "human",
               "--scenario", "code", "--json")  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["tables"]["few_labels"]
    scored = wb.factors.from_columns(wb.load(tmp_path / "columns.csv"))
    own = wb.few_labels(scored.filter(scenarios=["code"]), ["good"]).to_frame()
    wanted = own[own["what"].eq("weight")]["estimate"].tolist()
    assert wanted
    assert [one["estimate"] for one in told if one["what"] == "weight"] == pytest.approx(wanted)
