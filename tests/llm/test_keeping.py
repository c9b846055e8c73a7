"""A disk that is full, gone or read-only ends the asking, and nothing paid is lost silently."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass

import pytest

from tests.llm_server import serving
from workbench.errors import UnwrittenError
from workbench.llm.asker import Asker
from workbench.llm.client import Endpoint
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request

AT_ONCE = 4


def request(k: int) -> Request:
    return Request("m", ({"role": "user", "content": f"question {k}"},))


class Full:
    """A connection that says what SQLite says on a full disk, until there is room."""

    def __init__(self, real: sqlite3.Connection, after: int) -> None:
        self._real, self.left, self.room = real, after, False

    def __enter__(self):
        self.left -= 1
        if self.left < 0 and not self.room:
            raise sqlite3.OperationalError("database or disk is full")
        return self._real.__enter__()

    def __exit__(self, *how):
        return self._real.__exit__(*how)

    def __getattr__(self, name):
        return getattr(self._real, name)


@dataclass
class Slow:
    """A model that answers after a moment, and counts what it is asked."""

    base_url: str = "fake:slow"
    sent: int = 0

    async def ask(self, one: Request) -> Reply:
        self.sent += 1
        await asyncio.sleep(0.001)
        return Reply("x", "x", usage=Usage(9, 1))


def ask(model, journal: Journal, requests: list[Request]) -> None:
    with Asker(model, journal) as asker:
        asker.ask(requests, "s")


def test_asking_ends_at_the_first_write_that_fails(tmp_path):
    model = Slow()
    with Journal(tmp_path / "j") as journal:
        journal._connection = Full(journal._connection, 5)
        with pytest.raises(UnwrittenError) as told:
            ask(model, journal, [request(k) for k in range(100)])
    # one at a time: the sixth write fails, and its call was the last
    assert model.sent == 6
    assert str(tmp_path / "j") in str(told.value)
    assert "disk is full" in str(told.value)
    assert "paid for and are lost: 1" in str(told.value)


def test_what_is_in_memory_is_written_when_there_is_room_again(tmp_path):
    model = Slow()
    with Journal(tmp_path / "j") as journal:
        full = journal._connection = Full(journal._connection, 5)
        with Asker(model, journal) as asker:
            with pytest.raises(UnwrittenError) as told:
                asker.ask([request(k) for k in range(100)], "s")
            full.room = True
        assert "lost" not in str(told.value)
        assert len(journal) == model.sent == 6


def test_a_client_sends_no_further_attempt_either(tmp_path):
    with serving(latency_s=0.05, faults={"500": 0.3}) as server, Journal(tmp_path / "j") as journal:
        journal._connection = Full(journal._connection, 2)
        at_failure = []

        def tell(progress):
            if progress.stopped and not at_failure:
                at_failure.append(progress.attempts)

        asking = Asker(Endpoint(server.url, concurrency=AT_ONCE), journal, tell=tell)
        with pytest.raises(UnwrittenError), asking as asker:
            asker.ask([request(k) for k in range(60)], "s")
        assert sum(server.seen.values()) <= 5 * AT_ONCE
        assert sum(server.seen.values()) == at_failure[0]


def test_a_folder_that_vanished_is_noticed(tmp_path):
    place = tmp_path / "run"
    with Journal(place / "j") as journal:
        journal.put({"k": Reply("A", "A")})
        shutil.rmtree(place)
        with pytest.raises(UnwrittenError, match="No such file"):
            journal.put({"l": Reply("A", "A")})


def test_a_place_where_nothing_can_be_written_is_no_damage(tmp_path):
    with Journal(tmp_path / "j") as journal:
        journal.put({"k": Reply("A", "A")})
    (tmp_path / "j").rename(tmp_path / "kept")
    (tmp_path / "j").mkdir()
    with pytest.raises(UnwrittenError):
        Journal(tmp_path / "j")
    assert not list(tmp_path.glob("*.damaged*"))


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True
    )
    if not done or done.returncode:
        pytest.skip("mounting a small disk is not allowed here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_ends_the_asking_and_goes_on_with_room(small_disk):
    model = Slow()
    requests = [
        Request("m", ({"role": "user", "content": f"{k} " + "x" * 4000},)) for k in range(90)
    ]
    (small_disk / "other").write_bytes(b"x" * 60_000)
    with Journal(small_disk / "j") as journal:
        with pytest.raises(UnwrittenError, match="No space left on device") as told:
            ask(model, journal, requests)
        assert "paid for and are lost: 1" in str(told.value)
        kept, sent = len(journal), model.sent
        # the one call on the way when the write failed, and none after it
        assert sent == kept + 1 < 90
        (small_disk / "other").unlink()
        with pytest.raises(UnwrittenError):
            ask(model, journal, requests)
        assert len(journal) > kept
        # what is kept is read, and not asked again
        assert model.sent - sent == len(journal) - kept + 1


def test_a_disk_to_read_only_says_so(small_disk):
    with Journal(small_disk / "j") as journal:
        journal.put({"k": Reply("A", "A")})
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(UnwrittenError, match="Read-only file system"):
        Journal(small_disk / "j")
