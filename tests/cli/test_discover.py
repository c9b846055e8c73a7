"""The command that discovers factors: the library's numbers, runs that go on, and its files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.discover.planted import planted
from tests.llm_server import serving
from workbench.annotate.folder import RunFolder
from workbench.annotate.run import found_in
from workbench.cli.main import app
from workbench.discover import Discovery

FEW = ("--annotator", "human", "--k", 6, "--fidelity-pairs", 10)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["discover", *map(str, arguments)])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set") / "data"
    wb.save(planted(600), folder)
    return folder


@pytest.fixture(scope="module")
def discovered(source, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("discovered") / "run"
    done = run(source, *FEW, "--out", folder)
    assert done.exit_code == 0, done.stderr
    assert "offline:plain is built in" in done.stderr
    return folder


def test_the_command_gives_the_library_s_numbers(source, discovered):
    found = wb.discover(wb.load(source), "human", k=6, fidelity_pairs=10)
    saved = json.loads((discovered / "results" / "result.json").read_text())
    assert saved["tables"]["directions"] == found.to_dict()["tables"]["directions"]
    assert (discovered / "results" / "summary.txt").read_text() == found.summary()


def test_the_folder_holds_the_discovery_its_factors_and_its_vectors(discovered):
    again = found_in(RunFolder(discovered))
    kept = Discovery.load(discovered / "results" / "discovery")
    assert isinstance(again, Discovery)
    assert kept.summary() == again.summary()
    data = wb.load(discovered)
    assert data.factor_names == kept.survivors["term"].tolist()
    assert list((discovered / "vectors").glob("vectors-*.parquet"))
    page = (discovered / "results" / "report.html").read_text()
    assert "Offline model." in page


def test_a_dry_run_asks_nothing_and_writes_nothing(source, tmp_path):
    done = run(source, *FEW, "--out", tmp_path / "none", "--dry-run")
    assert done.exit_code == 0
    assert "name" in done.stdout
    assert not (tmp_path / "none").exists()


def test_an_endpoint_embeds_names_and_scores(source, tmp_path):
    with serving() as server:
        asked = ("--base-url", server.url, "--model", "m", "--embedding", "endpoint",
                 "--embedding-model", "e")  # fmt: skip
        done = run(source, *FEW, *asked, "--out", tmp_path / "run")
        assert done.exit_code == 0, done.stderr
        calls = sum(server.answered.values())
        kept = Discovery.load(tmp_path / "run" / "results" / "discovery")
        assert kept.directions["name"].str.startswith('says "').any()
        again = run(source, *FEW, *asked, "--out", tmp_path / "run")
        assert again.exit_code == 0
        assert sum(server.answered.values()) == calls
    stages = json.loads((tmp_path / "run" / "results" / "result.json").read_text())
    assert [one["stage"] for one in stages["tables"]["spending"]][:2] == ["embed", "name"]


def test_a_killed_run_goes_on_and_pays_nothing_twice(source, tmp_path):
    with serving(latency_s=0.05) as server:
        words = [*map(str, FEW), "--base-url", server.url, "--model", "m", "--concurrency", "2",
                 "--out", str(tmp_path / "run")]  # fmt: skip
        command = [sys.executable, "-m", "workbench.cli", "discover", str(source), *words]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as one:
            give_up = time.monotonic() + 120
            while sum(server.done.values()) < 9 and time.monotonic() < give_up:
                time.sleep(0.02)
            os.kill(one.pid, signal.SIGKILL)
        assert run(source, *words).exit_code == 0
        # what was on its way when it was killed may be asked again
        assert sum(n - 1 for n in server.answered.values()) <= 2
    assert json.loads((tmp_path / "run" / "progress.json").read_text())["state"] == "finished"


@pytest.mark.parametrize(
    ("flags", "said"),
    [(("--embedding", "endpoint"), "No model of embeddings is named"),
     (("--embedding-model", "e"), "no endpoint is asked for any"),
     (("--embedding", "nowhere.parquet"), "There is no such embedding"),
     (("--k", "0"), "directions")],
)  # fmt: skip
def test_what_cannot_be_is_refused(source, tmp_path, flags, said):
    done = run(source, *FEW, *flags, "--out", tmp_path / "run")
    assert done.exit_code != 0
    assert said in done.stderr


def test_a_report_takes_it_along(source, tmp_path):
    data = wb.score_factors(wb.load(source), wb.factors.FAMILIES["length"])
    wb.save(data, tmp_path / "scored")
    flags = ("--with", "discover", "--out", str(tmp_path / "r.html"), "--folds", "0")
    done = CliRunner().invoke(app, ["report", str(tmp_path / "scored"), *flags])
    assert done.exit_code == 0, done.stderr
    assert "Discovered factors" in (tmp_path / "r.html").read_text()
