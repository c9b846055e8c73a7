"""``workbench audit-judge --from-verdicts --monitor``: the library's numbers, alarms, a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.audit_judge import _against
from workbench.cli.main import app


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for k in range(100):
        people = "ab"[k % 2]
        wrong = rng.random() < (0.05 if k < 40 else 0.7)
        both = {"human": people, "llm": "ba"[k % 2] if wrong else people}
        rows += [{"prompt": f"question {k}", "response_a": "yes", "response_b": "no", "step": k,
                  "annotator": kind, "kind": kind, "preference": side}
                 for kind, side in both.items()]  # fmt: skip
    place = tmp_path_factory.mktemp("watched") / "votes.csv"
    pd.DataFrame(rows).to_csv(place, index=False)
    return place


def test_the_watch_is_the_library_s_and_stands_first(votes: Path):
    done = run("audit-judge", votes, "--from-verdicts", "--monitor", "--baseline", 0.4, "--time",
               "step", "--least", 0.7, "--fail-on", "monitor-changed", "--json")  # fmt: skip
    # what was found fails the run, as was asked
    assert done.exit_code == 3, done.output
    told = json.loads(done.stdout)["results"][0]
    assert told["type"] == "Monitor"
    found = wb.monitor(wb.load(str(votes)), baseline=0.4, time="step", least=0.7)
    ends = [row["conf_low"] for row in told["tables"]["monitor"] if row["conf_low"] is not None]
    assert ends == found.to_frame()["conf_low"].dropna().tolist()
    assert {row["alarm"] for row in told["tables"]["monitor"]} >= {"monitor-changed"}


def test_only_verdicts_are_watched_and_a_baseline_is_a_share_a_name_or_none(votes: Path):
    done = run("audit-judge", votes, "--judge", "rule:longer", "--monitor")
    assert done.exit_code == 1
    assert "Only verdicts that are there can be watched" in done.output
    done = run("audit-judge", votes, "--from-verdicts", "--least", 0.7, "--time", "step")
    assert done.exit_code == 1
    assert "--least, --time without --monitor" in done.output
    assert [_against(text) for text in ("0.4", "judge-1", "none")] == [0.4, "judge-1", None]
