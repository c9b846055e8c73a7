"""Columns of a training file, as JSON lines or as Arrow, a column at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))


@dataclass(frozen=True)
class Column:
    """One column of a file.

    Attributes
    ----------
    name : str
    values : pyarrow.Array
        Text, numbers, or true and false; missing values are null.
    is_json : bool
        The text is JSON of a nested value: messages.
    """

    name: str
    values: pa.Array
    is_json: bool = False


def column(name: str, values: Any) -> Column:
    """Return a column of plain values.

    Examples
    --------
    >>> column("margin", np.array([1.0, np.nan])).values.null_count
    1
    """
    if isinstance(values, pd.Series) and not pd.api.types.is_numeric_dtype(values.dtype):
        return Column(name, as_array(values))
    return Column(name, pa.array(np.asarray(values), from_pandas=True))


def as_array(values: pd.Series) -> pa.Array:
    """Return texts as one Arrow array.

    Examples
    --------
    >>> as_array(pd.Series(["x", None], dtype="str")).to_pylist()
    ['x', None]
    """
    found = pa.array(values, pa.large_string(), from_pandas=True)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def json_texts(values: pa.Array) -> pa.Array:
    r"""Return texts as JSON strings.

    Examples
    --------
    >>> json_texts(pa.array(['say "x"\n\x01'], pa.large_string())).to_pylist()
    ['"say \\"x\\"\\n\\u0001"']
    """
    found, bytes_ = values, _bytes(values)
    spaces = 0
    for plain, escaped in _ESCAPES:
        count = int(np.count_nonzero(bytes_ == ord(plain)))
        spaces += count if plain < " " else 0
        # each pass copies the texts, and most have none of it
        found = pc.replace_substring(found, plain, escaped) if count else found
    if int(np.count_nonzero(bytes_ < ord(" "))) > spaces:
        rows = [None if one is None else json.dumps(one, ensure_ascii=False)[1:-1]
                for one in values.to_pylist()]  # fmt: skip
        found = pa.array(rows, pa.large_string())
    return _joined('"', found, '"')


def objects(fields: list[tuple[str, pa.Array]]) -> pa.Array:
    """Return JSON objects of columns that are JSON already; a missing value is null.

    Examples
    --------
    >>> objects([("a", pa.array(["1", None]))]).to_pylist()
    ['{"a":1}', '{"a":null}']
    """
    parts: list[Any] = []
    for k, (name, values) in enumerate(fields):
        parts += [("," if k else "{") + json.dumps(name) + ":", pc.fill_null(values, "null")]
    return _joined(*parts, "}")


def lists(values: pa.Array) -> pa.Array:
    """Return lists of one JSON value each; a missing value stays missing.

    Examples
    --------
    >>> lists(pa.array(["1"], pa.large_string())).to_pylist()
    ['[1]']
    """
    return _joined("[", values, "]")


def write_jsonl(parts: Iterable[list[Column]], path: Path) -> None:
    """Write columns as JSON lines, part by part.

    Parameters
    ----------
    parts : iterable of list of Column
        The same columns of one stretch of rows after the other.
    path : Path
    """
    with path.open("wb") as file:
        for part in parts:
            lines = objects([(one.name, _as_json(one)) for one in part])
            file.write(_bytes(_joined(lines, "\n")).tobytes())


def write_parquet(parts: Iterable[list[Column]], path: Path) -> None:
    """Write columns as Parquet, part by part; messages become lists of structs.

    Parameters
    ----------
    parts : iterable of list of Column
    path : Path
    """
    held, writer = [], None
    try:
        for part in parts:
            arrays = [nested(one.values) if one.is_json else one.values for one in part]
            table = pa.table(dict(zip([one.name for one in part], arrays, strict=True)))
            if any(one.is_json for one in part):
                # the fields of messages may differ from part to part
                held.append(table)
                continue
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()
    if held:
        pq.write_table(pa.concat_tables(held, promote_options="permissive"), path)


def nested(texts: pa.Array) -> pa.Array:
    """Return JSON texts as the values that they stand for.

    Examples
    --------
    >>> nested(pa.array(['[{"role":"user"}]'])).to_pylist()
    [[{'role': 'user'}]]
    """
    return pa.array([None if one is None else json.loads(one) for one in texts.to_pylist()])


def _as_json(one: Column) -> pa.Array:
    values = one.values
    if one.is_json:
        return values
    if pa.types.is_large_string(values.type) or pa.types.is_string(values.type):
        return json_texts(values.cast(pa.large_string()))
    if pa.types.is_floating(values.type):
        # Arrow writes the shortest text that reads back as the same number
        values = pc.if_else(pc.is_finite(values), values, pa.scalar(None, values.type))
    return values.cast(pa.string()).cast(pa.large_string())


def _bytes(texts: pa.Array) -> NDArray[np.uint8]:
    """Return the bytes of all texts, one after the other."""
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    if data is None:
        return np.empty(0, dtype=np.uint8)
    return np.frombuffer(data, dtype=np.uint8)[int(ends[0]) : int(ends[-1])]


def _joined(*parts: Any) -> pa.Array:
    text = [pa.scalar(p, pa.large_string()) if isinstance(p, str) else p.cast(pa.large_string())
            for p in parts]  # fmt: skip
    return pc.binary_join_element_wise(*text, pa.scalar("", pa.large_string()))
