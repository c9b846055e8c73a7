"""Values that a file stores by codes of its own: class names, JSON, dictionaries, times."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from workbench.data.reading.record_tables import column_of, stacked

_FEATURES = b"huggingface"
_PIECE = 20_000
"""Nested records that are decoded as Python objects at a time."""


def features_of(schema: pa.Schema) -> dict[str, Any]:
    """Return the features that the library `datasets` wrote into a schema's metadata."""
    written = (schema.metadata or {}).get(_FEATURES)
    try:
        found = json.loads(written or b"{}")["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def decoded(
    table: pa.Table, features: Mapping[str, Any] | None = None
) -> tuple[pa.Table, list[str]]:
    """Return a table of plain values, and notes on what was decoded.

    Class codes become the names that the schema's metadata give them, at the top and
    inside lists and structs; JSON fields (``arrow.json``) what they hold; dictionaries
    their values; maps objects; times text, as dates where all are at midnight; bytes text
    where they are UTF-8.

    Parameters
    ----------
    table : pyarrow.Table
    features : mapping, optional
        As `datasets` writes them; from the schema's metadata when None.

    Examples
    --------
    >>> names = {"label": {"names": ["left", "right"], "_type": "ClassLabel"}}
    >>> decoded(pa.table({"label": [1, 0, -1]}), names)[0].column("label").to_pylist()
    ['right', 'left', None]
    """
    known = features_of(table.schema) if features is None else features
    notes: list[str] = []
    for index, name in enumerate(table.column_names):
        column, feature = table.column(index), known.get(name)
        if not _is_coded(column.type, feature):
            continue
        names = _class_names(feature)
        if names and pa.types.is_integer(column.type):
            column = _named(column, names)
            notes.append(f"{name}: class codes are read by their names ({', '.join(names[:6])})")
        elif pa.types.is_dictionary(column.type):
            column = _by_values(column)
        elif pa.types.is_temporal(column.type):
            column = _written(column)
            notes.append(f"{name}: stored as times, read as text such as {_example(column)}")
        elif _is_bytes(column.type):
            column = _text_if_any(column)
        else:
            column = _each(name, column, feature, notes)
        table = table.set_column(index, name, column)
    return table, list(dict.fromkeys(notes))


def _is_coded(kind: pa.DataType, feature: Any, top: bool = True) -> bool:
    """Tell whether values of a type, or inside it, are stored by codes."""
    if (
        _class_names(feature)
        or _is_json(kind, feature)
        or pa.types.is_dictionary(kind)
        or pa.types.is_temporal(kind)
        or pa.types.is_map(kind)
        or (top and _is_bytes(kind))
    ):
        return True
    if pa.types.is_struct(kind):
        return any(_is_coded(f.type, _within(feature, f.name), False) for f in kind.fields)
    return _is_list(kind) and _is_coded(kind.value_type, _items(feature), False)


def _is_json(kind: pa.DataType, feature: Any) -> bool:
    is_json = isinstance(kind, pa.BaseExtensionType) and kind.extension_name == "arrow.json"
    return is_json or (isinstance(feature, Mapping) and feature.get("_type") == "Json")


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    )


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    )


def _class_names(feature: Any) -> list[str]:
    if not isinstance(feature, Mapping) or feature.get("_type") != "ClassLabel":
        return []
    names = feature.get("names")
    names = list(names.values()) if isinstance(names, Mapping) else names
    return [str(name) for name in names] if isinstance(names, list) else []


def _within(feature: Any, name: str) -> Any:
    """Return the feature of a field; a sequence of objects was stored as lists in an object."""
    if not isinstance(feature, Mapping):
        return None
    items = feature.get("feature")
    if feature.get("_type") in ("Sequence", "List", "LargeList") and isinstance(items, Mapping):
        return [items.get(name)]
    return feature.get(name)


def _items(feature: Any) -> Any:
    if isinstance(feature, list):
        return feature[0] if feature else None
    return feature.get("feature") if isinstance(feature, Mapping) else None


def _named(column: pa.ChunkedArray, names: list[str]) -> pa.ChunkedArray:
    """Return class names for codes; a code below 0 is no class, one without a name stays."""
    codes = column.cast(pa.int64())
    known = pc.and_(pc.greater_equal(codes, 0), pc.less(codes, len(names)))
    zero = pa.scalar(0, pa.int64())
    named = pc.take(pa.array(names, pa.string()), pc.if_else(known, codes, zero))
    other = pc.if_else(pc.less(codes, 0), pa.scalar(None, pa.string()), codes.cast(pa.string()))
    return pc.if_else(known, named, other)


def _by_values(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the values that codes stand for; texts may be more than 2 GiB in all."""
    kind = column.type.value_type
    return column.cast(pa.large_string() if pa.types.is_string(kind) else kind)


def _written(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return times as text, as dates where all of them are at midnight."""
    if pa.types.is_timestamp(column.type) and column.type.tz is None:
        days = column.cast(pa.date32(), safe=False)
        midnight = pc.equal(days.cast(column.type), column)
        if pc.all(midnight).as_py() is not False:
            column = days
    return column.cast(pa.large_string())


def _example(column: pa.ChunkedArray) -> str:
    found = column.drop_null()
    return found[0].as_py() if len(found) else "none"


def _text_if_any(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.large_string())
    except pa.ArrowInvalid:
        # an image's bytes: what names its media looks at them
        return column


def _each(name: str, column: pa.ChunkedArray, feature: Any, notes: list[str]) -> pa.ChunkedArray:
    """Decode a column value by value."""
    decode = _decoder(column.type, feature)
    parts = []
    for start in range(0, max(len(column), 1), _PIECE):
        values = [decode(value) for value in column.slice(start, _PIECE).to_pylist()]
        array, told = column_of(name, values)
        parts.append((pa.table({name: array}), told))
    table, told = stacked(parts)
    notes.extend(told)
    return table.column(0)


_Decode = Callable[[Any], Any]


def _decoder(kind: pa.DataType, feature: Any) -> _Decode:
    """Return the function that makes plain values of those of a type."""
    names = _class_names(feature)
    if names:
        return lambda code: _name_of(code, names)
    if _is_json(kind, feature):
        return _from_json
    if pa.types.is_dictionary(kind):
        return _decoder(kind.value_type, feature)
    if pa.types.is_map(kind):
        item = _decoder(kind.item_type, None)
        return lambda pairs: (
            None if pairs is None else {str(key): item(value) for key, value in pairs}
        )
    if pa.types.is_struct(kind):
        fields = {f.name: _decoder(f.type, _within(feature, f.name)) for f in kind.fields}
        return lambda value: (
            None if value is None else {key: read(value[key]) for key, read in fields.items()}
        )
    if _is_list(kind):
        one = _decoder(kind.value_type, _items(feature))
        return lambda values: None if values is None else [one(value) for value in values]
    return _plain


def _name_of(code: Any, names: list[str]) -> str | None:
    if not isinstance(code, int) or code < 0:
        return code if isinstance(code, str) else None
    return names[code] if code < len(names) else str(code)


def _from_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is None and value.time() == time():
        value = value.date()
    return str(value) if isinstance(value, date | time) else value
