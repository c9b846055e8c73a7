"""What was lost when a file was read stands under the result of every verb."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from workbench.cli.main import app

LINE = (
    "Reading votes.csv: 2 of 242 rows left out (0.8%): 2 unknown label; "
    "unread verdicts, kept as failed: 3 of 240 (1.2%)"
)


def run(*arguments: object) -> Any:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of which two labels mean nothing and three verdicts failed."""
    rng = np.random.default_rng(0)
    n = 120
    one = pd.DataFrame(
        {
            "prompt": [f"question {k // 2}" for k in range(n)],
            "response_a": ["word " * int(k) for k in rng.integers(1, 30, n)],
            "response_b": ["term. " * int(k) for k in rng.integers(1, 30, n)],
            "model_a": rng.choice(["m1", "m2"], n),
            "model_b": "m3",
            "scenario": rng.choice(["code", "advice"], n),
            "kind": "human",
        }
    )
    sides = [rng.choice(["A", "B"], n) for _ in range(2)]
    sides[1] = np.where(np.arange(n) < 3, "failed", sides[1])
    table = pd.concat(
        [one.assign(annotator="ann", label=sides[0]),
         one.assign(annotator="judge-x", kind="llm", label=sides[1]),
         one.head(2).assign(annotator="ann", label=["huh", "what"])]
    )  # fmt: skip
    path = tmp_path_factory.mktemp("data") / "votes.csv"
    table.to_csv(path, index=False)
    return path


SOME = ("--factors", "words")
VERBS: dict[str, tuple[object, ...]] = {
    "load": (),
    "factors": ("--families", "length"),
    "decompose": (*SOME, "--folds", 0),
    "contrast": (*SOME, "--folds", 0),
    "dissect": (*SOME, "--folds", 0, "--draws", 200),
    "bootstrap": (*SOME, "--replicates", 20),
    "check-fit": (*SOME, "--folds", 0),
    "similarity": ("--factors", "words,readability,type_token_ratio"),
    "scenarios": SOME,
    "concordance": (*SOME, "--replicates", 100),
    "attribute": (*SOME, "--group", "ann"),
    "rate": (),
    "length-control": ("--baseline", "m3", "--annotator", "ann", "--replicates", 20),
    "screen": ("--annotator", "ann"),
    "judge": ("--model", "offline:plain", "--pairs", 6, "--dry-run"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_the_text_of_every_verb_ends_with_the_line(verb: str, votes: Path) -> None:
    said = run(verb, votes, *VERBS[verb]).stdout
    assert said.rstrip().splitlines()[-1] == LINE


@pytest.mark.parametrize("verb", ["load", "decompose", "rate", "judge"])
def test_json_holds_the_load_report(verb: str, votes: Path) -> None:
    report = json.loads(run(verb, votes, *VERBS[verb], "--json", "--quiet").stdout)["load_report"]
    assert (report["rows_read"], report["rows_kept"]) == (242, 240)
    assert report["left_out"]["unknown label"]["count"] == 2
    assert report["kept_oddly"] == {"failed": 3}
    assert isinstance(report["notes"], list)


def test_the_report_and_a_run_that_asks_say_it_too(votes: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    said = run("report", votes, *SOME, "--folds", 0, "--out", page).stdout
    assert said.rstrip().endswith(LINE)
    assert LINE in page.read_text(encoding="utf-8")
    folder = tmp_path / "run"
    asked = ("--model", "offline:plain", "--pairs", 6, "--out", folder)
    assert run("judge", votes, *asked).stdout.count(LINE) == 1
    assert run("resume", folder).stdout.rstrip().endswith(LINE)
    seen = run("audit-judge", votes, "--from-verdicts").stdout
    assert seen.rstrip().endswith(LINE)


def test_nothing_is_said_where_nothing_was_lost(votes: Path, tmp_path: Path) -> None:
    table = pd.read_csv(votes)
    whole = tmp_path / "whole.csv"
    table[table["label"].isin(["A", "B"])].to_csv(whole, index=False)
    assert "Reading" not in run("rate", whole).stdout
    assert json.loads(run("rate", whole, "--json").stdout)["load_report"]["left_out"] == {}
