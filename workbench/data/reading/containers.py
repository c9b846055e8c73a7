"""Files as tables of records, whatever their container and compression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from workbench.data.reading import archives
from workbench.data.reading.arrow_files import (
    PARQUET,
    is_arrow,
    read_arrow,
    read_packed_parquet,
    read_parquet,
)
from workbench.data.reading.bounds.json_text import check_depth
from workbench.data.reading.bounds.limits import check_cells, check_shape, check_time
from workbench.data.reading.bounds.streams import weigh
from workbench.data.reading.container import Container
from workbench.data.reading.eval_log import is_eval_log, read_eval_log
from workbench.data.reading.files import BOM, KNOWN, Reading, empty_file, open_bytes
from workbench.data.reading.foreign import foreign, refuse_foreign
from workbench.data.reading.json_files import read_json, read_json_lines
from workbench.data.reading.record_tables import table_of
from workbench.data.reading.several import joined, name_of, open_all, paths_of
from workbench.data.reading.tables import spreadsheets
from workbench.data.reading.tables.delimited import read_delimited
from workbench.data.reading.tables.dialects import Dialect
from workbench.data.reading.tables.number_marks import with_numbers
from workbench.errors import DataError


def open_container(path: Path) -> Container:
    """Read a file's records.

    Raises
    ------
    DataError
        Nothing there, a format that is not read, a truncated or broken file.
    """
    return joined(with_numbers(open_members(path, open_part)), path.name)


def open_part(
    path: Path, columns: list[str] | None = None, like: Dialect | None = None
) -> Container:
    """Read a file's records, its columns of text as they stand: a set decides on numbers.

    Parameters
    ----------
    path : Path
        No zip of other files.
    columns : list of str, optional
        Of a Parquet file, read only these.
    like : Dialect, optional
        How another CSV or TSV file of the same set is written.

    Raises
    ------
    DataError
        Nothing there, a format that is not read, a truncated or broken file.
    """
    check_file(path)
    check_time(path.name)
    return _checked(_read(path, columns, like))


def _read(path: Path, columns: list[str] | None, like: Dialect | None) -> Container:
    start = _magic(path)
    if start[:4] == PARQUET:
        return read_parquet(path, columns)
    if is_arrow(start):
        return read_arrow(path)
    if archives.is_zip(start) and archives.kind_of(path) == "archive":
        raise foreign(path, "a zip inside a zip", "Unpack the outer one and name the folder.")
    if archives.is_zip(start) or spreadsheets.is_old_office(start):
        return spreadsheets.read_spreadsheet(path)
    start = _first_bytes(path)
    if start[:4] == PARQUET:
        return read_packed_parquet(path)
    refuse_foreign(path, start)
    text = start.removeprefix(BOM).lstrip()
    if not text:
        raise empty_file(path)
    if text[:1] == b"[":
        return read_json(path)
    if text[:1] == b"{":
        return read_json_lines(path, text)
    return read_delimited(path, text, like)


def _checked(container: Container) -> Container:
    """Return the records of a file if its table is within the limits."""
    table, name = container.table, container.name
    # the fields of one document are no columns: what reads it makes a table of it
    check_shape(len(table), 0 if container.document is not None else table.num_columns, name)
    check_depth(table.schema, name)
    check_cells(table, name)
    return container


def open_source(source: str | Path | Sequence[str | Path]) -> Container:
    """Read the records of a file, or of several as one set.

    Parameters
    ----------
    source : str, Path or sequence of them
        As :func:`workbench.data.reading.several.paths_of` takes it.
    """

    def opened(path: Path, like: Dialect | None) -> list[Container]:
        return open_members(path, lambda file: open_part(file, like=like))

    containers = open_all(paths_of(source), opened)
    return joined(containers, name_of(containers))


def open_members(path: Path, opened: Callable[[Path], Container]) -> list[Container]:
    """Return the records of a file, or of each data file in a zip.

    Parameters
    ----------
    path : Path
    opened : callable
        From the path of a file that is no zip to its container.
    """
    if not path.is_file() or not archives.is_zip(_magic(path)):
        return [opened(path)]
    if is_eval_log(path):
        document = read_eval_log(path)
        table, _ = table_of([{"status": document.get("status")}])
        return [Container(path.name, table, document=document)]
    if archives.kind_of(path) == "spreadsheet":
        return [spreadsheets.read_spreadsheet(path)]
    with TemporaryDirectory() as folder:
        return archives.each_member(path, Path(folder), opened)


def check_file(path: Path) -> None:
    """Raise a DataError where a path leads to no file, or to an empty one."""
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


def _magic(path: Path) -> bytes:
    with path.open("rb") as raw:
        return raw.read(8)


def _first_bytes(path: Path) -> bytes:
    with Reading(path), open_bytes(path) as stream:
        start = stream.read(1 << 20)
        weigh(stream)
    return start
