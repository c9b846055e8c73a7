"""``workbench strength`` and ``workbench curate``: the library's numbers, files that load."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.scoring.training.kept import ModelScores


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = wb.load("sample")
    few = data.filter(pair_ids=data.pairs["pair_id"][:400])
    place = tmp_path_factory.mktemp("votes") / "few"
    return wb.save(wb.score_factors(few, wb.factors.FAMILIES["length"]), place)


def test_strength_is_the_library_s(folder: Path, tmp_path: Path) -> None:
    done = run("strength", folder, "--json", "--out", tmp_path)
    assert done.exit_code == 0
    told = json.loads(done.stdout)["tables"]["strength"][0]["estimate"]
    assert told == pytest.approx(wb.strength(wb.load(folder)).to_frame()["estimate"][0])
    assert (tmp_path / "pairs.csv").read_text(encoding="utf-8").startswith('"pair_id",')


def test_curate_writes_what_the_library_writes(folder: Path, tmp_path: Path) -> None:
    rule = tmp_path / "rule.toml"
    rule.write_text('min_agreement = 0.9\nmargin = "logit"\n', encoding="utf-8")
    out = tmp_path / "out"
    done = run("curate", folder, "--rule", rule, "--min-agreement", 0.6, "--test-share", 0.2,
               "--to", "trl-conversational", "--out", out)  # fmt: skip
    assert done.exit_code == 0
    wanted = wb.curate(
        wb.load(folder), {"min_agreement": 0.6, "margin": "logit", "test_share": 0.2}
    )
    assert wanted.data.digest in done.stdout
    assert {path.name for path in (out / "data").iterdir()} == {"train.jsonl", "test.jsonl"}
    assert set(wb.load(out / "data").pairs["pair_id"]) == set(wanted.data.pairs["pair_id"])
    assert (out / "held_out.csv").is_file()


def test_the_report_of_a_run_gives_the_command_that_makes_it_again(
    folder: Path, tmp_path: Path
) -> None:
    flags = ("--min-agreement", 0.6, "--balance", "words,sentences", "--weigh", "--soft",
             "--strength-from", "votes", "--seed", 3)  # fmt: skip
    done = run("curate", folder, *flags, "--json", "--out", tmp_path / "one")
    record = json.loads((tmp_path / "one" / "report.json").read_text(encoding="utf-8"))
    [verb, *rest] = shlex.split(record["rerun"])
    again = run(*rest[:-1], tmp_path / "two", "--json")
    assert (verb, again.exit_code) == ("workbench", 0)
    assert json.loads(again.stdout)["tables"] == json.loads(done.stdout)["tables"]
    assert run("strength", folder, "--out", tmp_path / "three").exit_code == 0
    page = (tmp_path / "three" / "report.html").read_text(encoding="utf-8")
    assert "Strength of labels" in page


@pytest.mark.parametrize("layout", ["trl", "trl-unpaired", "llama-factory", "axolotl"])
def test_the_folder_of_a_run_is_read_as_its_training_data(
    folder: Path, tmp_path: Path, layout: str
) -> None:
    flags = ("--min-agreement", 0.8, "--test-share", 0.2, "--to", layout, "--out", tmp_path)
    assert run("curate", folder, *flags).exit_code == 0
    made = wb.curate(wb.load(folder), {"min_agreement": 0.8, "test_share": 0.2})
    assert set(wb.load(tmp_path).pairs["pair_id"]) == set(made.data.pairs["pair_id"])


def test_the_comparison_s_report_holds_both_where_asked(folder: Path, tmp_path: Path) -> None:
    rule = tmp_path / "a rule.toml"
    rule.write_text("min_agreement = 0.9\n", encoding="utf-8")
    out = tmp_path / "all.html"
    done = run("report", folder, "--with", "strength", "--rule", rule, "--folds", 0, "--out", out)
    assert done.exit_code == 0, done.stderr
    record = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    found = {one["type"]: one["tables"] for one in record["results"]}
    data = wb.load(folder)
    people = list(data.annotators.query("kind == 'human'")["annotator"])
    made = wb.curate(data, {"min_agreement": 0.9}, annotators=people)
    assert found["Curation"]["rows"] == made.rows.to_dict("records")
    told = wb.strength(data, annotators=people).to_frame()["estimate"]
    assert [row["estimate"] for row in found["Strength"]["strength"]] == pytest.approx(list(told))
    assert "dear-calibration" in {one["rule_id"] for one in record["findings"]}
    assert shlex.split(record["rerun"])[-2:] == ["--rule", str(rule)]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--balance", "warmth"], "no factor 'warmth'"),
        (["--min-agreement", "3"], "min_agreement is out of range"),
        (["--keep-lowest", "ches"], "COLUMN=SHARE"),
        (["--rule", "missing.toml"], "cannot be read"),
        (["--weigh"], "--weigh cannot go without --balance"),
        (["--max-loss", "0.1", "--soft"], "--max-loss cannot go without --balance"),
    ],
)
def test_bad_rules_are_told(folder: Path, flags: list[str], said: str) -> None:
    done = run("curate", folder, *flags)
    assert done.exit_code != 0
    assert said in done.stderr


@pytest.mark.parametrize("verb", ["curate", "report"])
def test_a_bad_rule_is_told_before_anything_is_scored(
    verb: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored: list[str] = []
    monkeypatch.setattr("workbench.cli.command.Run.scored", lambda run: scored.append(verb))
    rule = tmp_path / "rule.toml"
    rule.write_text('min_votes = "2"\n', encoding="utf-8")
    done = run(verb, folder, "--rule", rule, "--out", tmp_path / "out")
    assert done.exit_code != 0
    assert "min_votes" in done.stderr
    assert not scored


@pytest.mark.parametrize("kind", ["csv", "parquet", "folder"])
def test_the_lowest_scores_of_a_table_or_an_audit_stay(
    folder: Path, tmp_path: Path, kind: str
) -> None:
    ids = wb.load(folder).pairs["pair_id"].to_numpy()
    # the last fifth is not scored, as pairs that are too long are not
    ches = np.where(np.arange(400) < 320, (np.arange(400) * 7) % 400, np.nan)
    table = pd.DataFrame({"pair_id": ids, "reason": None, "ln_ches": ches})
    place = tmp_path / f"scores.{kind}"
    if kind == "csv":
        table.to_csv(place, index=False)
    elif kind == "parquet":
        table.to_parquet(place)
    else:
        later = table.assign(ln_ches=-ches)
        ModelScores({"first": table, "last": later}, True, 0.1, 0.0).save(place)
    flags = ("--keep-lowest", "ln_ches=0.5", "--scores", place, "--out", tmp_path / "out")
    done = run("curate", folder, *flags)
    assert done.exit_code == 0, done.stderr
    kept = set(wb.load(tmp_path / "out").pairs["pair_id"])
    wanted = wb.curate(wb.load(folder), {"keep_lowest": ("ln_ches", 0.5)}, scores=table)
    assert kept == set(wanted.data.pairs["pair_id"])
    left = wanted.pairs["reason"].str.startswith("ln_ches not among").to_numpy()
    assert max(ches[[one in kept for one in ids]]) < min(ches[left])
    assert len(kept) > 100
    record = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert shlex.join(["--scores", str(place)]) in record["rerun"]


def test_scores_that_say_nothing_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("pair_id,ches\na,1\n", encoding="utf-8")
    alone = run("curate", folder, "--scores", tmp_path / "other.csv")
    assert "--scores cannot go without --keep-lowest" in alone.stderr
    lacking = run("curate", folder, "--keep-lowest", "ln_ches=0.5", "--scores",
                  tmp_path / "other.csv")  # fmt: skip
    assert "The scores lack pair_id or ln_ches" in lacking.stderr
    assert "--scores" in run("curate", folder, "--keep-lowest", "ln_ches=0.5").stderr
