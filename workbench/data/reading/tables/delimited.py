"""CSV and TSV files as tables of text."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from workbench.data.formats.records import excerpt
from workbench.data.reading.bounds.limits import exceeded, limits
from workbench.data.reading.bounds.streams import Watched
from workbench.data.reading.container import BadRow, Container
from workbench.data.reading.files import (
    BLOCK,
    DAMAGED,
    Reading,
    mixed_encodings,
    open_bytes,
    open_text,
)
from workbench.data.reading.tables.backslashes import as_plain
from workbench.data.reading.tables.dialects import (
    Dialect,
    Evidence,
    header_of,
    quoted_columns,
    quotes_na,
)
from workbench.data.reading.tables.header_lines import without_header_lines
from workbench.data.reading.tables.mechanical_turk import of_assignments
from workbench.errors import DataError

_WINDOW = 1 << 20

_SEPARATOR = re.compile(rb'"?sep=.{1,2}"?\r?\n')
"""A line that tells Excel the delimiter."""


def read_delimited(path: Path, start: bytes, like: Dialect | None = None) -> Container:
    """Read a table of text fields.

    Parameters
    ----------
    path : Path
    start : bytes
        The beginning of the file, without a byte-order mark.
    like : Dialect, optional
        How another file of the same set is written, which this one may not show.

    Returns
    -------
    Container
        Every field as text, an empty one missing; ``bad`` holds the rows with too few or
        too many fields.

    Raises
    ------
    DataError
        Mixed encodings, a column name twice, or a table that is not closed properly.
    """
    told = _SEPARATOR.match(start)
    start = start[told.end() :] if told else start
    names, dialect = header_of(path, start)
    if like is not None and like.delimiter == dialect.delimiter:
        dialect = dialect.joined(like)
    seen = Evidence(dialect.delimiter)
    source = _Text(path, told is not None)
    try:
        table, bad = _parsed(source, names, dialect, seen)
    except DataError:
        # quotes that are part of the fields may look like one that is not closed
        shown = seen.dialect(source.content, dialect, len(names))
        if not seen.escaped_quote and shown == dialect:
            raise
        table, bad = None, []
    found = seen.dialect(source.content, dialect, len(names))
    if table is not None and _holds_na(table) and quotes_na(source.content(), found.delimiter):
        found = found.with_null("NA")
    if found != dialect:
        table, bad = _parsed(source, names, found)
    elif table is None or (bad and seen.escaped_quote and found.escapes == "none"):
        # what a backslash does shows in neither fields nor quotes: see which reading holds
        found, table, bad = _better(source, names, found, table, bad)
    container = _container(path, table, bad)
    container.dialect = found
    container.notes += found.notes(any(column.null_count for column in table.columns))
    quoted = quoted_columns(start, found.delimiter, len(names))
    container.quoted = {name for name, is_quoted in zip(names, quoted, strict=True) if is_quoted}
    return of_assignments(without_header_lines(container))


class _Text:
    """The text of a file, as a stream or as bytes."""

    def __init__(self, path: Path, skip_line: bool) -> None:
        self.path = path
        self.skip_line = skip_line

    def open(self) -> IO[bytes]:
        stream = open_text(self.path)
        if self.skip_line:
            stream.readline()
        return stream

    def content(self) -> bytes:
        with Reading(self.path), self.open() as stream:
            return stream.read()


_Table = tuple[pa.Table, list[BadRow]]


def _parsed(
    source: _Text, names: list[str], dialect: Dialect, seen: Evidence | None = None
) -> _Table:
    """Return the rows with the header's number of fields, and the others."""
    path = source.path
    plain = as_plain(source.content(), dialect) if dialect.escapes != "none" else None
    block = BLOCK
    while True:
        bad: list[BadRow] = []
        try:
            stream = source.open() if plain is None else io.BytesIO(plain)
            with stream if seen is None else Watched(stream, seen.add) as watched:
                table = _by_arrow(watched, names, dialect, block, bad)
            break
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error):
                raise _unreadable(path, dialect, error) from error
            block = _larger(block, source, dialect)
        except DAMAGED as error:
            with Reading(path):
                raise error
    if dialect.quotes:
        _check_closed(path, table)
    return table, bad


def _unreadable(path: Path, dialect: Dialect, error: pa.ArrowInvalid) -> DataError:
    return DataError(
        "The table cannot be read.",
        where=path.name,
        found=excerpt(str(error)),
        expected="rows with the header's columns, quoted where a field holds "
        f"{dialect.delimiter!r} or a line end",
        fix="Check quotes and separators, or save the table as Parquet.",
    )


def _larger(block: int, source: _Text, dialect: Dialect) -> int:
    """Return the size of the next block to try, into which two cells of the largest size fit."""
    name, most = source.path.name, int(2 * limits().cell)
    if block >= most:
        found = f"a row of more than {block:,} bytes, or a quote that is not closed"
        raise exceeded("cell", name, found)
    ends, silent = re.compile(rb'["\n' + re.escape(dialect.delimiter.encode()) + b"]"), 0
    with source.open() as stream:
        while part := stream.read(_WINDOW):
            silent = 0 if ends.search(part) else silent + len(part)
            if silent > limits().cell:
                raise exceeded("cell", name, f"a field of more than {silent:,} bytes")
    return min(8 * block, most)


def _by_arrow(
    stream: Any, names: list[str], dialect: Dialect, block: int, bad: list[BadRow]
) -> pa.Table:
    def skip(row: Any) -> str:
        found = f"{row.actual_columns} fields instead of {row.expected_columns}"
        lines = row.text.count("\n")
        # row numbers count records, the header not among them, as a spreadsheet's user would
        found += f", over {lines + 1:,} lines" if lines else ""
        bad.append(BadRow(row.number - 1, found))
        return "skip"

    # fields without quotes were written anew with quotes
    quotes = dialect.quotes or dialect.escapes == "text"
    # where backslashes escape, \N was written anew as an empty field, and \\N as the text
    nulls = [mark for mark in dialect.nulls if mark != r"\N" or dialect.escapes == "none"]
    return pacsv.read_csv(
        pa.PythonFile(stream, mode="r"),
        read_options=pacsv.ReadOptions(
            block_size=block, use_threads=False, column_names=names, skip_rows_after_names=1
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char='"' if quotes else False,
            newlines_in_values=quotes,
            invalid_row_handler=skip,
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_binary()),
            null_values=nulls,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _better(
    source: _Text, names: list[str], plain: Dialect, table: pa.Table | None, bad: list[BadRow]
) -> tuple[Dialect, pa.Table, list[BadRow]]:
    """Return the reading that leaves fewer rows unread: with backslashes as escapes, or not."""
    escaped = replace(plain, escapes="quotes")
    try:
        other, still_bad = _parsed(source, names, escaped)
    except DataError:
        if table is None:
            return plain, *_parsed(source, names, plain)
        return plain, table, bad
    if table is None or len(still_bad) < len(bad):
        return escaped, other, still_bad
    return plain, table, bad


def _container(path: Path, table: pa.Table, bad: list[BadRow]) -> Container:
    numbers = {row.row for row in bad}
    rows = [n for n in range(1, len(table) + len(bad) + 1) if n not in numbers] if bad else None
    return Container(path.name, _decoded(path, table), rows, bad)


def _holds_na(table: pa.Table) -> bool:
    return any(pc.any(pc.equal(column, b"NA")).as_py() for column in table.columns)


def _check_closed(path: Path, table: pa.Table) -> None:
    """Refuse a file whose last field runs on to the end because its quote is not closed."""
    last = table.column(table.num_columns - 1)[-1].as_py() if len(table) else None
    if last is None or b"\n" not in last or _end(path).rstrip().endswith(b'"'):
        return
    raise DataError(
        "A quoted field is not closed.",
        where=f"{path.name}, row {len(table)}, column {table.column_names[-1]}",
        found=excerpt(last.decode("utf-8", "replace")),
        expected="a closing quote before the end of the file",
        fix="Check the quotes of this row, or save the table as Parquet.",
    )


def _end(path: Path) -> bytes:
    """Return the last bytes of the text."""
    end = b""
    with Reading(path), open_bytes(path) as stream:
        while block := stream.read(BLOCK):
            end = (end + block)[-64:]
    return end


def _decoded(path: Path, table: pa.Table) -> pa.Table:
    """Read every field as UTF-8, or say which row is not."""
    for index, name in enumerate(table.column_names):
        try:
            column = table.column(index).cast(pa.large_string())
        except pa.ArrowInvalid:
            row, error = next(_not_utf8(table.column(index)))
            raise mixed_encodings(f"{path.name}, row {row}, column {name}", error) from None
        table = table.set_column(index, name, column)
    return table


def _not_utf8(column: pa.ChunkedArray) -> Iterator[tuple[int, UnicodeDecodeError]]:
    for row, value in enumerate(column.to_pylist(), start=1):
        try:
            (value or b"").decode("utf-8")
        except UnicodeDecodeError as error:
            yield row, error
