"""``workbench repair-judge``, and the judge that it saves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.calibration.mending import JUDGE, lover
from workbench.cli.main import app
from workbench.report.main_job import main_job


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wb.save(lover(n=500), tmp_path_factory.mktemp("repair") / "data")


def test_the_numbers_are_the_library_s_and_the_judge_is_saved(folder: Path, tmp_path: Path) -> None:
    done = run("repair-judge", folder, "--judge", JUDGE, "--json", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["tables"]["gains"]
    found = wb.repair_judge(wb.load(folder), JUDGE)
    assert [one["estimate"] for one in told] == pytest.approx(found.gains["estimate"].tolist())
    assert "no win rates: the pairs name no models" in found.notes
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "corrected judge" in page
    mended = wb.MendedJudge.load(tmp_path / "mended_judge.json")
    assert found.mended is not None
    assert mended.weights == pytest.approx(found.mended.weights)
    labelled = wb.judge(wb.load(folder), mended)
    assert mended.name in set(labelled.data.annotators["annotator"])


def test_the_saved_judge_labels_and_is_audited(folder: Path, tmp_path: Path) -> None:
    assert run("repair-judge", folder, "--judge", JUDGE, "--out", tmp_path).exit_code == 0
    file = tmp_path / "mended_judge.json"
    done = run("judge", folder, "--mended", file, "--out", tmp_path / "labelled")
    assert done.exit_code == 0, done.output
    names = set(wb.load(tmp_path / "labelled").annotators["annotator"])
    assert names == {"ann", JUDGE, f"{JUDGE} (mended)"}
    both = run("judge", folder, "--mended", file, "--model", "offline:plain")
    assert both.exit_code == 1
    assert "asks no model by itself" in both.stderr
    for flag in ("--dry-run", "--retry-failed"):
        kept = run("judge", folder, "--mended", file, flag, "--out", tmp_path / "none")
        assert kept.exit_code == 1
        assert f"Leave out {flag}" in kept.stderr
    assert not (tmp_path / "none").exists()
    alone = run("audit-judge", "sample", "--judge", f"mended:{file}", "--pairs", 6)
    assert alone.exit_code == 1
    assert "cannot be asked" in alone.stderr
    spec = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"]).factor_specs
    factors = {"words": {"weight": -1.0, "spec": spec["words"]}}
    wb.MendedJudge("longer", {"verdict": 1.0}, factors).save(tmp_path / "j.json")
    judge = f"mended:{tmp_path / 'j.json'}@rule:longer"
    audited = run("audit-judge", "sample", "--judge", judge, "--suite", "smoke", "--pairs", 6)
    assert audited.exit_code == 0, audited.output
    assert "longer (mended)" in audited.stdout


def test_a_refusal_saves_no_judge(folder: Path, tmp_path: Path) -> None:
    done = run("repair-judge", folder, "--judge", JUDGE, "--factors", "bold", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert "nothing accepted: the judge stays as it is" in done.stdout
    assert not (tmp_path / "mended_judge.json").exists()
    lost = run("repair-judge", folder, "--judge", "nobody")
    assert lost.exit_code == 1
    assert "no judge 'nobody'" in lost.stderr


def test_a_report_can_hold_it() -> None:
    job = main_job(lover(n=300), folds=0, further=["repair"])
    assert job.further[0].settings["judge"] == JUDGE


def test_a_prompt_is_repaired_by_a_run(tmp_path: Path) -> None:
    pairs = pd.DataFrame({"prompt": [f"question {k}" for k in range(24)],
                          "response_a": ["word " * (k % 5 + 1) for k in range(24)],
                          "response_b": ["word " * (k % 7 + 1) for k in range(24)]})  # fmt: skip
    labels = pd.DataFrame({
        "pair": [*range(24)] * 2, "annotator": ["ann"] * 24 + [JUDGE] * 24,
        "kind": ["human"] * 24 + ["llm"] * 24,
        "preference": [k % 3 / 2 for k in range(24)] + [1.0, 0.0] * 12,
    })  # fmt: skip
    data = wb.PreferenceData.from_tables(pairs, labels)
    place, run_of = wb.save(data, tmp_path / "data"), tmp_path / "run"
    (tmp_path / "mine.txt").write_text("1. Select the response that is shorter.\n")
    unseen = data.pairs["pair_id"][10:]
    (tmp_path / "unseen.txt").write_text("\n".join(unseen))
    words = ["repair-prompt", place, "--judge", JUDGE, "--model", "offline:plain", "--constitution",
             tmp_path / "mine.txt", "--unseen", tmp_path / "unseen.txt", "--out",
             run_of]  # fmt: skip
    told = json.loads(run(*words, "--dry-run", "--json").stdout)
    assert not run_of.exists()
    done = run(*words, "--json")
    assert done.exit_code == 0, done.stderr
    gains = json.loads(done.stdout)["tables"]["gains"]
    mine = wb.Constitution((wb.Principle("Select the response that is shorter."),))
    with wb.Journal(tmp_path / "j") as journal, wb.Asker(wb.OfflineModel(), journal) as asker:
        prompt = wb.repair_prompt(wb.ChatJudge("offline:plain", asker), mine, unseen=unseen)
        found = wb.repair_judge(data, JUDGE, constitution=prompt)
    assert [one["estimate"] for one in gains] == pytest.approx(
        [None if value != value else value for value in found.gains["estimate"]])  # fmt: skip
    asked = found.cost["calls"].iloc[-1]
    assert 0 < asked <= 28
    assert [one["to_ask"] for one in told["stages"]] == [asked]
    # nothing is asked twice
    again = json.loads(run(*words, "--dry-run", "--json").stdout)
    assert [one["to_ask"] for one in again["stages"]] == [0]


def test_what_a_prompt_is_repaired_by_has_to_be_said(tmp_path: Path) -> None:
    words = ["repair-prompt", "sample", "--model", "offline:plain", "--out", tmp_path / "none"]
    lost = run(*words, "--judge", "sim-judge-length")
    assert lost.exit_code == 1
    assert "no --constitution" in lost.stderr
    (tmp_path / "mine.txt").write_text("Be brief.")
    unread = run(*words, "--judge", "sim-judge-length", "--constitution", tmp_path / "mine.txt",
                 "--unseen", tmp_path / "gone.txt")  # fmt: skip
    assert unread.exit_code == 1
    assert "--unseen is not there" in unread.stderr
