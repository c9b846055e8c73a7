"""``workbench repair-judge``, and the judge that it saves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
