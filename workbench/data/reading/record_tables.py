"""Python records as Arrow tables, whatever their fields hold."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.data.formats.messages import as_messages, text_of, whole_text
from workbench.data.formats.records import excerpt, is_text

_MIXED = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError)


def table_of(records: list[dict[str, Any]]) -> tuple[pa.Table, list[str]]:
    """Return records as a table, and notes on values that it cannot hold.

    A column of mixed types becomes text. Where all of it is nested, it is their JSON; among
    plain values only chat messages are, and other nested values are left open, for they have
    no reading as a text.

    Parameters
    ----------
    records : list of dict

    Examples
    --------
    >>> table, notes = table_of([{"x": 1}, {"x": "tie"}, {"x": ["?"]}])
    >>> table.column("x").to_pylist(), notes
    (['1', 'tie', None], ["x: nested values among other types, left open (such as list ['?'])"])
    """
    names = list(dict.fromkeys(key for record in records for key in record))
    notes: list[str] = []
    arrays = []
    for name in names:
        array, told = column_of(str(name), [record.get(name) for record in records])
        arrays.append(array)
        notes += told
    return pa.Table.from_arrays(arrays, names=[str(name) for name in names]), notes


def column_of(name: str, values: list[Any]) -> tuple[pa.Array, list[str]]:
    """Return values as a column, and notes on those that it cannot hold."""
    notes: list[str] = []
    try:
        return pa.array(values), notes
    except _MIXED:
        return _texts(name, values, notes), notes


def left_open(records: list[dict[str, Any]], table: pa.Table) -> dict[int, str]:
    """Return which records hold a nested value that their table could not keep.

    Parameters
    ----------
    records : list of dict
    table : pyarrow.Table
        Made of them by :func:`table_of`.

    Returns
    -------
    dict of int to str
        Name and excerpt of the value, by the record's position.

    Examples
    --------
    >>> records = [{"x": 1}, {"x": ["?"]}]
    >>> left_open(records, table_of(records)[0])
    {1: "x: list ['?']"}
    """
    lost: dict[int, str] = {}
    for name in table.column_names:
        if not is_text(table.schema.field(name).type):
            continue
        empty = np.flatnonzero(np.asarray(table.column(name).is_null()))
        for place in empty:
            value = records[place].get(name)
            if value is not None:
                lost.setdefault(int(place), f"{name}: {excerpt(value)}")
    return lost


def stacked(parts: list[tuple[pa.Table, list[str]]]) -> tuple[pa.Table, list[str]]:
    """Join tables with their notes; a column that is not of one type in all becomes text.

    Examples
    --------
    >>> table, _ = stacked([table_of([{"x": 1}]), table_of([{"x": "tie", "y": 2}])])
    >>> table.to_pylist()
    [{'x': '1', 'y': None}, {'x': 'tie', 'y': 2}]
    """
    tables = [table for table, _ in parts]
    notes = [note for _, part in parts for note in part]
    names = dict.fromkeys(name for table in tables for name in table.column_names)
    for name in names:
        if _differs(tables, name):
            tables = [_written(table, name, notes) for table in tables]
    joined = pa.concat_tables(tables, promote_options="permissive")
    return joined, list(dict.fromkeys(notes))


def _differs(tables: list[pa.Table], name: str) -> bool:
    fields = [pa.schema([t.schema.field(name)]) for t in tables if name in t.column_names]
    try:
        pa.unify_schemas(fields, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return True
    return False


def _written(table: pa.Table, name: str, notes: list[str]) -> pa.Table:
    if name not in table.column_names or is_text(table.schema.field(name).type):
        return table
    values = _texts(name, table.column(name).to_pylist(), notes)
    return table.set_column(table.schema.get_field_index(name), name, values)


def _texts(name: str, values: list[Any], notes: list[str]) -> pa.Array:
    if all(value is None or isinstance(value, dict | list) for value in values):
        # objects and lists whose fields differ in type: their JSON keeps them whole
        whole = [None if value is None else json.dumps(value, default=str) for value in values]
        return pa.array(whole, pa.large_string())
    texts: list[str | None] = []
    lost: Any = None
    for value in values:
        if isinstance(value, str):
            texts.append(whole_text(value))
        elif _is_text_parts(value):
            texts.append(whole_text(text_of({"content": value})))
        elif value is None or (isinstance(value, list | dict) and as_messages(value) is None):
            lost = value if lost is None else lost
            texts.append(None)
        else:
            texts.append(json.dumps(value, default=str))
    if lost is not None:
        shown = excerpt(lost)
        notes.append(f"{name}: nested values among other types, left open (such as {shown})")
    return pa.array(texts, pa.large_string())


def _is_text_parts(value: Any) -> bool:
    """Tell whether a value is one text in parts, as messages write their content."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(part, dict) and part.get("type") == "text" and "text" in part
            for part in value
        )
        and all(isinstance(part["text"], str) for part in value)
    )
