"""The further commands print the numbers of the library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.planted import planted
from workbench.cli.main import app
from workbench.json_values import records, to_json

WEIGHTS = {"ann": [0.8, 0.0, 0.3], "bob": [0.8, 0.1, 0.2], "judge-x": [0.8, 0.6, -0.2]}


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def tables(*arguments: object) -> Any:
    done = run(*arguments, "--json", "--quiet")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)["tables"]


def plain(frame: pd.DataFrame) -> Any:
    return json.loads(to_json(records(frame)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = planted(WEIGHTS, n=600, clusters=150)
    half = pd.Series(["Code", "Advice"] * 300, dtype="str")
    data.pairs["scenario"] = half
    data.pairs["model_a"] = pd.Series(["m1", "m2", "m3"] * 200, dtype="str")
    data.pairs["model_b"] = pd.Series(["m2", "m3", "m1"] * 200, dtype="str")
    path = tmp_path_factory.mktemp("data") / "planted"
    wb.save(data, path)
    return path


def test_dissect(folder: Path) -> None:
    found = tables("dissect", folder, "--folds", 0, "--scale", "0.3", "--draws", 200)
    direct = wb.dissect(wb.load(folder), by=("annotator",), scale=0.3, folds=0, draws=200)
    assert found["estimates"] == plain(direct.to_frame())
    assert run("dissect", folder, "--scale", "wide").exit_code == 2
    assert found["scales"] == []
    assert len(tables("dissect", folder, "--folds", 0, "--draws", 200)["scales"]) == 6


def test_bootstrap(folder: Path) -> None:
    found = tables("bootstrap", folder, "--replicates", 50)
    direct = wb.bootstrap(wb.decompose(wb.load(folder), folds=0), replicates=50)
    assert found["estimates"] == plain(direct.to_frame())


def test_similarity(folder: Path) -> None:
    found = tables("similarity", folder)
    fit = wb.decompose(wb.load(folder), by=("annotator", "scenario"), folds=0)
    direct = wb.similarity(wb.bootstrap(fit, method="multiplier"))
    assert found["estimates"] == plain(direct.to_frame())
    assert len(found["estimates"]) == 3


def test_similarity_of_published_weights(tmp_path: Path) -> None:
    rows = [{"model_name": name, "parameters": [float(k % n) for k in range(29)]}
            for n, name in ((5, "human"), (7, "judge"))]  # fmt: skip
    text = "\n".join(json.dumps(row) for row in rows)
    (tmp_path / "Advice.jsonl").write_text(text, encoding="utf-8")
    [row] = tables("similarity", tmp_path, "--published")["estimates"]
    expected = pd.Series(rows[0]["parameters"]).corr(pd.Series(rows[1]["parameters"]))
    assert row["estimate"] == pytest.approx(expected)
    assert row["conf_low"] is None
    assert "no interval" in row["reason"]


def test_scenarios_concordance_and_screening(folder: Path) -> None:
    data = wb.load(folder)
    direct = wb.pool_scenarios(data, annotator="ann")
    assert tables("scenarios", folder, "--annotator", "ann")["estimates"] == plain(
        direct.to_frame()
    )
    taus = wb.concordance(data, replicates=50)
    assert tables("concordance", folder, "--replicates", 50)["estimates"] == plain(taus.to_frame())
    screened = wb.screen(data, annotator="ann", control=None)
    found = tables("screen", folder, "--annotator", "ann")
    assert found["estimates"] == plain(screened.to_frame())


def test_check_fit(folder: Path) -> None:
    direct = wb.check_fit(wb.decompose(wb.load(folder), annotator="ann", folds=0), folds=3)
    found = tables("check-fit", folder, "--annotator", "ann", "--folds", 3)
    assert found["estimates"] == plain(direct.to_frame())
    assert found["influence"] == plain(direct.influence)


def test_attribute(folder: Path) -> None:
    data = wb.load(folder)
    pair = data.pairs["pair_id"].iloc[3]
    found = tables("attribute", folder, "--group", "ann", "--pairs", pair)
    direct = wb.attribute(wb.decompose(data, folds=0), group="ann", pairs=[pair])
    assert found["shares"] == plain(direct.to_frame())


def test_rate(folder: Path) -> None:
    data = wb.load(folder)
    found = tables("rate", folder, "--covariates", "f0,f1", "--annotator", "ann")
    direct = wb.rate(data, annotator="ann", covariates=("f0", "f1"))
    assert found["estimates"] == plain(direct.to_frame())
    assert "covariates" in found


def test_length_control_needs_one_judge() -> None:
    done = run("length-control", "sample", "--annotator", "sim-judge-length,sim-judge-plain")
    assert done.exit_code == 2
    assert "one judge" in done.stderr
    found = tables(
        "length-control", "sample", "--baseline", "sim-model-a", "--annotator", "sim-judge-length",
        "--replicates", 20,
    )  # fmt: skip
    assert [row["term"] for row in found["estimates"]] == [f"sim-model-{c}" for c in "bcd"]


def test_length_control_takes_difficulty_and_gamed_runs(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        {"instruction": f"question {i}", "output_1": "x" * 50, "generator_1": "base",
         "output_2": "y" * int(rng.integers(20, 200)), "generator_2": model, "annotator": "judge",
         "preference": 1.0 + float(rng.random())}
        for model in ("mine", "theirs", "other_verbose") for i in range(30)
    ]  # fmt: skip
    own = [row for row in rows if row["generator_2"] != "other_verbose"]
    gamed = [row for row in rows if row["generator_2"] == "other_verbose"]
    paths = {name: tmp_path / f"{name}.json" for name in ("own", "gamed", "hard")}
    paths["own"].write_text(json.dumps(own))
    paths["gamed"].write_text(json.dumps(gamed))
    hard = {f"question {i}": float(i % 5) for i in range(30)}
    paths["hard"].write_text(json.dumps(hard))
    flags = ("--difficulty", paths["hard"], "--gamed", paths["gamed"], "--replicates", 20)
    found = tables("length-control", paths["own"], *flags)
    direct = wb.length_control(
        wb.load(paths["own"]), difficulty=hard, gamed=wb.load(paths["gamed"]), replicates=20
    )
    assert found["estimates"] == plain(direct.to_frame())
    assert "difficulty given; baseline's own gamed runs: other_verbose" in direct.summary()
    told = run("length-control", paths["own"], "--difficulty", "none", "--replicates", 20).stdout
    assert "instruction difficulty left out, as asked" in told
    assert "gamed runs: left out" in told
    told = run("length-control", paths["own"], "--replicates", 20).stdout
    assert "instruction difficulty by a joint fit of 2 models" in told
    assert run("length-control", paths["own"], "--difficulty", paths["own"]).exit_code != 0


def test_add_judge(folder: Path, tmp_path: Path) -> None:
    data = wb.load(folder)
    rows = pd.DataFrame({"pair_id": data.pairs["pair_id"], "verdict": "A"})
    rows.loc[:1, "pair_id"] = ["foreign", "unknown"]
    path = tmp_path / "verdicts.csv"
    rows.to_csv(path, index=False)
    options = ("--verdicts", path, "--name", "mine")
    assert "--out" in run("add-judge", folder, *options).stderr
    done = run("add-judge", folder, *options, "--out", tmp_path / "more")
    assert done.exit_code == 0, done.stderr
    more = wb.load(tmp_path / "more")
    mine = more.labels[more.labels["annotator"] == "mine"]
    assert len(mine) == len(data.pairs) - 2
    assert "2 unknown pair" in done.stdout


def test_a_report_holds_the_further_results_and_its_command_makes_them_again(
    folder: Path, tmp_path: Path
) -> None:
    names = "posterior,bootstrap,fit,similarity,scenarios,concordance,ratings"
    path = tmp_path / "report.html"
    options = ("--folds", 0, "--reference", "ann", "--with", names)
    done = run("report", folder, *options, "--out", path)
    assert done.exit_code == 0, done.stderr
    record = json.loads(path.with_suffix(".json").read_text("utf-8"))
    kinds = [result["type"] for result in record["results"]]
    assert kinds[3:] == ["Dissection", "Bootstrap", "FitCheck", "Similarity", "ScenarioPool",
                         "Concordance", "Ratings"]  # fmt: skip
    page = path.read_text("utf-8")
    for heading in ("Similarity of annotators", "Concordance", "Ratings of the models"):
        assert heading in page
    assert f"--with {names}" in record["rerun"]
    refused = run("report", folder, "--with", "magic", "--out", path)
    assert refused.exit_code == 1
    assert "magic" in refused.stderr
