"""Digests that name content: of single rows, and of whole tables."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_BAR = pa.scalar("|", pa.large_string())

_DIGEST_ROWS = 50_000
"""Rows joined at a time for their digests: bounds the copy of the text."""


def content_digests(columns: list[pd.Series]) -> pd.Series:
    """Return a 128-bit hex digest (SHA-256, cut) for each row of text columns.

    The text of each column enters with its length, so no two different rows meet by
    moving text over a column's border; a missing value differs from empty text.

    Parameters
    ----------
    columns : list of Series
        Text columns of one length.

    Examples
    --------
    >>> a = content_digests([pd.Series(["ab"]), pd.Series(["c"])])
    >>> b = content_digests([pd.Series(["a"]), pd.Series(["bc"])])
    >>> len(a[0]), a[0] == b[0]
    (32, False)
    """
    arrays = [_text_array(column) for column in columns]
    digests: list[bytes] = []
    for start in range(0, len(columns[0]), _DIGEST_ROWS):
        parts = [_one_piece(array.slice(start, _DIGEST_ROWS)) for array in arrays]
        sizes = [pc.cast(pc.binary_length(part), pa.large_string()) for part in parts]
        joined = pc.binary_join_element_wise(
            *sizes, *parts, _BAR, null_handling="replace", null_replacement="-"
        )
        offsets = np.frombuffer(joined.buffers()[1], np.int64)[: len(joined) + 1].tolist()
        content = memoryview(joined.buffers()[2] or b"")
        digests += [
            hashlib.sha256(content[begin:end]).digest()[:16]
            for begin, end in itertools.pairwise(offsets)
        ]
    text = b"".join(digests).hex()
    offsets = np.arange(0, len(text) + 1, 32, dtype=np.int64)
    array = pa.LargeStringArray.from_buffers(
        len(digests), pa.py_buffer(offsets), pa.py_buffer(text.encode())
    )
    return pd.Series(array.to_pandas(), dtype="str")


def hash_table(
    state: hashlib.blake2b, table: pd.DataFrame, keys: list[str], skip: tuple[str, ...] = ()
) -> None:
    """Feed a table into a hash, whatever the order of its rows and columns.

    Parameters
    ----------
    state : blake2b
    table : DataFrame
    keys : list of str
        Columns that tell rows apart: rows are taken in their order.
    skip : tuple of str
        Columns that the keys stand for already.
    """
    order = np.asarray(table[keys].sort_values(keys).index)
    for name in sorted(c for c in table.columns if c not in skip):
        column = table[name].iloc[order]
        state.update(f"{len(name)}:{name}:{len(column)}:".encode())
        numeric = pd.api.types.is_numeric_dtype(column.dtype)
        values = column.to_numpy("float64") if numeric else column.astype("str").fillna("\0")
        state.update(np.ascontiguousarray(pd.util.hash_array(np.asarray(values))).tobytes())


def _text_array(column: pd.Series) -> pa.Array | pa.ChunkedArray:
    return pa.array(column.astype("str"), type=pa.large_string(), from_pandas=True)


def _one_piece(part: pa.Array | pa.ChunkedArray) -> pa.Array:
    return part.combine_chunks() if isinstance(part, pa.ChunkedArray) else part
