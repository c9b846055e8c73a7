"""The sheets of a workbook, before their cells are laid out in memory."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from workbench.data.reading.bounds.limits import check_shape, check_time
from workbench.data.reading.bounds.streams import check_unpacked
from workbench.errors import DataError

_SPARSE = 20
"""Places for each cell that is filled. A reader lays a sheet out as a rectangle up to its last
row and column: two cells, in A1 and XFD1048576, make one of 17 thousand million places."""

_FLOOR = 4_000_000
"""Places that are no burden, however few are filled."""

_CELL = re.compile(rb' r="([A-Z]{1,3})([0-9]{1,7})"')
_BLOCK = 1 << 20


def check_workbook(path: Path) -> None:
    """Refuse a workbook that unpacks to too much, or whose few cells span a huge sheet.

    Parameters
    ----------
    path : Path
        Of a zip: ``.xlsx``, ``.xlsb`` or ``.ods``.

    Raises
    ------
    DataError
    """
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        check_unpacked(path.name, sum(info.file_size for info in infos), path.stat().st_size)
        for info in infos:
            if info.filename.startswith("xl/worksheets/") and info.filename.endswith(".xml"):
                _check_sheet(archive, info, path.name)


def _check_sheet(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> None:
    columns, rows, cells, rest = set[bytes](), 0, 0, b""
    with archive.open(info) as stream:
        while block := stream.read(_BLOCK):
            check_time(name)
            places = _CELL.findall(rest + block)
            rest = block[-20:]
            cells += len(places)
            columns.update(column for column, _ in places)
            rows = max(rows, int(places[-1][1]) if places else 0)
    width = max(map(_number, columns), default=0)
    # the first row names the columns
    check_shape(rows - 1, width, f"{name}, {Path(info.filename).stem}")
    if rows * width > max(_FLOOR, _SPARSE * cells):
        raise DataError(
            "The cells of the sheet lie too far apart.",
            where=f"{name}, {Path(info.filename).stem}",
            found=f"{cells:,} cells that span {rows:,} rows and {width:,} columns",
            expected="a table, in which most places are filled",
            fix="Delete what lies far off the table, or save the table as CSV.",
        )


def _number(column: bytes) -> int:
    """Return the number of a column by its letters.

    Examples
    --------
    >>> _number(b"A"), _number(b"AA"), _number(b"XFD")
    (1, 27, 16384)
    """
    number = 0
    for letter in column:
        number = 26 * number + letter - ord("A") + 1
    return number
