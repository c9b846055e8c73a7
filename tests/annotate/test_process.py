"""Runs as processes: they outlive their caller, are cancelled, killed, and taken up."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

import workbench as wb
from tests.llm_server import serving
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.folder import RunFolder
from workbench.annotate.process import cancel, runs_in, start, status
from workbench.annotate.run import prepare


def _wait(folder: RunFolder, *states: str) -> None:
    end = time.monotonic() + 60
    while status(folder).state not in states or (folder.running and "running" not in states):
        assert time.monotonic() < end, (status(folder), (folder.path / "run.log").read_text())
        time.sleep(0.05)


@pytest.fixture
def slow(tmp_path: Path):
    with serving(latency_s=0.05) as server:
        config = AnnotateConfig(model="m", base_url=server.url, pairs=150, concurrency=4)
        yield prepare(config, wb.load("sample"), tmp_path / "run")


def test_a_run_is_cancelled_and_taken_up(slow):
    start(slow)
    _wait(slow, "running")
    while not len(status(slow).stages) or status(slow).stages["done"].iloc[-1] < 20:
        time.sleep(0.05)
    with pytest.raises(wb.WorkbenchError, match="under way"):
        start(slow)
    assert cancel(slow)
    _wait(slow, "stopped")
    assert not slow.running
    kept = len(slow.journal())
    assert 20 <= kept < 300
    start(slow)
    _wait(slow, "finished")
    now = status(slow)
    assert now.stages["kept"].tolist() == [kept]
    assert now.stages["done"].tolist() == [300]
    assert not cancel(slow)


def test_a_killed_run_is_seen_to_be_gone(slow):
    pid = start(slow)
    _wait(slow, "running")
    os.kill(pid, signal.SIGKILL)
    _wait(slow, "ended")
    start(slow)
    _wait(slow, "finished")
    assert wb.load(slow.path).annotators["n_labels"].max() >= 300


def test_runs_are_listed_the_latest_first(tmp_path):
    config = AnnotateConfig(model="offline:plain", pairs=5)
    for k, name in enumerate(("old", "new")):
        folder = prepare(config, wb.load("sample"), tmp_path / name)
        os.utime(folder.path / "run.toml", (k, k))
    assert [run.path.name for run in runs_in(tmp_path)] == ["new", "old"]
