"""``workbench audit-rewards``: the numbers of Python in text, JSON and report; real scores."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.audit.models.test_reward_scores import pairs, responses
from workbench.audit.models.responses import audit_responses
from workbench.audit.models.reward_scores import audit_reward_scores
from workbench.cli.fail_on import FAILED
from workbench.cli.main import app


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["audit-rewards", *map(str, arguments)])


def same_everywhere(asked: tuple[object, ...], results: list[Any], out: Path) -> None:
    """Text, JSON and report of a call have the numbers of some results."""
    done = run(*asked, "--out", out)
    assert done.exit_code == 0, done.stderr
    printed = json.loads(run(*asked, "--json", "--quiet").stdout)["results"]
    exact = {float(one) for one in re.findall(r'<data value="([^"]+)"',
                                              (out / "report.html").read_text())}  # fmt: skip
    assert len(printed) == len(results)
    for result, told in zip(results, printed, strict=True):
        assert result.summary() in done.stdout
        assert told["tables"] == json.loads(json.dumps(result.to_dict()["tables"]))
        assert set(result.to_frame()["estimate"]) <= exact


def test_pairs_say_the_same_in_python_and_on_the_command_line(tmp_path):
    data = pairs(120, grades=True)
    wb.save(data, tmp_path / "data")
    asked = (tmp_path / "data", "--rewards", "r0,r1", "--gold", "truth")
    same_everywhere(asked, audit_reward_scores(data, ["r0", "r1"], gold="truth"), tmp_path / "out")
    assert run(*asked, "--fail-on", "labels-against-rewards").exit_code == FAILED
    # without people the labels of --annotator choose
    other = run(tmp_path / "data", "--rewards", "r0,r1", "--annotator", "truth").stdout
    assert audit_reward_scores(data, ["r0", "r1"], annotators=["truth"])[0].summary() in other


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_responses_say_the_same_in_python_and_on_the_command_line(suffix, tmp_path):
    table, file = responses(30, 8), tmp_path / f"scores.{suffix}"
    if suffix == "csv":
        table.to_csv(file, index=False)
    elif suffix == "parquet":
        table.to_parquet(file)
    else:
        table.to_json(file, orient="records", lines=True, double_precision=15)
        table = pd.read_json(file, lines=True, precise_float=True)
    asked = (file, "--prompt", "question", "--rewards", "honest,gamed", "--gold", "people",
             "--heads", "honest,against")  # fmt: skip
    results = audit_responses(table, ["honest", "gamed"], prompt="question", gold="people",
                              heads=["honest", "against"])  # fmt: skip
    same_everywhere(asked, results, tmp_path / "out")


def test_a_training_has_a_proxy_point_and_a_curve(tmp_path):
    rows = [{"prompt": f"q{k}", "rm": step + 0.01 * k, "step": step, "people": -((step - 4) ** 2)}
            for step in range(9) for k in range(5)]  # fmt: skip
    table = pd.DataFrame(rows)
    table.to_csv(tmp_path / "run.csv", index=False)
    asked = (tmp_path / "run.csv", "--prompt", "prompt", "--rewards", "rm", "--gold", "people",
             "--checkpoint", "step")  # fmt: skip
    found = audit_responses(table, ["rm"], gold="people", checkpoint="step")
    same_everywhere(asked, found, tmp_path / "out")
    assert "rm where people peaks" in run(*asked).stdout


def test_what_cannot_be_told_is_said(tmp_path):
    responses(3, 4).to_csv(tmp_path / "scores.csv", index=False)
    lost = run(tmp_path / "scores.csv", "--prompt", "prompt", "--rewards", "honest")
    assert lost.exit_code == 1
    assert "no column prompt" in lost.stderr
    passed_over = run(tmp_path / "scores.csv", "--prompt", "question", "--rewards", "honest",
                      "--annotator", "ann", "--map", "prompt=question")  # fmt: skip
    assert passed_over.exit_code == 1
    assert "--annotator" in passed_over.stderr
    assert "--map" in passed_over.stderr
    with (tmp_path / "scores.jsonl").open("w") as file:
        file.write('{"q": "x", "rm": 1, "people": 2}\n{"q": "x", "rm": 2, "people": 1}\n{broken\n')
    told = run(tmp_path / "scores.jsonl", "--prompt", "q", "--rewards", "rm", "--gold", "people")
    assert "1 lines are no record" in told.stdout
    pairs_only = run("sample", "--heads", "a,b", "--checkpoint", "step")
    assert pairs_only.exit_code == 1
    assert "--heads, --checkpoint is of responses" in pairs_only.stderr
    one = run("sample", "--rewards", "words").stderr
    assert "no rewards words" in one
    wb.save(pairs(60), tmp_path / "data")
    one = run(tmp_path / "data", "--rewards", "r0").stderr
    assert "rewards r0" in one
    assert "--rewards COLUMN,..." in one
    none = run("sample", "--rewards", "nobody")
    assert none.exit_code == 1
    assert "The data have no rewards nobody" in none.stderr


def test_a_proxy_of_length_against_a_judge_of_real_responses(shared_data, tmp_path):
    """AlpacaEval: the longest of n models' answers, as GPT-4 sees it."""
    folder = shared_data / "alpaca_eval" / "weighted_alpaca_eval_gpt4_turbo"
    rows = []
    for file in sorted(folder.glob("*.json.gz"))[:8]:
        with gzip.open(file, "rt", encoding="utf-8") as text:
            rows += [
                {"instruction": one["instruction"], "model": file.name.split(".")[0],
                 "length": len(one["output_2"]), "judge": one["preference"] - 1}
                for one in json.load(text) if one["preference"] is not None
            ]  # fmt: skip
    table = pd.DataFrame(rows)
    table.to_csv(tmp_path / "alpaca.csv", index=False)
    done = run(tmp_path / "alpaca.csv", "--prompt", "instruction", "--rewards", "length",
               "--gold", "judge", "--at-least", 8, "--json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    (found,) = json.loads(done.stdout)["results"]
    told = {row["term"]: row["estimate"] for row in found["tables"]["estimates"]}
    whole = table.groupby("instruction").filter(lambda part: len(part) >= 8)
    by = whole.groupby("instruction")
    assert told["best of 1"] == pytest.approx(by["judge"].mean().mean())
    longest = whole[whole["length"] == by["length"].transform("max")]
    top = longest.groupby("instruction")["judge"].mean().mean()
    assert told["best of 8"] == pytest.approx(top)
    assert told["best of 8"] > told["best of 1"]
