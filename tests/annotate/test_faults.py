"""The whole way through a faulty server, and through being killed again and again."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.llm_server import CONTENT, TRANSPORT, Server, serving
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.folder import RunFolder
from workbench.annotate.run import execute, prepare
from workbench.data.dataset import PreferenceData
from workbench.llm import client

PAIRS, KILLS, AT_ONCE = 1000, 5, 16

_RUBRIC = """
[factors.warmth]
meaning = "It is warm."
[factors.depth]
meaning = "It goes into depth."
"""


@pytest.fixture(scope="module")
def data() -> PreferenceData:
    rng = np.random.default_rng(1)
    words = "a quick note on how to rest well and why it matters to most people".split()
    sides = [[" ".join(rng.choice(words, rng.integers(4, 30))) for _ in range(PAIRS)] for _ in "ab"]
    pairs = pd.DataFrame({"prompt": [f"How? {k // 2}" for k in range(PAIRS)],
                          "response_a": sides[0], "response_b": sides[1]})  # fmt: skip
    labels = pd.DataFrame({"pair": range(PAIRS), "annotator": "ann", "preference": 1.0})
    return PreferenceData.from_tables(pairs, labels)


@pytest.fixture
def _impatient(monkeypatch):
    monkeypatch.setattr(client, "_FIRST_WAIT_S", 0.01)


# 10 % of calls meet a fault of the transport, and 10 % of replies one of the content
RATES = {kind: 0.1 / len(kinds) for kinds in (TRANSPORT, CONTENT) for kind in kinds}


@pytest.fixture
def faulty() -> Iterator[Server]:
    with serving(faults=RATES) as server:
        yield server


def config(server: Server, **options) -> AnnotateConfig:
    return AnnotateConfig(model="m", base_url=server.url, concurrency=AT_ONCE, **options)


@pytest.mark.usefixtures("_impatient")
def test_2000_judge_calls_through_faults_are_answered_or_counted(data, faulty, tmp_path):
    found = execute(prepare(config(faulty), data, tmp_path))
    mine = found.data.labels[found.data.labels["annotator"] == "m"]
    decided, lost = mine["preference"].notna(), mine["preference"].isna()
    assert len(mine) == 2 * PAIRS
    assert decided.sum() > 0.95 * len(mine)
    assert 0 < lost.sum() == found.failures["count"].sum() == found.spending["failed"].sum()
    assert mine.loc[lost, "reason"].eq("failed").all()
    # nothing failed without its raw reply
    assert mine.loc[lost, "raw"].str.len().gt(0).all()
    assert not mine.loc[decided, "preference"].eq(0.5).any()
    # every reply that was paid for is accounted for
    calls = found.spending["calls"].sum()
    assert calls == sum(faulty.answered.values()) > 2 * PAIRS
    assert max(faulty.answered.values()) == 1


@pytest.mark.usefixtures("_impatient")
def test_2000_rubric_calls_through_faults_are_answered_or_counted(data, faulty, tmp_path):
    rubric = tmp_path / "mine.toml"
    rubric.write_text(_RUBRIC)
    found = execute(prepare(config(faulty, rubric=str(rubric)), data, tmp_path / "run"))
    (spent,) = found.spending.to_dict("records")
    assert spent["requests"] == 2 * PAIRS == spent["answered"] + spent["failed"]
    missing = found.data.factors["warmth"].isna().sum()
    assert 0 < missing <= spent["failed"] == found.failures["count"].sum()
    assert found.failures["raw"].str.len().gt(0).all()
    assert spent["calls"] == sum(faulty.answered.values())


_ALONE = """
import sys
from workbench.annotate.folder import RunFolder
from workbench.annotate.run import execute
from pathlib import Path
from workbench.llm import client
client._FIRST_WAIT_S = 0.01
execute(RunFolder(Path(sys.argv[1])))
"""


def _bytes(folder: RunFolder) -> dict[str, str]:
    return {
        str(path.relative_to(folder.results)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.results.rglob("*"))
        if path.is_file()
    }


def start(folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen([sys.executable, "-c", _ALONE, str(folder)], env=environment)


def _kept(folder: RunFolder) -> int:
    with folder.journal() as journal:
        return len(journal) + sum(1 for _ in journal.failures())


def test_killed_five_times_it_finds_the_same_and_pays_nothing_twice(data, faulty, tmp_path):
    """What was on the way when the process died may be asked again, and nothing else."""
    config_ = config(faulty)
    whole = prepare(config_, data, tmp_path / "whole")
    process = start(whole.path)
    assert process.wait(120) == 0
    once = sum(faulty.answered.values())
    faulty.answered.clear()
    faulty.seen.clear()

    killed = prepare(config_, data, tmp_path / "killed")
    luck, twice = random.Random(4), 0
    for kill in range(KILLS):
        process = start(killed.path)
        goal = (kill + 1) * PAIRS // 4
        end = time.monotonic() + 60
        while sum(faulty.answered.values()) < goal and time.monotonic() < end:
            time.sleep(luck.uniform(0.0, 0.02))
        assert process.poll() is None, "it ended before it was killed"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert not (killed.results / "summary.txt").exists()
    assert 0 < _kept(killed) < 2 * PAIRS
    assert start(killed.path).wait(120) == 0
    assert _bytes(killed) == _bytes(whole)
    twice = sum(faulty.answered.values()) - once
    assert 0 <= twice <= KILLS * AT_ONCE
    assert max(faulty.answered.values()) <= 1 + KILLS
