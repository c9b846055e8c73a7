"""``workbench route``: the library's numbers and a page."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.calibration.test_route import judged
from tests.planted import planted
from workbench.cli.main import app
from workbench.report.main_job import with_factors


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


def test_texts_without_factors_are_scored_as_in_a_report(tmp_path):
    data = wb.load("sample")
    data = data.filter(pair_ids=data.pairs["pair_id"][:40])
    wb.save(data, tmp_path / "data")
    words = ["route", tmp_path / "data", "--judge", "sim-judge-length", "--folds", 2, "--json"]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.stderr
    told = [row["estimate"] for row in json.loads(done.stdout)["tables"]["errors"]]
    ours = wb.route(with_factors(data), "sim-judge-length", folds=2).to_frame()["estimate"]
    assert [one for one in told if one is not None] == pytest.approx(list(ours.dropna()))
    assert "scoring the core text factors first" in done.stderr


def test_pairs_of_the_largest_budget_go_to_a_tool_and_a_report_has_the_curve(tmp_path):
    """Of 60 pairs that only the judge labelled, a fifth."""
    data = planted({"human": [0.5, 0.1], "judge": [0.4, 0.0]}, n=120)
    seen = data.labels["annotator"].eq("judge") | (np.asarray(data.pair_rows) < 60)
    told = {"prompt": "which?", "response_a": "=1+1", "response_b": "<b>two</b>"}
    data = replace(data, pairs=data.pairs.assign(**told),
                   labels=data.labels[seen].reset_index(drop=True))  # fmt: skip
    wb.save(data, tmp_path / "data")
    words = ["route", tmp_path / "data", "--judge", "judge", "--budgets", "0.1,0.2", "--to", "csv"]
    # refused before anything is read
    lost = CliRunner().invoke(app, ["route", "nowhere", *map(str, words[2:])])
    assert lost.exit_code == 1
    assert "--to without --out" in lost.stderr
    out = tmp_path / "out"
    done = CliRunner().invoke(app, [str(word) for word in [*words, "--out", out]])
    assert done.exit_code == 0, done.stderr
    found = wb.route(wb.load(tmp_path / "data"), "judge", budgets=[0.1, 0.2])
    with (out / "tasks" / "csv" / "tasks.csv").open(encoding="utf-8", newline="") as file:
        told = [row["task_id"].rsplit("-", 1)[0] for row in csv.DictReader(file)]
    assert told == found.pair_ids(0.2)
    assert len(told) == 12
    assert "--to csv" in (out / "report.html").read_text(encoding="utf-8")
    # all have labels: nothing is left for people
    whole = replace(data, labels=data.labels[np.asarray(data.pair_rows) < 60])
    whole = whole.filter(pair_ids=list(data.pairs["pair_id"][:60]))
    wb.save(whole, tmp_path / "whole")
    words = ["route", tmp_path / "whole", "--judge", "judge", "--to", "csv",
             "--out", tmp_path / "none"]  # fmt: skip
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.stderr
    assert "no pair is left for people" in done.stderr
    assert not (tmp_path / "none" / "tasks").exists()
    words = ["report", tmp_path / "data", "--factors", "f0", "--folds", 0, "--with", "route",
             "--out", tmp_path / "page.md"]  # fmt: skip
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.stderr
    assert "People or judge" in (tmp_path / "page.md").read_text(encoding="utf-8")
