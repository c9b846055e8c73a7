"""Files as tables of records: CSV, TSV, JSON, JSONL and Parquet, also .gz and .zst."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.json as pajson
import pyarrow.parquet as pq

from workbench.data.formats.messages import as_messages
from workbench.data.formats.records import excerpt
from workbench.errors import DataError

_HEAD = 100
_BLOCK = 1 << 24
_LARGEST_BLOCK = 1 << 30
_KNOWN = "CSV, TSV, JSON, JSONL or Parquet, also with .gz or .zst"


@dataclass
class Container:
    """The records of a file.

    Attributes
    ----------
    name : str
        File name without its folder.
    table : pyarrow.Table
        Records; columns of mixed types are text (JSON of what is not text).
    rows : list of int, or None
        Number of each record in the file, where it is not simply 1, 2, 3, ...
    bad : list of tuple
        ``(row, found)`` of lines that are no record.
    document : object, or None
        The parsed JSON, where the file is one document and no list of records.
    """

    name: str
    table: pa.Table
    rows: list[int] | None = None
    bad: list[tuple[int, str]] = field(default_factory=list)
    document: Any = None

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.table.column_names)

    def head(self, n: int = _HEAD) -> list[dict[str, Any]]:
        """Return the first records as dictionaries."""
        records: list[dict[str, Any]] = self.table.slice(0, n).to_pylist()
        return records


def open_container(path: Path, columns: list[str] | None = None) -> Container:
    """Read a file's records.

    Parameters
    ----------
    path : Path
    columns : list of str, optional
        Of a Parquet file, read only these.

    Raises
    ------
    DataError
        Nothing there, a format that is not read, a truncated or broken file.
    """
    if not path.exists() or path.is_dir():
        raise DataError(
            "There is no such file." if not path.exists() else "This is a folder, not a file.",
            where=path.name,
            found="nothing" if not path.exists() else "a folder",
            expected=_KNOWN,
            fix="Check the path; open a saved data set by its folder with a manifest.json.",
        )
    if path.stat().st_size == 0:
        raise _empty(path)
    start = _first_bytes(path)
    if start[:4] == b"PAR1":
        return _read_parquet(path, columns)
    _refuse_foreign(path, start)
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise _empty(path)
    if text[:1] == b"[":
        return _read_json(path)
    if text[:1] == b"{":
        return _read_json_lines(path, text)
    return _read_csv(path, text)


def table_of(records: list[dict[str, Any]]) -> pa.Table:
    """Return records as a table; a column of mixed types becomes text.

    Examples
    --------
    >>> table_of([{"x": 1}, {"x": "tie"}]).column("x").to_pylist()
    ['1', 'tie']
    """
    names = list(dict.fromkeys(key for record in records for key in record))
    arrays = []
    for name in names:
        values = [record.get(name) for record in records]
        try:
            arrays.append(pa.array(values))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
            arrays.append(pa.array([_as_text(value) for value in values], pa.large_string()))
    return pa.Table.from_arrays(arrays, names=[str(name) for name in names])


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading bytes, decompressing gzip and zstd."""
    with path.open("rb") as raw:
        magic = raw.read(4)
    if magic[:2] == b"\x1f\x8b":
        return gzip.open(path, "rb")
    if magic == b"\x28\xb5\x2f\xfd":
        stream = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
        return io.BufferedReader(stream, 1 << 20)  # type: ignore[arg-type]
    return path.open("rb")


def _first_bytes(path: Path) -> bytes:
    with _reading(path), open_bytes(path) as stream:
        return stream.read(1 << 20)


class _reading:  # noqa: N801 - reads like a verb where it is used
    """Turn the many ways in which a truncated file fails into one clear error."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        broken = (EOFError, zlib.error, gzip.BadGzipFile, OSError, pa.ArrowInvalid)
        if isinstance(error, broken) and not isinstance(error, FileNotFoundError):
            raise DataError(
                "The file is damaged or cut off.",
                where=self.path.name,
                found=excerpt(str(error) or type(error).__name__),
                expected="a complete file",
                fix="Download or write it again; check its size against the source.",
            ) from error


def _refuse_foreign(path: Path, start: bytes) -> None:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(
            "The file is encoded as UTF-16.",
            where=path.name,
            found="the byte-order mark of UTF-16",
            expected="UTF-8",
            fix="Save it again as UTF-8 (in a spreadsheet: CSV UTF-8).",
        )
    pickle = path.suffix in (".pkl", ".pickle") or (start[:1] == b"\x80" and b"." in start[-64:])
    if pickle or b"\0" in start[:4096]:
        raise DataError(
            "This is a pickle; pickles are never read." if pickle else "This is a binary file.",
            where=path.name,
            found=excerpt(repr(start[:16])),
            expected=_KNOWN,
            fix="Export the table as Parquet or JSONL.",
        )


def _read_parquet(path: Path, columns: list[str] | None) -> Container:
    with _reading(path):
        return Container(path.name, pq.read_table(path, columns=columns))


def _read_json(path: Path) -> Container:
    with _reading(path), open_bytes(path) as stream:
        content = stream.read().removeprefix(b"\xef\xbb\xbf")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        where = f"{path.name}, line {error.lineno}" if isinstance(error, json.JSONDecodeError) else path.name
        raise DataError(
            "The file is not valid JSON.",
            where=where,
            found=excerpt(str(error)),
            expected="a list of records, one record a line, or an AnnotatedPairs document",
            fix="Check that the file is complete; JSONL files have one record a line.",
        ) from error
    return _of_document(path, document)


def _of_document(path: Path, document: Any) -> Container:
    if isinstance(document, dict):
        return Container(path.name, table_of([document]), document=document)
    if not isinstance(document, list):
        raise DataError(
            "The JSON is neither a list of records nor an object.",
            where=path.name,
            found=excerpt(document),
            expected="a list of records",
            fix="Wrap the records in a list.",
        )
    bad = [(i, excerpt(r)) for i, r in enumerate(document, 1) if not isinstance(r, dict)]
    rows = [i for i, r in enumerate(document, 1) if isinstance(r, dict)]
    good = [r for r in document if isinstance(r, dict)]
    return Container(path.name, table_of(good), rows if bad else None, bad)


def _read_json_lines(path: Path, start: bytes) -> Container:
    first = start.split(b"\n", 1)[0]
    if not _is_record(first) and (b"\n" in start or path.stat().st_size < len(start) + 4):
        # the first line is no record by itself: one document over several lines
        document = _whole_document(path)
        if document is not None:
            return _of_document(path, document)
    schema = _text_schema(first)
    block = _BLOCK
    while block <= _LARGEST_BLOCK:
        try:
            with open_bytes(path) as stream:
                if stream.read(3) != b"\xef\xbb\xbf":
                    stream.seek(0)
                source = path if _is_plain(path) and stream.tell() == 0 else stream
                table = pajson.read_json(
                    str(source) if isinstance(source, Path) else pa.PythonFile(source, mode="r"),
                    read_options=pajson.ReadOptions(block_size=block),
                    parse_options=pajson.ParseOptions(explicit_schema=schema),
                )
            # pyarrow's JSON reader does not check that text is UTF-8
            table.validate(full=True)
            return _whole_or_document(path, table)
        except pa.ArrowInvalid as error:
            if "straddling object" not in str(error):
                break
            block *= 8
        except (EOFError, zlib.error, OSError):
            break
    return _read_lines_one_by_one(path)


def _whole_or_document(path: Path, table: pa.Table) -> Container:
    if len(table) == 1:
        return _of_document(path, table.to_pylist()[0])
    return Container(path.name, table)


def _is_plain(path: Path) -> bool:
    with path.open("rb") as raw:
        return raw.read(1) in (b"{", b"[")


def _is_record(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _whole_document(path: Path) -> Any:
    with _reading(path), open_bytes(path) as stream:
        try:
            return json.loads(stream.read().removeprefix(b"\xef\xbb\xbf"))
        except (ValueError, RecursionError):
            return None


def _text_schema(line: bytes) -> pa.Schema | None:
    """Declare as text what is text in the first record: dates stay as they are written."""
    if not _is_record(line):
        return None
    record = json.loads(line)
    return pa.schema([(k, pa.string()) for k, v in record.items() if isinstance(v, str)])


def _read_lines_one_by_one(path: Path) -> Container:
    """Read JSON lines tolerantly: a broken line is counted, mixed types become text."""
    records, rows, bad = [], [], []
    with _reading(path), open_bytes(path) as stream:
        for number, line in enumerate(stream, start=1):
            content = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
            if not content:
                continue
            try:
                record = json.loads(content.decode("utf-8"))
            except UnicodeDecodeError as error:
                bad.append((number, f"byte {error.start + 1} is not UTF-8"))
            except (ValueError, RecursionError):
                bad.append((number, excerpt(content.decode("utf-8", "replace"))))
            else:
                if isinstance(record, dict):
                    records.append(record)
                    rows.append(number)
                else:
                    bad.append((number, excerpt(record)))
    return Container(path.name, table_of(records), rows, bad)


def _read_csv(path: Path, start: bytes) -> Container:
    bad: list[tuple[int, str]] = []

    def skip(row: Any) -> str:
        bad.append((row.number, f"{row.actual_columns} fields instead of {row.expected_columns}"))
        return "skip"

    header = start.split(b"\n", 1)[0]
    delimiter = max((b",", b"\t", b";"), key=header.count).decode()
    names = _header(path, header, delimiter)
    block = _BLOCK
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
            if "straddling" not in str(error) or block > _LARGEST_BLOCK:
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
            with _reading(path):
                raise error
    numbers = {number for number, _ in bad}
    # row numbers count records, the header not among them, as a spreadsheet's user would
    rows = [n for n in range(1, len(table) + len(bad) + 1) if n + 1 not in numbers]
    bad = [(number - 1, found) for number, found in bad]
    return Container(path.name, _decoded(path, table), rows if bad else None, bad)


def _header(path: Path, header: bytes, delimiter: str) -> list[str]:
    import csv

    names = next(csv.reader([header.decode("utf-8", "replace").rstrip("\r")], delimiter=delimiter))
    again = [name for name in names if names.count(name) > 1]
    if again or len(names) < 2:
        raise DataError(
            "A column name stands twice." if again else "The file is no table that can be read.",
            where=f"{path.name}, line 1",
            found=excerpt(again[0] if again else header.decode("utf-8", "replace")),
            expected="distinct column names" if again else _KNOWN,
            fix="Rename the column." if again else "Export it in one of these formats.",
        )
    return names


def _open_text(path: Path) -> IO[bytes]:
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
            raise DataError(
                "The file mixes encodings.",
                where=f"{path.name}, row {row}, column {name}",
                found=f"byte {error.start + 1} of the field is {error.object[error.start]:#04x}",
                expected="UTF-8 throughout",
                fix="Save the file again as UTF-8; the row was probably pasted from Latin-1.",
            ) from None
        table = table.set_column(index, name, column)
    return table


def _not_utf8(column: pa.ChunkedArray) -> Iterator[tuple[int, UnicodeDecodeError]]:
    for row, value in enumerate(column.to_pylist(), start=1):
        try:
            (value or b"").decode("utf-8")
        except UnicodeDecodeError as error:
            yield row, error


def _as_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, (list, dict)) and as_messages(value) is None:
        # nested data among texts have no reading: the row counts as one without text
        return None
    return None if value is None else json.dumps(value, default=str)


def _empty(path: Path) -> DataError:
    return DataError(
        "The file is empty.",
        where=path.name,
        found="0 bytes of content",
        expected="at least one record",
        fix="Check the export that wrote it.",
    )


def is_blank(column: pa.ChunkedArray | pa.Array) -> Any:
    """Return which texts are empty or only white space; a missing one is blank."""
    empty = pc.equal(pc.binary_length(column), 0)
    return pc.fill_null(pc.or_(empty, pc.utf8_is_space(column)), True)
