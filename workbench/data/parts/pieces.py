"""A file's records piece by piece, so that it is never in memory as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from workbench.data.reading.arrow_files import PARQUET, parquet_batches, parquet_head
from workbench.data.reading.container import Container
from workbench.data.reading.containers import open_part
from workbench.data.reading.files import Reading, open_text, suffix_of
from workbench.data.reading.tables.dialects import Dialect
from workbench.data.reading.tables.number_marks import with_numbers
from workbench.errors import DataError

PIECE = 1 << 25
"""Bytes of text that are read at a time."""

_ROWS = 20_000
"""Records of a Parquet file that are read at a time."""

_LINES = (".jsonl", ".ndjson")
_TABLES = (".csv", ".tsv")

Columns = Callable[[Container], list[str] | None]


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
            like = container.dialect if like is None else container.dialect.joined(like)
        container = _of_records(container)
        yield _numbered(container, start)
        # lines of JSON are numbered as lines, rows of a table as records
        start += lines if by_lines else len(container.table) + len(container.bad)


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
        while block := stream.read(PIECE):
            rest += block
            end = rest.rfind(b"\n") + 1 if by_lines else _record_end(rest)
            if not end and len(rest) > 16 * PIECE:
                raise _endless(path, len(rest))
            if end and held:
                yield header + held, held.count(b"\n")
            if end:
                held, rest = rest[:end], rest[end:]
        # what is left may be a single record, which by itself would be taken for a document
        if held.strip() or rest.strip():
            yield header + held + rest, held.count(b"\n") + 1


def _record_end(text: bytes) -> int:
    """Return where the last row of a table ends for sure: after an even number of quotes."""
    end = len(text)
    inside = text.count(b'"') % 2
    while end:
        cut = text.rfind(b"\n", 0, end)
        if cut < 0:
            return 0
        inside = (inside + text.count(b'"', cut, end)) % 2
        if not inside:
            return cut + 1
        end = cut
    return 0


def _endless(path: Path, size: int) -> DataError:
    return DataError(
        "A record does not end.",
        where=path.name,
        found=f"more than {size:,} bytes without an end of a record",
        expected="a record a line, quotes closed",
        fix="Check the quotes and line ends, or read the file without --out.",
    )
