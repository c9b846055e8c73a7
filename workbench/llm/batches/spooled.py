"""Requests that wait on the disk: a run may have more of them than memory holds."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

from workbench.llm.request import Picture, Request, Sampling

_TABLE = "CREATE TABLE requests (key TEXT NOT NULL UNIQUE, request BLOB NOT NULL)"
_QUICK = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -16000")
_LEVEL = 1


class SpooledRequests(Mapping[str, Request]):
    """Requests by key, in a file without a name that is gone when it is closed.

    What they are about is not kept: no reply hangs on it.

    Examples
    --------
    >>> hello = Request("m", ({"role": "user", "content": "Hi"},))
    >>> with SpooledRequests() as waiting:
    ...     waiting.update({"k": hello})
    ...     waiting["k"] == hello, len(waiting), "other" in waiting
    (True, 1, False)
    """

    def __init__(self) -> None:
        self._connection = scratch(_TABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def update(self, asked: Mapping[str, Request]) -> None:
        """Add requests; one that is there stays."""
        rows = [(key, zlib.compress(_text(one), _LEVEL)) for key, one in asked.items()]
        self._connection.executemany("INSERT OR IGNORE INTO requests VALUES (?, ?)", rows)

    def __getitem__(self, key: str) -> Request:
        query = "SELECT request FROM requests WHERE key = ?"
        row = self._connection.execute(query, (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        record = json.loads(zlib.decompress(row[0]))
        record["sampling"] = Sampling(**record["sampling"])
        record["messages"] = tuple(record["messages"])
        inputs = record["inputs"]
        record["inputs"] = None if inputs is None else tuple(inputs)
        record["pictures"] = tuple(Picture(**one) for one in record["pictures"])
        return Request(**record)

    def __contains__(self, key: object) -> bool:
        query = "SELECT 1 FROM requests WHERE key = ?"
        return self._connection.execute(query, (key,)).fetchone() is not None

    def __iter__(self) -> Iterator[str]:
        for (key,) in self._connection.execute("SELECT key FROM requests ORDER BY rowid"):
            yield key

    def __len__(self) -> int:
        return int(self._connection.execute("SELECT COUNT(*) FROM requests").fetchone()[0])


def scratch(table: str) -> sqlite3.Connection:
    """Return a database in a temporary file that has one table, and ends with its connection.

    Parameters
    ----------
    table : str
        The statement that makes it.
    """
    connection = sqlite3.connect("", isolation_level=None)
    # one transaction to its end: nobody else reads it, and nothing of it is to last
    for statement in (*_QUICK, table, "BEGIN"):
        connection.execute(statement)
    return connection


def _text(request: Request) -> bytes:
    record = {
        "model": request.model,
        "messages": [dict(one) for one in request.messages],
        "sampling": vars(request.sampling),
        "schema": None if request.schema is None else dict(request.schema),
        "replicate": request.replicate,
        "partial": request.partial,
        "inputs": request.inputs,
        "pictures": [vars(one) for one in request.pictures],
    }
    return json.dumps(record).encode("ascii")
