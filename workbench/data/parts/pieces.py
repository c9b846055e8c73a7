"""A file's records piece by piece, so that it is never in memory as a whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from workbench.data.reading.arrow_files import PARQUET, parquet_batches, parquet_head
from workbench.data.reading.container import Container
from workbench.data.reading.containers import open_part
from workbench.data.reading.files import Reading, open_text, suffix_of
from workbench.data.reading.tables.dialects import Dialect, header_of
from workbench.data.reading.tables.number_marks import with_numbers
from workbench.errors import DataError

PIECE = 1 << 24
"""Bytes of text that are read at a time."""

_ROWS = 20_000
"""Records of a Parquet file that are read at a time."""

_LINES = (".jsonl", ".ndjson")
_TABLES = (".csv", ".tsv")

Columns = Callable[[Container], list[str] | None]


class NotStreamed(Exception):  # noqa: N818 - a way out, and no error of anybody
    """These files must be read as a whole, for the reason that it says."""


def can_stream(path: Path) -> str | None:
    """Return why a file cannot be read piece by piece, None where it can."""
    if parquet_head(path) is not None or suffix_of(path.name) in (*_LINES, *_TABLES):
        return None
    return f"{path.name} is neither JSON lines, CSV, TSV nor Parquet"


def pieces(path: Path, folder: Path, columns: Columns) -> Iterator[Container]:
    """Yield a file's records, each piece with their numbers in the file.

    Parameters
    ----------
    path : Path
        JSON lines, CSV, TSV (also compressed) or Parquet.
    folder : Path
        Where a piece of text may lie while it is read.
    columns : callable
        From the head of a Parquet file to the columns to read, None for all.

    Raises
    ------
    NotStreamed
        A piece of the file does not tell how it is written.
    DataError
        A line longer than any piece may be, or what reading the whole file would refuse.
    """
    with path.open("rb") as raw:
        is_parquet = raw.read(4) == PARQUET
    if is_parquet:
        head = parquet_head(path)
        wanted = None if head is None else columns(head)
        start = 0
        for container in parquet_batches(path, wanted, _ROWS):
            yield _numbered(container, start)
            start += len(container.table)
        return
    by_lines = suffix_of(path.name) in _LINES
    start, like = 0, None
    for text, lines in _texts(path, by_lines):
        part = folder / path.name
        part.write_bytes(text)
        container = with_numbers([open_part(part, like=like)])[0]
        part.unlink()
        if isinstance(container.dialect, Dialect):
            like = _alike(container.dialect, like)
        container = _of_records(container)
        yield _numbered(container, start)
        # lines of JSON are numbered as lines, rows of a table as records
        start += lines if by_lines else len(container.table) + len(container.bad)


def _alike(found: Dialect, like: Dialect | None) -> Dialect:
    """Return how the pieces so far are written; one that is written otherwise changes them all."""
    if like is None:
        return found
    if (found.escapes, found.quotes) != (like.escapes, like.quotes):
        raise NotStreamed("what quotes and backslashes are is told by later pieces alone")
    return found.joined(like)


def _of_records(container: Container) -> Container:
    """Return a piece of one record as what it is: a table, and no document."""
    return replace(container, document=None, inner=None)


def _numbered(container: Container, start: int) -> Container:
    own = np.arange(1, len(container.table) + 1) if container.rows is None else container.rows
    return replace(
        container,
        rows=np.asarray(own, dtype=np.int64) + start,
        bad=[row._replace(row=row.row + start) for row in container.bad],
    )


def _texts(path: Path, by_lines: bool) -> Iterator[tuple[bytes, int]]:
    """Yield whole records as text, and how many lines they are; a table's with its header."""
    with Reading(path), open_text(path) as stream:
        header = b"" if by_lines else stream.readline()
        held = rest = b""
        ends: re.Pattern[bytes] | None = None
        while block := stream.read(PIECE):
            if not held and not rest:
                _refuse_other(path, header, block, by_lines)
                ends = None if by_lines else _quoted(path, header + block)
            rest += block
            end = rest.rfind(b"\n") + 1 if ends is None else _record_end(rest, ends)
            if not end and len(rest) > 16 * PIECE:
                raise _endless(path, len(rest))
            if end and held:
                yield header + held, held.count(b"\n")
            if end:
                held, rest = rest[:end], rest[end:]
        # what is left may be a single record, which by itself would be taken for a document
        if held.strip() or rest.strip():
            yield header + held + rest, held.count(b"\n") + 1


def _refuse_other(path: Path, header: bytes, block: bytes, by_lines: bool) -> None:
    """Refuse what is not lines of JSON, or no table below one line of names."""
    start = (header + block[:1000]).lstrip()
    if by_lines:
        if not start.startswith(b"{"):
            raise NotStreamed(f"{path.name} holds no lines of JSON")
        line = block.lstrip().split(b"\n", 1)[0]
        if not line.rstrip().endswith(b"}"):
            raise NotStreamed(f"{path.name} does not hold a record a line")
        return
    names = header.strip()
    plain = names and not names.lower().startswith(b"sep=") and names.count(b'"') % 2 == 0
    if not plain or b"\r" in names or start[:1] in (b"[", b"{") or start[:2] == b"PK":
        raise NotStreamed(f"{path.name} does not begin with one line of names")


def _quoted(path: Path, start: bytes) -> re.Pattern[bytes]:
    """Return the pattern of a quoted field: a quote inside a field that has none is a letter."""
    try:
        delimiter = header_of(path, start)[1].delimiter
    except DataError as error:
        raise NotStreamed(f"{path.name} does not begin with one line of names") from error
    end = re.escape(delimiter.encode()) + rb"\r\n"
    return re.compile(rb"(?<![^" + end + rb'])"[^"]*+(?:""[^"]*+)*+("?)')


_BACKSLASH = re.compile(rb'\\"[^",;|\t\r\n]')
"""A quote that a backslash may keep from ending its field."""


def _record_end(text: bytes, quoted: re.Pattern[bytes]) -> int:
    """Return where the last row of a table ends for sure: outside of all quoted fields."""
    if _BACKSLASH.search(text):
        raise NotStreamed("quotes stand behind backslashes")
    end = at = 0
    for field in quoted.finditer(text):
        end = max(end, text.rfind(b"\n", at, field.start()) + 1)
        at = field.end()
        if not field[1]:
            # it goes on in the next block
            return end
    return max(end, text.rfind(b"\n", at) + 1)


def _endless(path: Path, size: int) -> DataError:
    return DataError(
        "A record does not end.",
        where=path.name,
        found=f"more than {size:,} bytes without an end of a record",
        expected="a record a line, quotes closed",
        fix="Check the quotes and line ends, or read the file without --out.",
    )
