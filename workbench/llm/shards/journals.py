"""The journals of a run that several processes share: each writes its own, and reads all."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.llm.asking.bends import Form
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request

_OF_SHARDS = """
CREATE TABLE IF NOT EXISTS sent (
  key TEXT NOT NULL, model TEXT NOT NULL, prompt INTEGER NOT NULL, completion INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS origin (id TEXT NOT NULL);
"""
"""Calls on the way, with the tokens that they are taken for, and a name that no other journal
ever has."""

_TAKE = (
    "INSERT OR IGNORE INTO main.answers SELECT * FROM other.answers ORDER BY rowid",
    "INSERT INTO main.failures SELECT * FROM other.failures ORDER BY rowid",
    "INSERT OR IGNORE INTO main.bends SELECT * FROM other.bends ORDER BY rowid",
)

_WAIT_S = 60.0


class _OnlyRead(Journal):
    """A journal that another process may write: it is neither checked as a whole nor changed."""

    def __init__(self, path: Path) -> None:
        self.path, self.notes = path, []
        address = f"{path.resolve().as_uri()}?mode=ro"
        self._connection = sqlite3.connect(
            address, uri=True, timeout=_WAIT_S, check_same_thread=False
        )
        self._lock = threading.Lock()


class JoinedJournal(Journal):
    """A journal that finds what others have kept, too.

    Parameters
    ----------
    path : Path
        What is written goes there.
    others : callable
        Returns the paths of the other journals that there are by now.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     here, there = Path(folder) / "here", Path(folder) / "there"
    ...     with Journal(there) as one, JoinedJournal(here, lambda: [there]) as two:
    ...         one.put({"k": Reply("A", "A")})
    ...         list(two.get(["k"])), len(two)
    (['k'], 1)
    """

    def __init__(self, path: Path, others: Callable[[], Iterable[Path]]) -> None:
        super().__init__(path)
        self._paths, self._opened = others, dict[Path, Journal]()

    def close(self) -> None:
        """Close all files."""
        for one in self._opened.values():
            one.close()
        super().close()

    def get(self, keys: Iterable[str]) -> dict[str, Reply]:
        """Return the answers that are kept anywhere, by key."""
        wanted = list(dict.fromkeys(keys))
        found = super().get(wanted)
        for other in self._others():
            found |= other.get([key for key in wanted if key not in found])
        return found

    def failed(self, keys: Iterable[str]) -> dict[str, Reply]:
        """Return the last failure of each key that has one; its own before those of others."""
        wanted = list(dict.fromkeys(keys))
        found = super().failed(wanted)
        for other in self._others():
            found |= other.failed([key for key in wanted if key not in found])
        return found

    def learnt(self, name: str) -> dict[str, list[Form]]:
        """Return the forms in which the models of an endpoint answered anyone, by model."""
        found = super().learnt(name)
        for other in self._others():
            for model, forms in other.learnt(name).items():
                known = found.setdefault(model, [])
                known += [form for form in forms if form not in known]
        return found

    def used(self) -> dict[str, Usage]:
        """Return the tokens and the calls of all that is kept anywhere, by model."""
        return added(super().used(), *(one.used() for one in self._others()))

    def __len__(self) -> int:
        """Return the number of answers."""
        return super().__len__() + sum(map(len, self._others()))

    def _others(self) -> list[Journal]:
        for path in self._paths():
            if path not in self._opened and path.is_file():
                self._opened[path] = _OnlyRead(path)
        return list(self._opened.values())


class ShardJournal(JoinedJournal):
    """The journal of one of several processes: it knows of its calls on the way, too.

    A process that is killed has sent calls whose replies nobody heard. Each is written down
    before it is sent, so that the next one books it at what it was expected to take.
    """

    def __init__(self, path: Path, others: Callable[[], Iterable[Path]]) -> None:
        super().__init__(path, others)
        self._connection.executescript(_OF_SHARDS)
        self._begin()

    def sending(self, key: str, model: str, expected: Usage) -> None:
        """Write down that a call is going to be sent."""
        row = (key, model, expected.prompt_tokens, expected.completion_tokens)
        self._write("INSERT INTO sent VALUES (?, ?, ?, ?)", [row])

    def put(self, replies: Mapping[str, Reply], asked: Mapping[str, Request] | None = None) -> None:
        """Keep replies; their calls are on the way no more."""
        super().put(replies, asked)
        # killed in between, they would count twice, which no limit minds
        self._write("DELETE FROM sent WHERE key = ?", [(key,) for key in replies])

    def own(self) -> dict[str, Usage]:
        """Return what the calls of this journal used, by model."""
        return Journal.used(self)

    def _write(self, query: str, rows: Sequence[tuple[Any, ...]]) -> None:
        try:
            with self._lock, self._connection as connection:
                connection.executemany(query, rows)
        except sqlite3.OperationalError as error:
            raise self._unwritten(error) from error

    def _begin(self) -> None:
        """Make failures of the calls that were on the way when their process was killed."""
        query = "SELECT key, model, COUNT(*), SUM(prompt), SUM(completion) FROM sent GROUP BY key"
        with self._lock, self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("SELECT 1 FROM origin").fetchone() is None:
                connection.execute("INSERT INTO origin VALUES (?)", (secrets.token_hex(16),))
            rows = [_lost(*row) for row in connection.execute(query).fetchall()]
            connection.executemany("INSERT INTO failures VALUES (?, ?, ?, ?)", rows)
            connection.execute("DELETE FROM sent")


def take_over(journal: Journal, path: Path) -> None:
    """Add all that the journal of a shard holds to this one: once, though it is interrupted.

    Parameters
    ----------
    journal : Journal
    path : Path
        Of the shard's journal, which nobody writes any more. It is removed.
    """
    # what can be read of a damaged one is taken, and its calls on the way are booked
    with ShardJournal(path, lambda: ()) as other:
        journal.notes += other.notes
    connection = journal._connection
    connection.execute("CREATE TABLE IF NOT EXISTS taken (id TEXT NOT NULL UNIQUE)")
    connection.execute("ATTACH ? AS other", (str(path),))
    try:
        with journal._lock, connection:
            connection.execute("BEGIN IMMEDIATE")
            (origin,) = connection.execute("SELECT id FROM other.origin").fetchone()
            known = connection.execute("SELECT 1 FROM taken WHERE id = ?", (origin,)).fetchone()
            if known is None:
                for query in _TAKE:
                    connection.execute(query)
                connection.execute("INSERT INTO taken VALUES (?)", (origin,))
    finally:
        connection.execute("DETACH other")
    # the file itself last: a log without it could be taken for that of another
    for tail in ("-wal", "-shm", ""):
        path.with_name(path.name + tail).unlink(missing_ok=True)


def added(*all_used: Mapping[str, Usage]) -> dict[str, Usage]:
    """Return the use of several journals together, by model.

    Examples
    --------
    >>> added({"m": Usage(1, 1)}, {"m": Usage(2, 0)})
    {'m': Usage(prompt_tokens=3, completion_tokens=1, calls=2)}
    """
    total: dict[str, Usage] = {}
    for used in all_used:
        for model, one in used.items():
            total[model] = total.get(model, Usage(calls=0)) + one
    return total


def _lost(key: str, model: str, calls: int, *guessed: int) -> tuple[str, str, int, str]:
    reason = f"no reply after {calls} attempts: a kill ended them"
    tokens = (guessed[0], guessed[1])
    one = Reply("", None, usage=Usage(calls=0), attempts=calls, reason=reason, guessed=tokens)
    text = json.dumps(one.to_dict(), sort_keys=True)
    return key, text, zlib.crc32(text.encode()), json.dumps({"model": model})
