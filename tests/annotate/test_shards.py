"""Processes that divide a run: one budget, one result, and nothing is paid twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from tests.llm_server import Server, serving
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.folder import RunFolder
from workbench.annotate.process import status
from workbench.annotate.run import execute, prepare
from workbench.errors import ConfigError
from workbench.llm.journal import Journal
from workbench.shard import Shard

PAIRS, AT_ONCE = 30, 4


@pytest.fixture(scope="module")
def data() -> wb.PreferenceData:
    return wb.load("sample")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(latency_s=0.01) as one:
        yield one


def made(server: Server, data: wb.PreferenceData, path: Path, **options) -> RunFolder:
    config = AnnotateConfig(
        model="m", base_url=server.url, pairs=PAIRS, concurrency=AT_ONCE, **options
    )
    return prepare(config, data, path)


def labels(path: Path) -> pd.DataFrame:
    table = wb.load(path).labels
    mine = table[table["annotator"] == "m"]
    return mine.sort_values(["pair_id", "order_shown"]).reset_index(drop=True)


def in_turn(folder: RunFolder, of: int) -> list[object]:
    return [execute(folder, shard=Shard(k, of)) for k in range(of)]


def test_shards_together_find_what_one_process_finds(data, server, tmp_path):
    alone = made(server, data, tmp_path / "alone")
    execute(alone)
    server.answered.clear()
    divided = made(server, data, tmp_path / "divided")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda k: execute(divided, shard=Shard(k, 3)), range(3)))
    pd.testing.assert_frame_equal(labels(divided.path), labels(alone.path))
    # each question once, and the journals of all are one
    assert sum(server.answered.values()) == 2 * PAIRS == len(divided.journal())
    assert max(server.answered.values()) == 1
    assert not (divided.path / "shards").exists()
    now = status(divided)
    assert (now.state, now.stages["done"].tolist()) == ("finished", [2 * PAIRS])


def test_shards_that_run_apart_in_time_tell_of_all_in_the_end(data, server, tmp_path):
    folder = made(server, data, tmp_path / "run")
    for k in range(3):
        execute(folder, shard=Shard(k, 3))
    now = status(folder)
    assert (now.state, now.stages["done"].tolist()) == ("finished", [2 * PAIRS])
    row = now.stages.iloc[0]
    assert row["kept"] + row["answered"] == row["requests"] == 2 * PAIRS


def test_what_is_kept_is_found_however_the_run_is_divided(data, server, tmp_path):
    folder = made(server, data, tmp_path / "run", max_calls=20)
    execute(folder)
    folder.prepare(folder.config.updated("test", max_calls=1000), folder.data)
    execute(folder, shard=Shard(0, 2))
    assert status(folder).state == "stopped"
    assert "still open" in status(folder).message
    in_turn(folder, 3)
    assert status(folder).state == "finished"
    assert sum(server.answered.values()) == 2 * PAIRS
    assert max(server.answered.values()) == 1


@pytest.mark.parametrize("limits", [{"max_calls": 40}, {"max_tokens": 12_000}])
def test_shards_keep_to_one_budget(data, server, tmp_path, limits):
    folder = made(server, data, tmp_path / "run", **limits)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda k: execute(folder, shard=Shard(k, 2)), range(2)))
    with folder.journal() as journal:
        (used,) = journal.used().values()
    assert used.calls == sum(server.answered.values()) < 2 * PAIRS
    if "max_calls" in limits:
        # nearly all of it is spent, too: none stands idle with one of them
        assert limits["max_calls"] - 4 <= used.calls <= limits["max_calls"]
    else:
        assert used.prompt_tokens + used.completion_tokens <= limits["max_tokens"]
    assert status(folder).state == "stopped"
    assert "budget" in status(folder).message


def command(folder: RunFolder, shard: int) -> subprocess.Popen[bytes]:
    words = ["resume", str(folder.path), "--shards", "2", "--shard", str(shard), "--quiet"]
    return subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", *words],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.slow
def test_a_killed_shard_is_taken_up_by_the_same_command(data, tmp_path):
    most = 50
    with serving(latency_s=0.1) as server:
        folder = made(server, data, tmp_path / "run", max_calls=most)
        both = [command(folder, k) for k in range(2)]
        mine = folder.path / "shards" / "0001-of-0002.sqlite"
        end = time.monotonic() + 60
        while not mine.is_file() or _kept(mine) < 6:
            assert time.monotonic() < end
            time.sleep(0.02)
        os.kill(both[1].pid, signal.SIGKILL)
        both[1].wait()
        again = command(folder, 1)
        for one in (both[0], again):
            said = one.communicate()[1].decode()
            assert one.returncode == 0, said
        kept = len(folder.journal())
        twice = [key for key, n in server.answered.items() if n > 1]
        # what was on the way at the kill was never heard: nobody can say that it was answered
        assert len(twice) <= AT_ONCE
        assert sum(server.answered.values()) <= most
        with folder.journal() as journal:
            (used,) = journal.used().values()
        assert sum(server.answered.values()) <= used.calls <= most
        assert kept >= most - 2 * AT_ONCE
        assert status(folder).state == "stopped"


def _kept(path: Path) -> int:
    import sqlite3

    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            return connection.execute("SELECT COUNT(*) FROM answers").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return 0


def test_joining_that_is_interrupted_counts_nothing_twice(data, server, tmp_path, monkeypatch):
    folder = made(server, data, tmp_path / "run", max_calls=20)
    with pytest.MonkeyPatch.context() as held:
        held.setattr("workbench.annotate.run._joined", lambda folder: None)
        in_turn(folder, 2)
    before = folder.journal().used()
    # as if it was killed after it had added them, and before it removed their files
    there = folder.path / "shards"
    shutil.copytree(there, tmp_path / "copy")
    folder.shards.join()
    shutil.copytree(tmp_path / "copy", there)
    folder.shards.join()
    assert Journal(folder.path / "journal.sqlite").used() == before == folder.journal().used()


def test_whoever_is_in_the_way_is_named(data, server, tmp_path):
    folder = made(server, data, tmp_path / "run")
    with folder.sharing(Shard(0, 2)):
        assert folder.running
        for other, said in (
            (Shard(0, 2), "under way in another process"), (Shard(0, 3), "divided otherwise"),
            (None, "Shards of the run are under way"),
        ):  # fmt: skip
            with pytest.raises(ConfigError, match=said):
                execute(folder, shard=other)
    assert not folder.running
    with folder.locked():
        folder.write_progress({"state": "running", "pid": 1})
        with pytest.raises(ConfigError, match="under way in another process"):
            execute(folder, shard=Shard(0, 2))
