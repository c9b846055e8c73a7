"""JSON documents that hold records in another shape than a list of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Record = dict[str, Any]

_DEPTH = 3
"""Levels of objects in which a list of records is looked for."""

_OF_MESSAGES = ({"role", "content"}, {"from", "value"})


def records_in(document: Any) -> list[Record] | None:
    """Return the records of a document that is a table in another shape.

    Read are ``{"columns": [...], "data": [[...], ...]}`` (pandas ``orient="split"``, MLflow,
    Weights & Biases), a column each (pandas' default, objects of lists), rows by their
    number (pandas ``orient="index"``), a table with its schema (``orient="table"``), and the
    rows of the hub's viewer.

    Parameters
    ----------
    document : object
        The parsed JSON.

    Returns
    -------
    list of dict or None
        None where the document is no such table.

    Examples
    --------
    >>> records_in({"columns": ["x", "y"], "data": [[1, 2]]})
    [{'x': 1, 'y': 2}]
    >>> records_in({"x": {"0": 1, "1": 2}, "y": {"0": 3, "1": 4}})
    [{'x': 1, 'y': 3}, {'x': 2, 'y': 4}]
    >>> records_in({"x": [1, 2], "y": [3, 4]})
    [{'x': 1, 'y': 3}, {'x': 2, 'y': 4}]
    >>> records_in({"prompt": "q", "chosen": "x"}) is None
    True
    """
    if not isinstance(document, Mapping) or not document:
        return None
    for shape in (_of_split, _of_schema, _of_viewer, _of_numbered_rows, _of_columns, _of_lists):
        found = shape(document)
        if found is not None:
            return found
    return None


def inner_records(document: Any) -> list[Record] | None:
    """Return the only list of objects that a document holds, None where there is no such.

    Whether the document is about that list, or is a record itself, its fields do not tell.

    Examples
    --------
    >>> inner_records({"version": 3, "results": {"results": [{"x": 1}]}})
    [{'x': 1}]
    """
    found = _lists(document, _DEPTH) if isinstance(document, Mapping) else []
    return found[0] if len(found) == 1 else None


def _lists(document: Mapping[str, Any], depth: int) -> list[list[Record]]:
    found: list[list[Record]] = []
    for value in document.values():
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            if not any(kind <= value[0].keys() for kind in _OF_MESSAGES):
                found.append(value)
        elif isinstance(value, Mapping) and depth > 1:
            found += _lists(value, depth - 1)
    return found


def _of_split(document: Mapping[str, Any]) -> list[Record] | None:
    columns, data = document.get("columns"), document.get("data")
    if not isinstance(columns, list) or not isinstance(data, list) or not columns:
        return None
    names = [" ".join(map(str, name)) if isinstance(name, list) else str(name) for name in columns]
    rows = [row for row in data if isinstance(row, list) and len(row) == len(names)]
    if len(rows) != len(data) or len(set(names)) != len(names):
        return None
    return [dict(zip(names, row, strict=True)) for row in rows]


def _of_schema(document: Mapping[str, Any]) -> list[Record] | None:
    schema, data = document.get("schema"), document.get("data")
    is_table = isinstance(schema, Mapping) and isinstance(schema.get("fields"), list)
    return list(data) if is_table and isinstance(data, list) and _all_objects(data) else None


def _of_viewer(document: Mapping[str, Any]) -> list[Record] | None:
    rows = document.get("rows")
    if not isinstance(rows, list) or not rows or not _all_objects(rows):
        return None
    if not all(isinstance(row.get("row"), dict) and "row_idx" in row for row in rows):
        return None
    return [row["row"] for row in rows]


def _of_numbered_rows(document: Mapping[str, Any]) -> list[Record] | None:
    """Return rows by their number; ``{"0": {...}, "1": {...}}``."""
    if not _numbers(document) or not _all_objects(list(document.values())):
        return None
    if [str(key) for key in document] == [str(n) for n in range(len(document))]:
        return [dict(row) for row in document.values()]
    return [{"index": key, **row} for key, row in document.items()]


def _of_columns(document: Mapping[str, Any]) -> list[Record] | None:
    """Return the rows of columns that are objects by row."""
    columns = list(document.values())
    if not _all_objects(columns) or not columns[0]:
        return None
    keys = list(columns[0])
    if not _numbers(columns[0]) or any(set(column) != set(keys) for column in columns[1:]):
        return None
    return [{name: column[key] for name, column in document.items()} for key in keys]


def _of_lists(document: Mapping[str, Any]) -> list[Record] | None:
    """Return the rows of columns that are lists of one length."""
    columns = list(document.values())
    if len(columns) < 2 or not all(isinstance(column, list) for column in columns):
        return None
    lengths = {len(column) for column in columns}
    if len(lengths) != 1 or 0 in lengths or _is_chat(columns):
        return None
    return [dict(zip(document, row, strict=True)) for row in zip(*columns, strict=True)]


def _is_chat(columns: list[list[Any]]) -> bool:
    """Tell a record of conversations, whose lists are one value each."""
    return any(
        isinstance(item, dict) and any(kind <= item.keys() for kind in _OF_MESSAGES)
        for column in columns
        for item in column[:1]
    )


def _all_objects(values: list[Any]) -> bool:
    return all(isinstance(value, dict) for value in values)


def _numbers(document: Mapping[str, Any]) -> bool:
    return all(str(key).isdigit() for key in document)
