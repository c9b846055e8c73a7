"""Files as tables of records: CSV, TSV, JSON, JSONL and Parquet, also .gz and .zst."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json as pajson
import pyarrow.parquet as pq

from workbench.data.formats.records import excerpt
from workbench.data.reading.delimited import read_delimited
from workbench.data.reading.eval_log import is_eval_log, read_eval_log
from workbench.data.reading.files import (
    BLOCK,
    KNOWN,
    LARGEST_BLOCK,
    Reading,
    empty_file,
    mixed_encodings,
    open_bytes,
)
from workbench.data.reading.record_tables import stacked, table_of
from workbench.errors import DataError

_HEAD = 100

_PIECE = 20_000
"""Records that the tolerant reader holds as Python objects at a time."""


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
    notes : list of str
        What of the records could not be kept.
    """

    name: str
    table: pa.Table
    rows: list[int] | None = None
    bad: list[tuple[int, str]] = field(default_factory=list)
    document: Any = None
    notes: list[str] = field(default_factory=list)

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
            expected=KNOWN,
            fix="Check the path; open a saved data set by its folder with a manifest.json.",
        )
    if path.stat().st_size == 0:
        raise empty_file(path)
    if is_eval_log(path):
        document = read_eval_log(path)
        return Container(path.name, table_of([{"status": document.get("status")}])[0],
                         document=document)  # fmt: skip
    start = _first_bytes(path)
    if start[:4] == b"PAR1":
        return _read_parquet(path, columns)
    _refuse_foreign(path, start)
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise empty_file(path)
    if text[:1] == b"[":
        return _read_json(path)
    if text[:1] == b"{":
        return _read_json_lines(path, text)
    return Container(path.name, *read_delimited(path, text))


def parquet_head(path: Path) -> Container | None:
    """Return the first records of a Parquet file, None where the file is none."""
    if not path.is_file() or _magic(path) != b"PAR1":
        return None
    with Reading(path), pq.ParquetFile(path) as file:
        batch = next(file.iter_batches(_HEAD), None)
        schema = file.schema_arrow
    batches = [] if batch is None else [batch]
    return Container(path.name, pa.Table.from_batches(batches, schema))


def _first_bytes(path: Path) -> bytes:
    with Reading(path), open_bytes(path) as stream:
        return stream.read(1 << 20)


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
            expected=KNOWN,
            fix="Export the table as Parquet or JSONL.",
        )


def _read_parquet(path: Path, columns: list[str] | None) -> Container:
    with Reading(path):
        return Container(path.name, pq.read_table(path, columns=columns))


def _read_json(path: Path) -> Container:
    with Reading(path), open_bytes(path) as stream:
        content = stream.read().removeprefix(b"\xef\xbb\xbf")
    try:
        document = json.loads(content)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise mixed_encodings(f"{path.name}, line {line}", error) from error
    except (ValueError, RecursionError) as error:
        at = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise DataError(
            "The file is not valid JSON.",
            where=path.name + at,
            found=excerpt(str(error)),
            expected="a list of records, one record a line, or an AnnotatedPairs document",
            fix="Check that the file is complete; JSONL files have one record a line.",
        ) from error
    return _of_document(path, document)


def _of_document(path: Path, document: Any) -> Container:
    if isinstance(document, dict):
        return Container(path.name, table_of([document])[0], document=document)
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
    table, notes = table_of(good)
    return Container(path.name, table, rows if bad else None, bad, notes=notes)


def _read_json_lines(path: Path, start: bytes) -> Container:
    first = start.split(b"\n", 1)[0]
    if not _is_record(first) and (b"\n" in start or path.stat().st_size < len(start) + 4):
        # the first line is no record by itself: one document over several lines
        document = _whole_document(path)
        if document is not None:
            return _of_document(path, document)
    schema = _text_schema(first)
    block = BLOCK
    while block <= LARGEST_BLOCK:
        try:
            with open_bytes(path) as stream:
                if stream.read(3) != b"\xef\xbb\xbf":
                    stream.seek(0)
                source = path if _magic(path)[:1] == b"{" else stream
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


def _magic(path: Path) -> bytes:
    with path.open("rb") as raw:
        return raw.read(4)


def _is_record(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _whole_document(path: Path) -> Any:
    with Reading(path), open_bytes(path) as stream:
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
    tables: list[tuple[pa.Table, list[str]]] = []
    records: list[dict[str, Any]] = []
    rows: list[int] = []
    bad: list[tuple[int, str]] = []
    with Reading(path), open_bytes(path) as stream:
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
            if len(records) == _PIECE:
                tables.append(table_of(records))
                records = []
    if len(rows) == 1 and not bad:
        return _of_document(path, records[0])
    table, notes = stacked([*tables, table_of(records)])
    return Container(path.name, table, rows, bad, notes=notes)
