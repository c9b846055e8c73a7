"""Where replies are kept: one SQLite file that several processes may share.

Answers are kept under the digest of their request and never change; failures are kept
beside them with all that was heard. A reply counts as kept when its transaction is in the
write-ahead log, which the death of the process cannot undo.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from workbench.errors import JudgeError, UnwrittenError
from workbench.llm.asking.bends import Form, bent, bent_key
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request
from workbench.llm.salvage import salvaged

_TABLES = """
CREATE TABLE IF NOT EXISTS answers (
  key TEXT NOT NULL UNIQUE, reply TEXT NOT NULL, sum INTEGER NOT NULL, asked TEXT
);
CREATE TABLE IF NOT EXISTS failures (
  key TEXT NOT NULL, reply TEXT NOT NULL, sum INTEGER NOT NULL, asked TEXT
);
CREATE INDEX IF NOT EXISTS failures_by_key ON failures (key);
"""
_BENDS = """
CREATE TABLE IF NOT EXISTS bends (
  name TEXT NOT NULL, model TEXT NOT NULL, form TEXT NOT NULL, UNIQUE (name, model, form)
)
"""
"""Forms in which the models of an endpoint answered, and of all answers that are here or expected
(without names); files of earlier versions have none."""

_KNOWN = "INSERT OR IGNORE INTO bends VALUES (?, ?, ?)"

_Row = tuple[str, str, int, str | None]
_VERSION = 1
_ASKED = 500
_BUSY_S = 60.0
_PROBE = 1 << 16
"""Bytes that are tried on a disk, to hear what it says."""


class Journal:
    """Replies by the key of their request.

    Parameters
    ----------
    path : str or Path
        Of the SQLite file; made where it does not exist. A damaged file is set aside as
        ``<name>.damaged-<k>``, and what can be read of it is taken over.

    Attributes
    ----------
    notes : list of str
        What a user should know: a damaged file, answers that could not be trusted.

    Raises
    ------
    JudgeError
        The file was written by a newer version.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "j.sqlite") as journal:
    ...     journal.put({"k1": Reply("A", "A")})
    ...     list(journal.get(["k1", "k2"]))
    ['k1']
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.notes: list[str] = []
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._open()
            self._place = self.path.stat().st_ino
        except (sqlite3.OperationalError, OSError) as error:
            raise self._unwritten(error) from error
        # the event loop of a run writes from a thread of its own
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def put(self, replies: Mapping[str, Reply], asked: Mapping[str, Request] | None = None) -> None:
        """Keep replies in one transaction; they are kept when this returns.

        An answer that is there already stays: the first one counts.

        Parameters
        ----------
        replies : mapping of str to Reply
            By key.
        asked : mapping of str to Request, optional
            By key: what was asked, kept beside the reply.

        Raises
        ------
        UnwrittenError
            The disk is full, or the file is gone or may not be written: none is kept.
        """
        answers: list[_Row] = []
        failures: list[_Row] = []
        for key, reply in replies.items():
            text = _json(reply.to_dict())
            body = None
            if asked and key in asked:
                body = _json(bent(asked[key].body(whole=False), reply.form)[0])
            total = zlib.crc32(text.encode())
            if reply.failed:
                # a failure belongs to the question, however it was put
                failures.append((key, text, total, body))
            else:
                answers.append((bent_key(key, reply.form), text, total, body))
        try:
            if self.path.stat().st_ino != self._place:
                raise OSError("another file stands in the place of this one")
            with self._lock, self._connection as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?)", answers)
                connection.executemany("INSERT INTO failures VALUES (?, ?, ?, ?)", failures)
                connection.executemany(_KNOWN, _forms_of(replies.values()))
        except (sqlite3.OperationalError, OSError) as error:
            raise self._unwritten(error) from error

    def sending(self, key: str, model: str, expected: Usage) -> None:
        """Hear that a call is going to be sent; here that is not written down."""

    def get(self, keys: Iterable[str]) -> dict[str, Reply]:
        """Return the answers that are kept, by key.

        An answer to the full request comes first; where there is none, one to a request in
        a form that has answers here.
        """
        wanted = list(dict.fromkeys(keys))
        found = self._found("answers", wanted)
        for form in self.forms():
            left = {bent_key(key, form): key for key in wanted if key not in found}
            found |= {left[own]: one for own, one in self._found("answers", left).items()}
        return found

    def failed(self, keys: Iterable[str]) -> dict[str, Reply]:
        """Return the last failure of each key that has one."""
        return self._found("failures", keys)

    def failures(self) -> Iterator[tuple[str, Reply]]:
        """Yield every failure that was ever recorded, oldest first."""
        with self._lock:
            query = "SELECT key, reply, sum FROM failures ORDER BY rowid"
            rows = self._connection.execute(query).fetchall()
        yield from self._read(rows)

    def used(self) -> dict[str, Usage]:
        """Return the tokens and the calls of all that is kept, by model; failed calls too."""
        # what a server did not bill is not free: it counts as it did when it was asked; its
        # length tells about how much it was where that is not kept
        query = """
            SELECT json_extract(asked, '$.model') AS model,
              SUM(CASE WHEN told THEN json_extract(reply, '$.usage[0]')
                  + COALESCE(json_extract(reply, '$.guessed[0]'), 0)
                ELSE calls * LENGTH(asked) / 3 END),
              SUM(CASE WHEN told THEN json_extract(reply, '$.usage[1]')
                  + COALESCE(json_extract(reply, '$.guessed[1]'), 0)
                ELSE calls * LENGTH(json_extract(reply, '$.text')) / 3 END),
              SUM(MAX(calls, json_extract(reply, '$.attempts')))
            FROM (
              SELECT *, json_extract(reply, '$.usage[2]') AS calls,
                json_extract(reply, '$.usage[0]') + json_extract(reply, '$.usage[1]') > 0
                  OR json_extract(reply, '$.guessed') IS NOT NULL AS told
              FROM (SELECT asked, reply FROM answers UNION ALL SELECT asked, reply FROM failures)
            )
            WHERE asked IS NOT NULL GROUP BY model
        """
        with self._lock:
            rows = self._connection.execute(query).fetchall()
        return {model: Usage(*counts) for model, *counts in rows}

    def learnt(self, name: str) -> dict[str, list[Form]]:
        """Return the forms in which the models of an endpoint answered, by model."""
        query = "SELECT model, form FROM bends WHERE name = ? ORDER BY rowid"
        with self._lock:
            rows = self._connection.execute(query, (name,)).fetchall()
        found: dict[str, list[Form]] = {}
        for model, form in rows:
            found.setdefault(model, []).append(tuple(json.loads(form)))
        return found

    def learn(self, name: str, model: str, form: Form) -> None:
        """Keep a form in which a model of an endpoint answered."""
        with self._lock, self._connection as connection:
            connection.execute(_KNOWN, (name, model, json.dumps(form)))

    def expect(self, forms: Iterable[Form]) -> None:
        """Keep forms of requests that are answered elsewhere, by which their replies are known."""
        rows = [("", "", json.dumps(form)) for form in forms]
        try:
            with self._lock, self._connection as connection:
                connection.executemany(_KNOWN, rows)
        except sqlite3.OperationalError as error:
            raise self._unwritten(error) from error

    def forms(self) -> list[Form]:
        """Return every form in which a request was answered, or is expected to be."""
        with self._lock:
            query = "SELECT form FROM bends GROUP BY form ORDER BY MIN(rowid)"
            rows = self._connection.execute(query).fetchall()
        return [tuple(json.loads(form)) for (form,) in rows]

    def __len__(self) -> int:
        """Return the number of answers."""
        with self._lock:
            return int(self._connection.execute("SELECT COUNT(*) FROM answers").fetchone()[0])

    def _found(self, table: str, keys: Iterable[str]) -> dict[str, Reply]:
        wanted = list(dict.fromkeys(keys))
        # of several failures the last one counts; an answer stands once
        order = "ORDER BY rowid" if table == "failures" else ""
        found: dict[str, Reply] = {}
        for start in range(0, len(wanted), _ASKED):
            part = wanted[start : start + _ASKED]
            marks = ",".join("?" * len(part))
            # a name of ours and question marks are all that is put in
            query = f"SELECT key, reply, sum FROM {table} WHERE key IN ({marks}) {order}"  # noqa: S608
            with self._lock:
                rows = self._connection.execute(query, part).fetchall()
            found.update(self._read(rows))
        return found

    def _read(self, rows: Iterable[tuple[str, str, int]]) -> Iterator[tuple[str, Reply]]:
        """Yield replies by key; one that is not what was written is told, and left out."""
        for key, text, total in rows:
            if zlib.crc32(text.encode()) == total:
                yield key, Reply.from_dict(json.loads(text))
            else:
                self.notes.append(f"the reply {key} is damaged: it counts as not asked yet")

    def _open(self) -> sqlite3.Connection:
        try:
            return _opened(self.path)
        except sqlite3.OperationalError:
            # a full disk or a folder to read only is no damage
            raise
        except sqlite3.DatabaseError as error:
            self._set_aside(error)
            return _opened(self.path)

    def _unwritten(self, error: Exception) -> UnwrittenError:
        """Return an error in the words of the operating system, where it has some."""
        said = getattr(error, "strerror", None) or str(error)
        probe = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with probe.open("wb") as file:
                file.write(bytes(_PROBE))
        except OSError as other:
            said = f"{other.strerror} ({said})" if other.strerror != said else said
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)
        return UnwrittenError(self.path, said)

    def _set_aside(self, error: Exception) -> None:
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        answers, failures = salvaged(self.path)
        for tail in ("", "-wal", "-shm"):
            part = self.path.with_name(self.path.name + tail)
            if part.exists():
                part.rename(aside.with_name(aside.name + tail))
        fresh = _opened(self.path)
        with fresh:
            fresh.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?)", answers)
            fresh.executemany("INSERT INTO failures VALUES (?, ?, ?, ?)", failures)
            # without their forms, answers to bent requests would not be found
            found = (Reply.from_dict(json.loads(row[1])) for row in answers)
            fresh.executemany(_KNOWN, _forms_of(found))
        fresh.close()
        self.notes.append(
            f"{self.path.name} is damaged ({error}): it was set aside as {aside.name}, and "
            f"{len(answers):,} answers and {len(failures):,} failures were taken over from it"
        )


def _forms_of(replies: Iterable[Reply]) -> list[tuple[str, str, str]]:
    """Return rows by which answers to bent requests are found again."""
    forms = {reply.form for reply in replies if reply.form and not reply.failed}
    return [("", "", json.dumps(form)) for form in sorted(forms)]


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False)
    try:
        write_ahead(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise JudgeError(
                "The journal was written by a newer version.",
                where=path.name,
                found=f"version {version}",
                expected=f"version {_VERSION} or older",
                fix="Update the workbench, or name another run folder.",
            )
        problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise sqlite3.DatabaseError(problem)
        if version == 0:
            connection.executescript(_TABLES + _BENDS)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.commit()
        else:
            connection.execute(_BENDS)
    except BaseException:
        connection.close()
        raise
    return connection


def write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; SQLite itself does not wait where others do so, too."""
    give_up = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(_BUSY_S / 1000)
        else:
            return


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
