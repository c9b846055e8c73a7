"""Commands over data in parts give what they give of the same data in memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from workbench.cli.main import app
from workbench.cli.parted import opened
from workbench.data.sample import load as load_sample


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def run_json(*words: object) -> Any:
    done = run(*words, "--json", "--quiet")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("votes") / "votes.csv"
    data = load_sample()
    rows = data.labels.merge(data.pairs, on="pair_id")
    rows = rows[rows["annotator"].isin(["sim-judge-plain", "sim-judge-length"])]
    rows = rows.groupby("annotator").head(600)
    columns = ["prompt", "response_a", "response_b", "preference", "annotator", "order_shown"]
    rows[columns].to_csv(path, index=False)
    return path


def test_parts_are_told_as_the_whole_is(votes: Path, tmp_path: Path) -> None:
    whole = run_json("load", votes)
    parts = run_json("load", votes, "--parts", 3, "--out", tmp_path / "parts")
    assert parts == whole
    # the folder is read as one set by every command
    assert run_json("load", tmp_path / "parts")["digest"] == whole["digest"]


@pytest.mark.parametrize("words", [[], ["--out", "x", "--criterion", "overall"]])
def test_parts_need_a_folder_and_take_no_choice(votes: Path, words: list[str]) -> None:
    done = run("load", votes, "--parts", 3, *words)
    assert done.exit_code == 1
    assert "Parts hold all the data" in done.stderr


def test_an_engine_that_is_not_there_is_told(votes: Path, tmp_path: Path) -> None:
    done = run("load", votes, "--parts", 2, "--out", tmp_path / "x", "--address", "10.0.0.5:1")
    assert done.exit_code == 1
    assert "Only a cluster has an address" in done.stderr


def test_a_fit_in_parts_is_the_fit_in_memory(votes: Path, tmp_path: Path) -> None:
    run_json("load", votes, "--parts", 3, "--out", tmp_path / "parts")
    whole = run_json("decompose", votes, "--folds", 3, "--workers", 2)
    parts = run_json("decompose", tmp_path / "parts", "--folds", 3)
    rows = [table["tables"]["estimates"] for table in (whole, parts)]
    assert len(rows[0]) > 40
    for one, two in zip(*rows, strict=True):
        assert one["term"] == two["term"]
        for name in ("estimate", "std_error", "conf_low", "df", "per_sd", "ame"):
            if one[name] is None:
                assert two[name] is None
            else:
                assert two[name] == pytest.approx(one[name], rel=1e-8, abs=1e-10)


def test_ratings_of_parts_are_the_ratings_in_memory(tmp_path: Path) -> None:
    data = load_sample()
    rows = data.labels.merge(data.pairs, on="pair_id")
    rows = rows[rows["annotator"].eq("sim-judge-plain")].head(400)
    columns = ["prompt", "response_a", "response_b", "model_a", "model_b", "preference"]
    rows[columns].to_csv(tmp_path / "battles.csv", index=False)
    run_json("load", tmp_path / "battles.csv", "--parts", 3, "--out", tmp_path / "parts")
    whole = run_json("rate", tmp_path / "battles.csv")
    parts = run_json("rate", tmp_path / "parts", "--workers", 2)
    assert len(whole["tables"]["estimates"]) == 4
    for one, two in zip(whole["tables"]["estimates"], parts["tables"]["estimates"], strict=True):
        assert one["term"] == two["term"]
        for name in ("estimate", "std_error", "conf_low", "rank_low", "n", "wins"):
            assert two[name] == pytest.approx(one[name], rel=1e-8, abs=1e-10)
    assert "data.sample" in parts["notes"][0]
    assert run("rate", tmp_path / "parts", "--covariates", "nothing").exit_code == 1


@pytest.mark.parametrize(
    ("words", "tables"),
    [
        (["contrast", "--reference", "sim-judge-plain"], ["raw", "scale", "estimates"]),
        (["bootstrap", "--method", "multiplier", "--replicates", 50], ["estimates"]),
        (["screen", "--control", "bold"], ["estimates", "joint"]),
    ],
)
def test_contrast_bootstrap_and_screening_of_parts_are_those_in_memory(
    votes: Path, tmp_path: Path, words: list[object], tables: list[str]
) -> None:
    run_json("load", votes, "--parts", 3, "--out", tmp_path / "parts")
    flags = [*words[1:], "--factors", "words,bold,hedges"]
    whole = run_json(words[0], votes, *flags)
    parts = run_json(words[0], tmp_path / "parts", *flags, "--workers", 2)
    for table in tables:
        rows = [found["tables"][table] for found in (whole, parts)]
        assert len(rows[0]) == len(rows[1]) > 0
        for one, two in zip(*rows, strict=True):
            for name in set(one) & {"estimate", "std_error", "conf_low", "df", "ratio", "ame"}:
                wanted = None if one[name] is None else pytest.approx(one[name], rel=1e-7, abs=1e-9)
                assert two[name] == wanted


def test_many_pairs_are_resampled_part_by_part_unless_said(
    votes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_json("load", votes, "--parts", 2, "--out", tmp_path / "parts")
    words = ["bootstrap", tmp_path / "parts", "--factors", "words", "--replicates", 20, "--json"]
    few = run(*words)
    assert json.loads(few.stdout)["settings"]["method"] == "exact"
    assert "--method" not in few.stderr
    assert "memory" not in few.stderr
    monkeypatch.setattr(opened, "AT_ONCE", 100)
    many = run(*words)
    assert json.loads(many.stdout)["settings"]["method"] == "multiplier"
    n = json.loads(run("load", tmp_path / "parts", "--json").stdout)["load_report"]["n_pairs"]
    assert f"would hold all {n:,} pairs at once" in " ".join(many.stderr.split())
    assert "--method exact" in many.stderr
    exact = run(*words, "--method", "exact")
    assert exact.stdout == few.stdout
    assert "Exact refits need rows" in exact.stderr
    assert "held in memory" in exact.stderr
    told = run(*words, "--method", "multiplier")
    assert told.stdout == many.stdout
    assert "at once" not in told.stderr
