"""``workbench context``: the library's numbers, a page, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        {"prompt": f"question {k}", "response_a": "yes", "response_b": "no, never", "kind": kind,
         "annotator": kind, "criterion": criterion, "preference": y}
        for k in range(20)
        for kind in ("human", "llm")
        for criterion, y in (("brief", "a"), ("full", "b"), ("overall", "ab"[k % 2]),
                             ("nonsense", "ab"[k % 2]))
        if kind == "llm" or criterion in ("brief", "full")
    ]  # fmt: skip
    place = tmp_path_factory.mktemp("contexts") / "votes.csv"
    pd.DataFrame(rows).to_csv(place, index=False)
    return place


def test_context_is_the_library_s_and_saves_a_page(votes: Path, tmp_path: Path) -> None:
    done = run("context", votes, "--placebo", "nonsense", "--opposed", "--json", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["tables"]["contexts"]
    data = wb.score_factors(wb.load(votes), wb.factors.CORE)
    found = wb.context(data, placebo=["nonsense"], opposed=True).estimates
    shown = [float("nan") if row["estimate"] is None else row["estimate"] for row in told]
    assert shown == pytest.approx(found["estimate"].tolist(), nan_ok=True)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "--placebo nonsense --opposed" in page
    assert "flip rate" in page


def test_a_negation_without_its_criterion_is_a_wrong_call(votes: Path) -> None:
    assert run("context", votes, "--negated", "unbrief").exit_code == 2


def test_one_question_and_nothing_to_part_it_by_is_refused(tmp_path: Path) -> None:
    table = pd.DataFrame({"response_a": ["x", "y"], "response_b": ["y", "z"], "label": ["a", "b"]})
    table.to_csv(tmp_path / "plain.csv", index=False)
    done = run("context", tmp_path / "plain.csv")
    assert done.exit_code == 1
    assert "There is no context to compare" in done.stderr
