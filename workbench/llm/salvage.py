"""What can still be read of a damaged journal, page by page.

No header, table of contents or inner page is needed: each page that holds rows is read by
itself, as the file format of SQLite (https://www.sqlite.org/fileformat2.html, sections 1.6
and 2.1) lays them out, and a row counts only if its checksum does.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PAGE = 4096
"""The size that SQLite gives a new file; the journal sets no other."""

_LEAF = 13
_MOST_LOCAL = _PAGE - 35
_LEAST_LOCAL = (_PAGE - 12) * 32 // 255 - 23
_INTEGERS = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}
_COLUMNS = 4
_WAL_HEAD, _FRAME_HEAD = 32, 24

Row = tuple[str, str, int, str | None]


class UnreadableRowError(Exception):
    """Bytes that are no row of a journal."""


def salvaged(path: Path) -> tuple[list[Row], list[Row]]:
    """Return the answers and the failures that are still what was written.

    Parameters
    ----------
    path : Path
        Of the damaged file; its write-ahead log is read too.

    Examples
    --------
    >>> salvaged(Path("nowhere"))
    ([], [])
    """
    pages = _pages(path.with_name(path.name + "-wal"), wal=True)
    older = _pages(path, wal=False)
    known: dict[tuple[str, int], tuple[int, Row]] = {}
    for first, then in ((pages, older), (older, pages)):
        for number in sorted(first):
            for place, row in _rows(first[number], first, then):
                known.setdefault((row[0], row[2]), (place, row))
    answers: dict[str, Row] = {}
    failures: list[Row] = []
    for _, row in sorted(known.values(), key=lambda one: one[0]):
        if json.loads(row[1]).get("reason") is None:
            answers.setdefault(row[0], row)
        else:
            failures.append(row)
    return list(answers.values()), failures


def _pages(path: Path, *, wal: bool) -> dict[int, memoryview]:
    """Return the pages of a file by their number; of a log, the last of each."""
    content = memoryview(path.read_bytes() if path.is_file() else b"")
    if not wal:
        starts = range(0, len(content) - _PAGE + 1, _PAGE)
        return {k: content[at : at + _PAGE] for k, at in enumerate(starts, start=1)}
    found: dict[int, memoryview] = {}
    for at in range(_WAL_HEAD, len(content) - _FRAME_HEAD - _PAGE + 1, _FRAME_HEAD + _PAGE):
        # frames of an earlier round of the log have another salt
        if content[at + 8 : at + 16] == content[16:24]:
            number = int.from_bytes(content[at : at + 4])
            found[number] = content[at + _FRAME_HEAD : at + _FRAME_HEAD + _PAGE]
    return found


def _rows(
    page: memoryview, first: dict[int, memoryview], then: dict[int, memoryview]
) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a page, each with its number."""
    if page[0] != _LEAF:
        return
    for k in range(min(int.from_bytes(page[3:5]), _PAGE // 4)):
        at = int.from_bytes(page[8 + 2 * k : 10 + 2 * k])
        try:
            yield _row(page, at, first, then)
        except (UnreadableRowError, IndexError, ValueError, KeyError):
            continue


def _row(
    page: memoryview, at: int, first: dict[int, memoryview], then: dict[int, memoryview]
) -> tuple[int, Row]:
    size, at = _number(page, at)
    place, at = _number(page, at)
    local = size
    if size > _MOST_LOCAL:
        local = _LEAST_LOCAL + (size - _LEAST_LOCAL) % (_PAGE - 4)
        local = local if local <= _MOST_LOCAL else _LEAST_LOCAL
    parts = [bytes(page[at : at + local])]
    more = int.from_bytes(page[at + local : at + local + 4]) if size > local else 0
    left = size - local
    while left > 0:
        follower = first[more] if more in first else then[more]
        parts.append(bytes(follower[4 : 4 + left]))
        left, more = left - len(parts[-1]), int.from_bytes(follower[:4])
    return place, _checked(_values(memoryview(b"".join(parts))))


def _values(payload: memoryview) -> list[Any]:
    """Return the columns of a row."""
    head, at = _number(payload, 0)
    body = head
    values: list[Any] = []
    while at < head:
        kind, at = _number(payload, at)
        if kind >= 12:
            size = (kind - 12) // 2
            values.append(bytes(payload[body : body + size]).decode("utf-8"))
        else:
            size = _INTEGERS[kind]
            number = int.from_bytes(payload[body : body + size], signed=True)
            values.append(None if kind == 0 else kind - 8 if kind >= 8 else number)
        body += size
    return values


def _checked(values: list[Any]) -> Row:
    if len(values) == _COLUMNS:
        key, reply, total, asked = values
        texts = isinstance(key, str) and isinstance(reply, str)
        if texts and zlib.crc32(reply.encode()) == total and (asked is None or type(asked) is str):
            return key, reply, total, asked
    raise UnreadableRowError


def _number(content: memoryview, at: int) -> tuple[int, int]:
    """Return a number of one to nine bytes, and where it ends."""
    value = 0
    for k in range(8):
        byte = content[at + k]
        value = value << 7 | byte & 127
        if byte < 128:
            return value, at + k + 1
    return value << 8 | content[at + 8], at + 9
