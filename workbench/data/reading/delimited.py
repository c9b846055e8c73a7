"""CSV and TSV files as tables of text."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv as pacsv

from workbench.data.formats.records import excerpt
from workbench.data.reading.files import (
    BLOCK,
    KNOWN,
    LARGEST_BLOCK,
    Reading,
    mixed_encodings,
    open_bytes,
)
from workbench.errors import DataError


def read_delimited(
    path: Path, start: bytes
) -> tuple[pa.Table, list[int] | None, list[tuple[int, str]]]:
    """Read a table of text fields.

    Parameters
    ----------
    path : Path
    start : bytes
        The beginning of the file, without a byte-order mark.

    Returns
    -------
    table : pyarrow.Table
        Every field as text, an empty one missing.
    rows : list of int, or None
        Record number of each row, where some were left out.
    bad : list of tuple
        ``(row, found)`` of rows with too few or too many fields.

    Raises
    ------
    DataError
        Mixed encodings, a column name twice, or a table that is not closed properly.
    """
    bad: list[tuple[int, str]] = []

    def skip(row: Any) -> str:
        found = f"{row.actual_columns} fields instead of {row.expected_columns}"
        lines = row.text.count("\n")
        bad.append((row.number, found + (f", over {lines + 1:,} lines" if lines else "")))
        return "skip"

    header = re.split(rb"\r\n|\r|\n", start, maxsplit=1)[0]
    delimiter = max((b",", b"\t", b";"), key=header.count).decode()
    names = _header(path, header, delimiter)
    block = BLOCK
    while True:
        bad.clear()
        try:
            with _open_text(path) as stream:
                table = pacsv.read_csv(
                    pa.PythonFile(stream, mode="r"),
                    read_options=pacsv.ReadOptions(block_size=block, use_threads=False),
                    parse_options=pacsv.ParseOptions(
                        delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip
                    ),
                    convert_options=pacsv.ConvertOptions(
                        column_types=dict.fromkeys(names, pa.large_binary()),
                        null_values=[""],
                        strings_can_be_null=True,
                        quoted_strings_can_be_null=False,
                    ),
                )
            break
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error) or block > LARGEST_BLOCK:
                raise DataError(
                    "The table cannot be read.",
                    where=path.name,
                    found=excerpt(str(error)),
                    expected="rows with the header's columns, quoted where a field holds "
                    f"{delimiter!r} or a line end",
                    fix="Check quotes and separators, or save the table as Parquet.",
                ) from error
            block *= 8
        except (EOFError, zlib.error, OSError) as error:
            with Reading(path):
                raise error
    numbers = {number for number, _ in bad}
    _check_closed(path, table)
    # row numbers count records, the header not among them, as a spreadsheet's user would
    rows = [n for n in range(1, len(table) + len(bad) + 1) if n + 1 not in numbers]
    bad = [(number - 1, found) for number, found in bad]
    return _decoded(path, table), rows if bad else None, bad


def _header(path: Path, header: bytes, delimiter: str) -> list[str]:
    try:
        names = next(csv.reader([header.decode("utf-8")], delimiter=delimiter))
    except UnicodeDecodeError as error:
        raise mixed_encodings(f"{path.name}, line 1", error) from error
    again = [name for name in names if names.count(name) > 1]
    if again or len(names) < 2:
        raise DataError(
            "A column name stands twice." if again else "The file is no table that can be read.",
            where=f"{path.name}, line 1",
            found=excerpt(again[0] if again else header.decode()),
            expected="distinct column names" if again else KNOWN,
            fix="Rename the column." if again else "Export it in one of these formats.",
        )
    return names


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


def _open_text(path: Path) -> IO[bytes] | gzip.GzipFile:
    stream = open_bytes(path)
    if stream.read(3) != b"\xef\xbb\xbf":
        stream.close()
        stream = open_bytes(path)
    return stream


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
