"""``workbench choose-pairs``: the library's choice, its page, and what became of its promise."""

from __future__ import annotations

import json

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
    lost = run("choose-pairs", tmp_path / "after", "--after", tmp_path / "nowhere")
    assert lost.exit_code == 1
    assert "no choice of pairs" in lost.stderr
