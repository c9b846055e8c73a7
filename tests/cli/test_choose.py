"""``workbench choose-pairs``: the library's choice, its page, and what became of its promise."""

from __future__ import annotations

import json
from dataclasses import replace

from typer.testing import CliRunner

import workbench as wb
from tests.calibration.choosing import planted_pairs, seen
from workbench.cli.main import app


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_choice_is_printed_kept_and_held_to_its_promise(tmp_path):
    data = planted_pairs(1, pairs=400)
    first = list(data.pairs["pair_id"][::2])
    wb.save(seen(data, first), tmp_path / "before")
    out = tmp_path / "choice"
    done = run(
        "choose-pairs", tmp_path / "before", "-n", 50, "--target", "f1", "--out", out, "--json"
    )
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)["tables"]["chosen"]
    found = wb.choose_pairs(seen(data, first), 50, target="f1")
    assert [row["pair_id"] for row in told] == found.pair_ids
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Pairs to label next" in page
    assert "--target f1" in page
    assert (out / "chosen.csv").read_text(encoding="utf-8").count("\n") == 51
    wb.save(seen(data, [*first, *found.pair_ids]), tmp_path / "after")
    held = run("choose-pairs", tmp_path / "after", "--after", out, "--out", tmp_path / "check")
    assert held.exit_code == 0, held.stderr
    assert "50 of 50 chosen pairs have a label" in held.stdout
    assert (tmp_path / "check" / "report.html").is_file()
    both = run("choose-pairs", "nowhere", "--after", out, "-n", 50, "--target", "f1")
    assert both.exit_code == 1
    assert "--after with -n, --target" in both.stderr
    lost = run("choose-pairs", tmp_path / "after", "--after", tmp_path / "nowhere")
    assert lost.exit_code == 1
    assert "no choice of pairs" in lost.stderr


def test_chosen_pairs_go_to_a_tool_and_its_answers_come_back(tmp_path):
    data = wb.load("sample")
    data = data.filter(pair_ids=data.pairs["pair_id"][:260])
    data = wb.score_factors(data, wb.factors.FAMILIES["length"])
    some = data.labels["kind"].ne("human") | data.labels["pair_id"].isin(
        data.pairs["pair_id"][:200]
    )
    wb.save(replace(data, labels=data.labels[some].reset_index(drop=True)), tmp_path / "data")
    words = ["choose-pairs", tmp_path / "data", "-n", 20, "--factors", "words", "--to", "csv"]
    lost = run("choose-pairs", "nowhere", *words[2:])
    assert lost.exit_code == 1
    assert "--to without --out" in lost.stderr
    lost = run("choose-pairs", "nowhere", "--to", "paper", "--out", tmp_path / "choice")
    assert "no such labelling tool" in lost.stderr
    done = run(*words, "--out", tmp_path / "choice")
    assert done.exit_code == 0, done.stderr
    path = tmp_path / "choice" / "tasks" / "csv" / "tasks.csv"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"",""', '"tie","ann"'), encoding="utf-8"
    )
    back = ["with-answers", tmp_path / "data", "--answers", path]
    assert run(*back).exit_code == 1
    read = run(*back, "--out", tmp_path / "more")
    assert read.exit_code == 0, read.stderr
    assert "20 kept" in read.stdout
    assert (wb.load(tmp_path / "more").labels["annotator"] == "ann").sum() == 20
