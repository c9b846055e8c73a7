"""Spreadsheets: Excel and OpenDocument workbooks."""

from __future__ import annotations

import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from workbench.data.reading.bounds.limits import check_shape
from workbench.data.reading.bounds.sheets import check_workbook
from workbench.data.reading.container import Container
from workbench.data.reading.record_tables import table_of
from workbench.data.reading.tables.dialects import named
from workbench.data.reading.tables.header_lines import without_header_lines
from workbench.data.reading.tables.mechanical_turk import of_assignments
from workbench.errors import DataError

LONGEST_CELL = 32_767
"""Characters that a cell can hold: longer texts are cut off when they are written."""


def is_old_office(start: bytes) -> bool:
    """Tell the container of Excel's and Word's files before 2007."""
    return start == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read_spreadsheet(path: Path) -> Container:
    """Read the first sheet that holds anything; its first row names the columns.

    Whole numbers are integers, dates and times text as ISO 8601 writes them.

    Parameters
    ----------
    path : Path
        ``.xlsx``, ``.xlsb``, ``.xls`` or ``.ods``.

    Raises
    ------
    DataError
        A workbook that cannot be opened, or holds no table; a column name twice.
    """
    sheets = _sheets(path)
    name, rows = next(((name, rows) for name, rows in sheets if len(rows) > 1), ("", []))
    if not rows:
        raise DataError(
            "The spreadsheet holds no table.",
            where=path.name,
            found=f"{len(sheets)} sheets without a row below a header",
            expected="a sheet whose first row names the columns",
            fix="Check the file, or save the sheet as CSV.",
        )
    check_shape(len(rows) - 1, len(rows[0]), path.name)
    columns = named([" ".join(str(_plain(cell)).split()) for cell in rows[0]])
    again = next((column for column in columns if columns.count(column) > 1), None)
    if again is not None:
        raise DataError(
            "A column name stands twice.",
            where=f"{path.name}, sheet {name}",
            found=again,
            expected="distinct column names",
            fix="Rename the column.",
        )
    records = [dict(zip(columns, map(_value, row), strict=True)) for row in rows[1:]]
    numbers = [n for n, record in enumerate(records, 1) if any(v is not None for v in _of(record))]
    table, notes = table_of([records[n - 1] for n in numbers])
    notes = [*_notes(name, sheets, records), *notes]
    whole = len(numbers) == len(records)
    container = Container(path.name, table, None if whole else numbers, notes=notes)
    return of_assignments(without_header_lines(container))


_Rows = list[list[Any]]


def _sheets(path: Path) -> list[tuple[str, _Rows]]:
    from python_calamine import CalamineError, CalamineWorkbook

    if zipfile.is_zipfile(path):
        check_workbook(path)
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            return [(name, book.get_sheet_by_name(name).to_python()) for name in book.sheet_names]
    except (CalamineError, OSError, ValueError) as error:
        raise DataError(
            "The spreadsheet cannot be opened.",
            where=path.name,
            found=str(error)[:120],
            expected="a workbook of Excel or OpenDocument, without a password",
            fix="Save its sheet as CSV (UTF-8) or as .xlsx.",
        ) from error


def _notes(name: str, sheets: list[tuple[str, _Rows]], records: list[dict[str, Any]]) -> list[str]:
    notes = [f"sheet {name!r} is read"]
    others = [f"{other!r} ({len(rows):,} rows)" for other, rows in sheets if other != name and rows]
    if others:
        notes[0] += "; not read: " + ", ".join(others)
    cut = sum(
        isinstance(value, str) and len(value) >= LONGEST_CELL
        for record in records
        for value in record.values()
    )
    if cut:
        notes.append(
            f"{cut:,} cells hold {LONGEST_CELL:,} characters, the most that a cell can: "
            "longer texts were cut off"
        )
    return notes


def _of(record: dict[str, Any]) -> list[Any]:
    return list(record.values())


def _value(cell: Any) -> Any:
    plain = _plain(cell)
    return None if plain == "" else plain


def _plain(cell: Any) -> Any:
    """Return a cell's number, flag or text; dates and times as ISO 8601 writes them."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ") if cell.time() != time() else cell.date().isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell) if isinstance(cell, timedelta) else cell
