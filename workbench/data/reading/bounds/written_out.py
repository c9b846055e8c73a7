"""Arrow arrays whose values share memory, and what they take when each has its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_Sizes = NDArray[np.int64]


def written_out(column: pa.Array) -> int:
    """Return the bytes of an array's values without dictionaries, runs and views.

    Parameters
    ----------
    column : pyarrow.Array

    Raises
    ------
    pyarrow.ArrowInvalid
        Codes or places that lead to no value.

    Examples
    --------
    >>> codes = pa.array([0, 0, 0, None], pa.int32())
    >>> written_out(pa.DictionaryArray.from_arrays(codes, ["four"]))
    12
    """
    if not _shares(column.type):
        return int(column.nbytes)
    try:
        return int(_sizes(column).sum())
    except IndexError as error:
        raise pa.ArrowInvalid(f"A code or a place leads to no value: {error}") from error


def leaf_of(column: pa.Array) -> pa.Array:
    """Return the values inside lists and objects of one field."""
    while pa.types.is_nested(column.type):
        column = column.field(0) if pa.types.is_struct(column.type) else column.flatten()
    return column


def _shares(kind: pa.DataType) -> bool:
    """Tell whether values of a type, or inside it, may stand several times in one memory."""
    if isinstance(kind, pa.BaseExtensionType):
        return _shares(kind.storage_type)
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind) or _is_view(kind):
        return True
    return any(_shares(kind.field(i).type) for i in range(kind.num_fields))


def _is_text_view(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string_view(kind) or pa.types.is_binary_view(kind))


def _is_list_view(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind))


def _is_view(kind: pa.DataType) -> bool:
    return _is_text_view(kind) or _is_list_view(kind)


def _sizes(column: Any) -> _Sizes:
    """Return the bytes of each value."""
    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return _sizes(column.storage)
    if pa.types.is_dictionary(kind):
        # what is missing has no code, and no size
        codes = column.indices.cast(pa.int64()).fill_null(len(column.dictionary))
        return np.asarray(np.append(_sizes(column.dictionary), 0)[np.asarray(codes)])
    if pa.types.is_run_end_encoded(kind):
        places = np.arange(column.offset, column.offset + len(column))
        runs = np.searchsorted(np.asarray(column.run_ends), places, "right")
        return np.asarray(_sizes(column.values)[runs])
    if pa.types.is_struct(kind):
        fields = [_sizes(column.field(i)) for i in range(kind.num_fields)]
        return np.asarray(np.sum([np.zeros(len(column), np.int64), *fields], axis=0))
    if pa.types.is_fixed_size_list(kind):
        inner = _sizes(column.values)
        start = column.offset * kind.list_size
        inner = inner[start : start + len(column) * kind.list_size]
        return np.asarray(inner.reshape(len(column), kind.list_size).sum(axis=1))
    if pa.types.is_nested(kind) and not pa.types.is_union(kind):
        total = np.append(0, np.cumsum(_sizes(column.values)))
        starts = np.asarray(column.offsets)
        if _is_list_view(kind):
            return np.asarray(total[starts + np.asarray(column.sizes)] - total[starts])
        return np.asarray(np.diff(total[starts]))
    return _of_plain(column)


def _of_plain(column: pa.Array) -> _Sizes:
    kind = column.type
    if _is_text_view(kind):
        # a view begins with the length of its text (Arrow's columnar format)
        views = np.frombuffer(column.buffers()[1], np.int32).reshape(-1, 4)
        return views[column.offset : column.offset + len(column), 0].astype(np.int64)
    try:
        lengths = pc.binary_length(column)
    except pa.ArrowNotImplementedError:
        return np.full(len(column), column.nbytes // max(len(column), 1))
    return np.asarray(lengths.fill_null(0), np.int64)
