"""Every odd thing that a server may do, and three kills between: all is answered or counted."""

from __future__ import annotations

import time

import pytest

import workbench as wb
from bench.endurance import Course, counted, unlike
from bench.kills import digests
from tests.annotate.test_faults import start
from tests.every_fault import KINDS, FaultyServer
from tests.odd_server import running
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.folder import RunFolder
from workbench.annotate.run import execute, prepare
from workbench.llm import client

PAIRS, AT_ONCE, KILLS = 60, 8, 3


@pytest.fixture(scope="module")
def server():
    faulty = FaultyServer(0.8, latency_s=0.02)
    with running(faulty):
        yield faulty


def prepared(server: FaultyServer, path) -> RunFolder:
    config = AnnotateConfig(model="m", base_url=server.url, concurrency=AT_ONCE, attempts=3,
                            timeout_s=1.5, pairs=PAIRS, max_failed=1.0)  # fmt: skip
    return prepare(config, wb.load("sample"), path)


def test_each_request_has_the_answer_or_the_failure_that_is_due(server, tmp_path, monkeypatch):
    monkeypatch.setattr(client, "_FIRST_WAIT_S", 0.01)
    alone = prepared(server, tmp_path / "alone")
    execute(alone)
    assert len({server.kind(body) for body in server.bodies}) > 0.7 * len(KINDS)
    assert unlike(Course(alone), server) == []
    # every call is counted, and none is paid for twice
    assert counted(Course(alone)) == server.calls > 2 * PAIRS
    assert max(server.paid.values()) == 1
    n = len(server.seen)

    server.forget()
    killed = prepared(server, tmp_path / "killed")
    for kill in range(1, KILLS + 1):
        process = start(killed.path)
        end = time.monotonic() + 60
        while len(server.seen) < kill * n // (KILLS + 1) and time.monotonic() < end:
            time.sleep(0.005)
        assert process.poll() is None, "it ended before it was killed"
        process.kill()
        process.wait()
    execute(killed)
    assert unlike(Course(killed), server) == []
    assert digests(killed.results) == digests(alone.results)
    assert sum(server.paid.values()) - len(server.paid) <= KILLS * AT_ONCE
    assert counted(Course(killed)) <= server.calls
