"""Nothing that was kept is lost: not by a kill, another process, or a damaged file."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import JudgeError
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request
from workbench.llm.salvage import salvaged

texts = st.one_of(st.text(), st.sampled_from(["\ud800", "a\0b", "🙂", "'; DROP TABLE answers; --"]))
replies = st.builds(
    Reply,
    text=texts,
    value=st.one_of(texts, st.dictionaries(texts, st.integers(-9, 9))),
    usage=st.builds(Usage, st.integers(0, 99), st.integers(0, 99), st.integers(0, 3)),
    attempts=st.integers(1, 6),
)


@given(st.dictionaries(st.text("0123456789abcdef", min_size=1), replies, max_size=5))
def test_replies_come_back_as_they_went_in(tmp_path_factory, given_replies):
    path = tmp_path_factory.mktemp("journal") / "j.sqlite"
    with Journal(path) as journal:
        journal.put(given_replies)
    with Journal(path) as journal:
        assert journal.get([*given_replies, "unknown"]) == given_replies
        assert len(journal) == len(given_replies)


def test_the_first_answer_counts(tmp_path):
    with Journal(tmp_path / "j") as journal:
        journal.put({"k": Reply("A", "A")})
        journal.put({"k": Reply("B", "B")})
        assert journal.get(["k"])["k"].value == "A"


def test_a_failure_is_kept_and_is_no_answer(tmp_path):
    lost = Reply("no JSON here", None, reason="unreadable")
    with Journal(tmp_path / "j") as journal:
        journal.put({"k": lost})
        assert journal.get(["k"]) == {}
        assert journal.failed(["k", "other"]) == {"k": lost}
        assert list(journal.failures()) == [("k", lost)]


def test_tokens_are_summed_by_model(tmp_path):
    asked = {name: Request(name[0], ()) for name in ("m1", "m2", "n1")}
    kept = {name: Reply("", "", usage=Usage(10, 2, 1)) for name in ("m1", "n1")}
    lost = {"m2": Reply("", None, usage=Usage(5, 1, 2), reason="unreadable")}
    with Journal(tmp_path / "j") as journal:
        journal.put(kept | lost, asked)
        assert journal.used() == {"m": Usage(15, 3, 3), "n": Usage(10, 2, 1)}


WRITER = """
import sys
from pathlib import Path
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply
name, n = sys.argv[2], int(sys.argv[3])
with Journal(Path(sys.argv[1])) as journal:
    for k in range(n):
        journal.put({f"{name}{k}": Reply("x" * 500, k)})
        print(k, flush=True)
"""


def _writer(path, name, n):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(n)], stdout=subprocess.PIPE, text=True
    )


def test_several_processes_write_at_once(tmp_path):
    path = tmp_path / "j"
    writers = [_writer(path, name, 150) for name in "ab"]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    with Journal(path) as journal:
        assert len(journal) == 300


@pytest.mark.parametrize("wait_s", [0.0, 0.05, 0.2])
def test_a_kill_loses_nothing_that_was_kept(tmp_path, wait_s):
    path = tmp_path / "j"
    writer = _writer(path, "k", 100_000)
    writer.stdout.readline()
    time.sleep(wait_s)
    os.kill(writer.pid, signal.SIGKILL)
    said = writer.communicate(timeout=60)[0].split()
    with Journal(path) as journal:
        kept = journal.get([f"k{k}" for k in range(len(said) + 1)])
        assert not journal.notes
    # what it said was kept is kept; the next may be too
    assert len(kept) in (len(said), len(said) + 1, len(said) + 2)
    assert set(kept) >= {f"k{k}" for k in range(len(said))}


def _filled(path, n):
    with Journal(path) as journal:
        journal.put({f"k{k}": Reply("x" * 900, k) for k in range(n)})
    # all into the one file, as an orderly end of the last process does
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def test_a_damaged_file_is_set_aside_and_the_rest_is_taken_over(tmp_path):
    path = tmp_path / "j"
    _filled(path, 400)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 6000] = b"\xff" * 6000
    path.write_bytes(content)
    with Journal(path) as journal:
        kept = journal.get([f"k{k}" for k in range(400)])
        assert journal.notes
    assert 300 < len(kept) < 400
    assert all(reply.value == int(key[1:]) for key, reply in kept.items())
    aside = tmp_path / "j.damaged-1"
    assert aside.read_bytes() == bytes(content)
    assert str(len(kept)) in journal.notes[0]


def test_a_file_of_something_else_is_set_aside(tmp_path):
    path = tmp_path / "j"
    path.write_bytes(b"this is no database at all, and long enough to be read as one" * 50)
    with Journal(path) as journal:
        assert len(journal) == 0
        assert "set aside as j.damaged-1" in journal.notes[0]


def test_an_answer_that_was_changed_is_asked_again(tmp_path):
    path = tmp_path / "j"
    _filled(path, 2)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE answers SET reply = replace(reply, 'x', 'y') WHERE key = 'k1'")
    connection.commit()
    connection.close()
    with Journal(path) as journal:
        assert list(journal.get(["k0", "k1"])) == ["k0"]
        assert "k1 is damaged" in journal.notes[0]


def test_a_file_of_a_newer_version_is_left_alone(tmp_path):
    path = tmp_path / "j"
    _filled(path, 1)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(JudgeError, match="newer version"):
        Journal(path)
    assert not list(tmp_path.glob("*.damaged*"))


@pytest.mark.parametrize("page", [0, 1, 2])
@pytest.mark.parametrize("size", [900, 9000])
def test_a_broken_header_root_or_index_costs_only_the_rows_of_its_page(tmp_path, page, size):
    path = tmp_path / "j"
    lost = Reply("no JSON", None, usage=Usage(3, 2), reason="unreadable")
    with Journal(path) as journal:
        # longer ones reach over several pages
        journal.put({f"k{k}": Reply("x" * size, k) for k in range(200)} | {"lost": lost})
    content = bytearray(path.read_bytes())
    content[4096 * page : 4096 * (page + 1)] = bytes(range(256)) * 16
    path.write_bytes(content)
    with Journal(path) as journal:
        kept = journal.get([f"k{k}" for k in range(200)])
        assert "200 answers and 1 failures were taken over" in journal.notes[0]
        assert journal.failed(["lost"]) == {"lost": lost}
    assert {key: reply.value for key, reply in kept.items()} == {f"k{k}": k for k in range(200)}


def test_what_only_the_log_holds_is_salvaged_too(tmp_path):
    path = tmp_path / "j"
    with Journal(path) as journal:
        journal.put({f"k{k}": Reply("x" * 900, k) for k in range(50)})
        # a process that is killed leaves the log behind
        parts = {tail: path.with_name(f"j{tail}").read_bytes() for tail in ("", "-wal")}
    other = tmp_path / "other"
    (tmp_path / "other-wal").write_bytes(parts["-wal"])
    other.write_bytes(b"\x00" * 100 + parts[""][100:])
    answers, failures = salvaged(other)
    assert [row[0] for row in answers] == [f"k{k}" for k in range(50)]
    assert failures == []


def test_failed_calls_and_unbilled_ones_are_counted_on(tmp_path):
    asked = {name: Request("m", ({"role": "user", "content": "x" * 30},)) for name in "abc"}
    replies = {
        "a": Reply("A", "A", usage=Usage(10, 2, 1), attempts=3),
        "b": Reply("A" * 30, "A", usage=Usage(0, 0, 1)),
        "c": Reply("", None, usage=Usage(calls=0), attempts=6, reason="no reply after 6 attempts"),
    }
    with Journal(tmp_path / "j") as journal:
        journal.put(replies, asked)
        used = journal.used()["m"]
    assert used.calls == 3 + 1 + 6
    # the whole body of what was asked is a little longer than its text: a third of its bytes
    assert 10 + 30 / 3 < used.prompt_tokens < 10 + 60
    assert used.completion_tokens == 2 + 10
