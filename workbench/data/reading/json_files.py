"""JSON and JSON lines as tables of records."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json as pajson

from workbench.data.formats.records import excerpt
from workbench.data.reading.bounds.json_fields import check_fields
from workbench.data.reading.bounds.json_text import JsonText, UnfitError, too_deep
from workbench.data.reading.bounds.limits import check_shape
from workbench.data.reading.bounds.streams import Watched
from workbench.data.reading.container import BadRow, Container
from workbench.data.reading.files import (
    BLOCK,
    DAMAGED,
    Reading,
    mixed_encodings,
    open_text,
)
from workbench.data.reading.json_shapes import inner_records, records_in
from workbench.data.reading.record_tables import left_open, stacked, table_of
from workbench.errors import DataError

_PIECE = 20_000
"""Records that the tolerant reader holds as Python objects at a time."""

_DEEP = "lists or objects nested too deep"

_Noted = tuple[pa.Table, list[str]]


def read_json(path: Path) -> Container:
    """Read a file that is one JSON document.

    Raises
    ------
    DataError
        The JSON is not valid, or neither a list of records nor an object.
    """
    content = _content(path)
    try:
        document = json.loads(content)
    except RecursionError as error:
        raise too_deep(path.name) from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise mixed_encodings(f"{path.name}, line {line}", error) from error
    except ValueError as error:
        at = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise _invalid(path.name, at, error) from error
    return of_document(path.name, document)


def _invalid(name: str, line: int | None, error: ValueError) -> DataError:
    """Return the error for text that is no JSON: broken, or cut off."""
    # what breaks where the text ends is cut off: nothing is wrong with it before
    ends = isinstance(error, json.JSONDecodeError) and (
        error.msg.startswith("Unterminated") or not error.doc[error.pos :].strip()
    )
    return DataError(
        "The JSON ends in the middle: the file is cut off."
        if ends
        else "The file is not valid JSON.",
        where=name if line is None else f"{name}, line {line}",
        found=excerpt(str(error)),
        expected="a list of records, one record a line, or an AnnotatedPairs document",
        fix="Check that the file is complete: download or write it again."
        if ends
        else "Check that the file is complete; JSONL files have one record a line.",
    )


def _content(path: Path) -> bytes:
    """Return the text of a file, each block looked at before it is held."""
    look, blocks = JsonText(path.name, lines=False), []
    with Reading(path), open_text(path) as stream:
        while block := stream.read(BLOCK):
            look.add(block)
            blocks.append(block)
    return b"".join(blocks)


def of_document(name: str, document: Any) -> Container:
    """Return the records of a parsed document.

    Examples
    --------
    >>> of_document("x.json", [{"label": "a"}, 3]).bad[0].found
    'int 3'
    """
    if isinstance(document, dict):
        return _of_object(name, document)
    if not isinstance(document, list):
        raise DataError(
            "The JSON is neither a list of records nor an object.",
            where=name,
            found=excerpt(document),
            expected="a list of records",
            fix="Wrap the records in a list.",
        )
    bad = [BadRow(i, excerpt(r)) for i, r in enumerate(document, 1) if not isinstance(r, dict)]
    rows = [i for i, r in enumerate(document, 1) if isinstance(r, dict)]
    good = [r for r in document if isinstance(r, dict)]
    check_fields(good, name)
    table, notes = table_of(good)
    lost = left_open(good, table) if notes else {}
    return Container(name, table, rows if bad else None, bad, notes=notes, lost=lost)


def _of_object(name: str, document: dict[str, Any]) -> Container:
    records = records_in(document)
    if records is not None:
        check_fields(records, name)
        table, notes = table_of(records)
        lost = left_open(records, table) if notes else {}
        notes.append("the JSON holds its table in another shape than a list of records: unpacked")
        return Container(name, table, document=document, notes=notes, lost=lost)
    # fields that hold records number them; one that holds a plain value is a column
    plain = sum(not isinstance(value, dict | list) for value in document.values())
    check_shape(0, plain, name)
    table, _ = table_of([document])
    return Container(name, table, document=document, inner=inner_records(document))


def read_json_lines(path: Path, start: bytes) -> Container:
    """Read a file of one JSON record a line, or one document over several lines.

    Parameters
    ----------
    path : Path
    start : bytes
        The beginning of its text.
    """
    _check_start(start, path.name)
    first = start.split(b"\n", 1)[0]
    if not _is_record(first) and (b"\n" in start or path.stat().st_size < len(start) + 4):
        # the first line is no record by itself: one document over several lines
        document = _whole_document(path)
        if document is not None:
            return of_document(path.name, document)
        records = _objects_in_turn(path)
        if records is not None:
            return of_document(path.name, records)
    table = _by_arrow(path, _text_schema(first))
    if table is None:
        return _one_by_one(path)
    if len(table) == 1:
        return of_document(path.name, _whole_document(path) or table.to_pylist()[0])
    return Container(path.name, table)


def _check_start(start: bytes, name: str) -> None:
    """Refuse records of too many fields by the first of them."""
    lines = start.strip().split(b"\n")
    # one line may be a document, whose fields number its rows
    check_fields(map(_parsed, lines[1:] and lines), name)


def _by_arrow(path: Path, schema: pa.Schema | None) -> pa.Table | None:
    """Return the records as Arrow reads them, None where it cannot or should not."""
    with path.open("rb") as raw:
        plain = raw.read(1) == b"{"
    look = JsonText(path.name, lines=True)
    if plain and not _fits(path, look):
        return None
    while True:
        try:
            with open_text(path) as stream:
                watched = Watched(stream, JsonText(path.name, lines=True).add_for_arrow)
                table = pajson.read_json(
                    str(path) if plain else pa.PythonFile(watched, mode="r"),
                    read_options=pajson.ReadOptions(block_size=BLOCK),
                    parse_options=pajson.ParseOptions(explicit_schema=schema),
                )
            # pyarrow's JSON reader does not check that text is UTF-8
            table.validate(full=True)
        except pa.ArrowInvalid as error:
            twice = re.search(r"Column\((.+)\) was specified twice", str(error))
            if twice is not None:
                raise _named_twice(path, twice[1]) from error
            return None
        except (*DAMAGED, UnfitError):
            return None
        texts = _without_times(table.schema)
        if texts == table.schema:
            return table
        # JSON has no times: what looks like one is a text
        schema = texts


def _fits(path: Path, look: JsonText) -> bool:
    """Look at a file that pyarrow reads by itself; tell whether it may."""
    with path.open("rb") as stream:
        while not look.deep and (block := stream.read(BLOCK)):
            look.add(block)
    return not (look.deep or look.wide)


def _named_twice(path: Path, field: str) -> DataError:
    return DataError(
        "A field stands twice in a record.",
        where=path.name,
        found=field.lstrip("/"),
        expected="each field once",
        fix="Rename one of the two, or leave it out, where the file is written.",
    )


def _without_times(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_type(_as_text(field.type)) for field in schema])


def _as_text(kind: pa.DataType) -> pa.DataType:
    """Return a type with text in place of the times inside it."""
    if pa.types.is_temporal(kind):
        return pa.string()
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_as_text(field.type)) for field in kind.fields])
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_as_text(kind.value_type)))
    return kind


def _is_record(line: bytes) -> bool:
    return isinstance(_parsed(line), dict)


def _parsed(line: bytes) -> Any:
    """Return what a line says, None where it is no JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _whole_document(path: Path) -> Any:
    try:
        return json.loads(_content(path))
    except (ValueError, RecursionError):
        return None


def _objects_in_turn(path: Path) -> list[Any] | None:
    """Return the objects of a file that writes each over several lines; None for another."""
    text = _content(path).decode("utf-8", "replace").strip()
    decoder, at, records = json.JSONDecoder(), 0, []
    while at < len(text):
        try:
            record, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return None
        records.append(record)
        at = end + len(text[end : end + 100]) - len(text[end : end + 100].lstrip())
    return records


def _text_schema(line: bytes) -> pa.Schema | None:
    """Declare as text what is text in the first record: dates stay as they are written."""
    if not _is_record(line):
        return None
    record = json.loads(line)
    return pa.schema([(k, pa.string()) for k, v in record.items() if isinstance(v, str)])


def _one_by_one(path: Path) -> Container:
    """Read JSON lines tolerantly: a broken line is counted, mixed types become text."""
    tables: list[_Noted] = []
    lost: dict[int, str] = {}
    records: list[dict[str, Any]] = []
    rows: list[int] = []
    bad: list[BadRow] = []
    broken: DataError | None = None
    look = JsonText(path.name, lines=True)
    with Reading(path), open_text(path) as stream:
        watched = io.BufferedReader(Watched(stream, look.add), BLOCK)
        for number, line in enumerate(watched, start=1):
            content = line.strip()
            if not content:
                continue
            try:
                record = json.loads(content.decode("utf-8"))
            except UnicodeDecodeError as error:
                bad.append(BadRow(number, f"byte {error.start + 1} is not UTF-8"))
            except RecursionError:
                bad.append(BadRow(number, _DEEP))
            except ValueError as error:
                broken = broken or _invalid(path.name, number, error)
                bad.append(BadRow(number, excerpt(content.decode("utf-8", "replace"))))
            else:
                if isinstance(record, dict):
                    records.append(record)
                    rows.append(number)
                else:
                    bad.append(BadRow(number, excerpt(record)))
            if len(records) == _PIECE:
                check_shape(len(rows), 0, path.name)
                tables.append(_piece(records, lost, len(rows)))
                records = []
    if not rows and any(row.found == _DEEP for row in bad):
        raise too_deep(path.name)
    if not rows and broken is not None:
        raise broken
    if len(rows) == 1 and not bad:
        return of_document(path.name, records[0])
    table, notes = stacked([*tables, _piece(records, lost, len(rows))])
    return Container(path.name, table, rows, bad, notes=notes, lost=lost)


def _piece(records: list[dict[str, Any]], lost: dict[int, str], end: int) -> _Noted:
    """Return the last records before an end as a table; what of them is lost goes beside it."""
    table, notes = table_of(records)
    start = end - len(records)
    if notes:
        lost.update({start + n: found for n, found in left_open(records, table).items()})
    return table, notes
