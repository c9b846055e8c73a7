"""Parquet and Arrow files, and the folders that `datasets` saves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

from workbench.data.reading.bounds.arrow import check_arrow, check_dictionaries
from workbench.data.reading.bounds.parquet import check_parquet
from workbench.data.reading.container import Container
from workbench.data.reading.files import Reading, open_bytes
from workbench.data.reading.stored_types import decoded
from workbench.errors import DataError

_HEAD = 100
_STATE, _INFO, _SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
_STREAM = b"\xff\xff\xff\xff"
_END_OF_STREAM = _STREAM + b"\0" * 4
_OLD = b"FEA1"
PARQUET = b"PAR1"


def is_arrow(start: bytes) -> bool:
    """Tell an Arrow stream, an Arrow file or an old Feather file by its first bytes."""
    return start[:4] == _STREAM or start[:6] == b"ARROW1" or start[:4] == _OLD


def read_parquet(path: Path, columns: list[str] | None = None) -> Container:
    """Read a Parquet file, or some of its columns; types of the file's own are decoded."""
    with Reading(path):
        check_parquet(path, path.name, path.stat().st_size)
        table = pq.read_table(path, columns=columns)
    return _decoded(path, table)


def read_packed_parquet(path: Path) -> Container:
    """Read a Parquet file inside a compressed one."""
    with Reading(path), open_bytes(path) as stream:
        content = pa.py_buffer(stream.read())
        check_parquet(content, path.name, content.size)
        return _decoded(path, pq.read_table(pa.BufferReader(content)))


def parquet_head(path: Path) -> Container | None:
    """Return the first records of a Parquet file, None where the file is none."""
    if not path.is_file() or _magic(path) != PARQUET:
        return None
    with Reading(path), pq.ParquetFile(path) as file:
        check_parquet(path, path.name, path.stat().st_size)
        batch = next(file.iter_batches(_HEAD), None)
        schema = file.schema_arrow
    batches = [] if batch is None else [batch]
    return _decoded(path, pa.Table.from_batches(batches, schema))


def parquet_batches(path: Path, columns: list[str] | None, rows: int) -> Iterator[Container]:
    """Yield the records of a Parquet file, so many at a time."""
    with Reading(path), pq.ParquetFile(path) as file:
        check_parquet(path, path.name, path.stat().st_size)
        for batch in file.iter_batches(rows, columns=columns):
            yield _decoded(path, pa.Table.from_batches([batch]))


def read_arrow(path: Path) -> Container:
    """Read an Arrow stream (as `datasets` writes), an Arrow file or a Feather file."""
    start = _magic(path)
    notes = []
    with Reading(path):
        if start != _OLD:
            check_arrow(path)
        if start == _STREAM:
            with pa.memory_map(str(path)) as source:
                source.seek(max(source.size() - len(_END_OF_STREAM), 0))
                whole = source.read() == _END_OF_STREAM
                source.seek(0)
                table = pa.ipc.open_stream(source).read_all()
            if not whole:
                notes.append(f"{path.name} has no end mark: records after the last may be missing")
        else:
            table = feather.read_table(path)
        check_dictionaries(table, path.name, path.stat().st_size)
    container = _decoded(path, table, _features_beside(path))
    container.notes[:0] = notes
    return container


def saved_files(folder: Path) -> list[Path] | None:
    """Return the Arrow files of a folder that `datasets` saved, of all its splits.

    None where the folder is none.

    Raises
    ------
    DataError
        A file that the folder names is missing, or rows are chosen by a file of indices.
    """
    if (folder / _SPLITS).is_file():
        splits = _object(folder / _SPLITS).get("splits") or []
        parts = [_named_files(folder / str(split)) or [] for split in splits]
        return [path for part in parts for path in part]
    return _named_files(folder)


def _named_files(folder: Path) -> list[Path] | None:
    if not (folder / _STATE).is_file():
        return None
    state = _object(folder / _STATE)
    named = state.get("_data_files")
    if not isinstance(named, list):
        return None
    if state.get("_indices_data_files") or state.get("_indices_files"):
        raise DataError(
            "The saved data set chooses its rows by a file of indices.",
            where=folder.name,
            found="_indices_data_files in state.json",
            expected="rows as they stand in the Arrow files",
            fix='Save it anew: load_from_disk("folder").flatten_indices().to_parquet("x.parquet")',
        )
    paths = [folder / str(one["filename"]) for one in named if isinstance(one, dict)]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise DataError(
            "The saved data set is not whole.",
            where=folder.name,
            found=f"no file {missing[0]}",
            expected=f"the {len(paths)} files that state.json names",
            fix="Copy the whole folder.",
        )
    return paths


def _features_beside(path: Path) -> dict[str, Any] | None:
    info = path.parent / _INFO
    features = _object(info).get("features") if info.is_file() else None
    return features if isinstance(features, dict) else None


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def _decoded(path: Path, table: pa.Table, features: dict[str, Any] | None = None) -> Container:
    # a name twice cannot be decoded by name: it is refused where columns are looked at
    table, notes = decoded(table, features)
    return Container(path.name, table, notes=notes)


def _magic(path: Path) -> bytes:
    with path.open("rb") as raw:
        return raw.read(4)
