"""Tables as uncompressed Arrow files, which are mapped: a text is read when it is shown.

A table is one file; its long texts lie in a second one, whose rows are the same.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.data.reading.bounds.arrow import check_arrow, check_dictionaries
from workbench.data.reading.bounds.limits import check_shape
from workbench.data.saved.damage import damaged, mixed_up

_TOLD = b"workbench"
"""Key of the metadata that say of which data set and of which columns a file is."""

_LONG = 64
"""Bytes a row, on the average, from which on texts of a column lie in the file of texts."""

_PIECE = 1 << 17
"""Rows that are written at a time where a column lies in several pieces: bounds their copy."""

_START = len(b"ARROW1\0\0")

Beside = Mapping[str, NDArray[Any]]


def texts_of(name: str) -> str:
    """Return the file name of the long texts of a table.

    Examples
    --------
    >>> texts_of("pairs"), file_of("pairs")
    ('pairs.texts.arrow', 'pairs.arrow')
    """
    return f"{name}.texts.arrow"


def file_of(name: str) -> str:
    """Return the file name of a table without its long texts."""
    return f"{name}.arrow"


def files_of(names: Iterable[str]) -> set[str]:
    """Return the names that files of some tables can have."""
    return {name for one in names for name in (file_of(one), texts_of(one))}


def write(frame: pd.DataFrame, folder: Path, name: str, digest: str, beside: Beside) -> None:
    """Write a table into a folder. Texts are copied in pieces, or not at all.

    Parameters
    ----------
    frame : DataFrame
    folder : Path
    name : str
    digest : str
        Of the data set: tables of different sets do not open together.
    beside : mapping of str to ndarray, shape (n,) or (n, 2)
        Whole numbers of 64 bits that are kept for each row.
    """
    table = _table_of(frame)
    metadata = dict(table.schema.metadata or {})
    told = {"digest": digest, "columns": table.column_names, "beside": list(beside)}
    metadata[_TOLD] = json.dumps(told).encode()
    long = [c for c in table.column_names if _is_long(table.column(c))]
    # of one piece, so that numbers are mapped as one array
    short = table.drop_columns(long).combine_chunks()
    for key, words in beside.items():
        short = short.append_column(key, _as_bytes(words))
    _write(short.replace_schema_metadata(metadata), folder / file_of(name))
    if long:
        _write(table.select(long).replace_schema_metadata(metadata), folder / texts_of(name))


def read(folder: Path, name: str, digest: Any) -> tuple[pd.DataFrame, dict[str, NDArray[Any]]]:
    """Map a table of a folder.

    Its layout is checked, so that no text can point outside of its file; the texts are not read.

    Parameters
    ----------
    folder : Path
    name : str
    digest : str
        What the manifest says.

    Returns
    -------
    frame : DataFrame
        Texts and numbers without missing values lie in the mapped file, and are read-only.
    beside : dict of str to ndarray of uint64
        What is kept for each row, as it was given to :func:`write`.

    Raises
    ------
    DataError
        A file is missing, damaged, of another data set or beyond the limits.
    """
    where = f"{folder.name}/{file_of(name)}"
    try:
        table = _mapped(folder / file_of(name), where, digest)
        told = json.loads(table.schema.metadata[_TOLD])
        n = table.num_columns - len(told["beside"])
        beside = {
            key: _as_words(table.column(n + k)) for k, key in enumerate(told["beside"])
        }  # fmt: skip
        columns = dict(zip(table.column_names[:n], table.columns[:n], strict=True))
        if set(told["columns"]) - set(columns):
            where = f"{folder.name}/{texts_of(name)}"
            texts = _mapped(folder / texts_of(name), where, digest)
            if texts.num_rows != table.num_rows:
                raise damaged(where, f"{texts.num_rows:,} rows beside {table.num_rows:,}")
            columns.update(zip(texts.column_names, texts.columns, strict=True))
        named = {column: columns[column] for column in told["columns"]}
        whole = pa.table(named).replace_schema_metadata(table.schema.metadata)
        # blocks of one column each: joined ones would be copies
        return whole.to_pandas(split_blocks=True), beside
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, struct.error) as error:
        raise damaged(where, error) from error


def _mapped(path: Path, where: str, digest: Any) -> pa.Table:
    check_arrow(path)
    source = pa.memory_map(str(path))
    # as a stream, message after message, as was checked: the index of a file may lead elsewhere
    source.seek(_START)
    with pa.ipc.open_stream(source) as stream:
        table = stream.read_all()
    check_shape(table.num_rows, table.num_columns, where)
    check_dictionaries(table, where, path.stat().st_size)
    told = json.loads((table.schema.metadata or {}).get(_TOLD, b"{}"))
    if told.get("digest") != digest:
        raise mixed_up(where, f"digest {told.get('digest')}", str(digest))
    for column in table.columns:
        _check_layout(column)
    return table


def _check_layout(column: pa.ChunkedArray) -> None:
    """Refuse values that lie outside of their file; what texts say is not read."""
    for chunk in column.chunks:
        if pa.types.is_large_string(chunk.type):
            chunk = chunk.view(pa.large_binary())
        chunk.validate(full=True)


def _table_of(frame: pd.DataFrame) -> pa.Table:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for place, field in enumerate(table.schema):
        column = table.column(place)
        if pa.types.is_string(field.type):
            column = column.cast(pa.large_string())
        elif pa.types.is_floating(field.type) and isinstance(frame.dtypes.iloc[place], np.dtype):
            # a missing number stays a number: with a mask beside it, it could not be mapped
            values = frame.iloc[:, place].to_numpy()
            column = pa.chunked_array([pa.array(values, from_pandas=False)])
        else:
            continue
        table = table.set_column(place, field.name, column)
    return table


def _is_long(column: pa.ChunkedArray) -> bool:
    if not pa.types.is_large_string(column.type):
        return False
    return (pc.sum(pc.binary_length(column)).as_py() or 0) > _LONG * len(column)


def _write(table: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        for batch in _batches(table):
            writer.write_batch(batch)


def _batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    if all(column.num_chunks <= 1 for column in table.columns):
        yield from table.to_batches()
        return
    for start in range(0, table.num_rows, _PIECE):
        yield from table.slice(start, _PIECE).combine_chunks().to_batches()


def _as_bytes(words: NDArray[Any]) -> pa.Array:
    content = np.ascontiguousarray(words)
    width = content.itemsize * (content.shape[1] if content.ndim > 1 else 1)
    buffers = [None, pa.py_buffer(content)]
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(content), buffers)


def _as_words(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    width = column.type.byte_width
    if column.num_chunks != 1:
        # a table without rows has no batch
        return np.zeros((len(column), width // 8), np.uint64)
    chunk = column.chunk(0)
    words = np.frombuffer(chunk.buffers()[1], np.uint64, count=len(chunk) * width // 8)
    return words.reshape(len(chunk), width // 8)
