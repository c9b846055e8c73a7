"""Rows of texts that stood further up already."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.digests import Words, content_digests, mixed

_LOOKS = 16
"""Bytes of a text that are looked at."""

_ODD = np.uint64(0x9E3779B97F4A7C15)


def first_alike(columns: Sequence[pd.Series]) -> NDArray[np.int64]:
    """Return the first row that holds the same texts as each row.

    Digests of all texts would read every byte of them. Different texts almost always differ in
    their length or in a few bytes spread over them; digests are taken of the others alone.

    Parameters
    ----------
    columns : sequence of Series
        Text columns of one length.

    Examples
    --------
    >>> first_alike([pd.Series(["a", "b", "a"]), pd.Series(["x", "x", "x"])]).tolist()
    [0, 1, 0]
    """
    first = np.arange(len(columns[0]))
    looks = np.zeros(len(first), dtype=np.uint64)
    for column in columns:
        looks = mixed(looks) + _looks(column)
    alike = np.flatnonzero(pd.Series(looks).duplicated(keep=False).to_numpy())
    if len(alike):
        digests = content_digests([column.iloc[alike] for column in columns])
        code = pd.factorize(digests)[0]
        begin = np.full(code.max() + 1, -1, dtype=np.int64)
        begin[code[::-1]] = alike[::-1]
        first[alike] = begin[code]
    return first


def _looks(column: pd.Series) -> Words:
    """Return a hash of the length of each text and of bytes spread evenly over it."""
    array = pa.array(column.astype("str"), type=pa.large_string(), from_pandas=True)
    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    return np.concatenate([np.empty(0, dtype=np.uint64), *(_looked(chunk) for chunk in chunks)])


def _looked(array: pa.LargeStringArray) -> Words:
    _, offsets, content = array.buffers()
    at = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    text: NDArray[np.uint8] = np.frombuffer(content or b"\0", np.uint8)
    begin, size = at[:-1], np.diff(at)
    found = size.astype(np.uint64)
    last = np.maximum(size - 1, 0)
    for k in range(_LOOKS):
        place = begin + last * k // (_LOOKS - 1)
        found = (found ^ text.take(place, mode="clip")) * _ODD
        found ^= found >> np.uint64(29)
    # the bytes at the place of an empty text are those of the next one
    found[size == 0] = 0
    found[array.is_null().to_numpy(zero_copy_only=False)] = 1
    return found
