"""Rows of texts that stood further up already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.digests import Words, content_digests, mixed

Rows = NDArray[np.int64]

_LOOKS = 16
"""Bytes of a text that are looked at."""

_ODD = np.uint64(0x9E3779B97F4A7C15)


def first_alike(columns: Sequence[pd.Series]) -> Rows:
    """Return the first row that holds the same texts as each row.

    Digests of all texts would read every byte of them. Different texts almost always differ in
    their length or in a few bytes spread over them; what is alike there is compared as a whole with
    the first such row, and digests are taken of what differs from that.

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
    texts = [_Texts.of(column) for column in columns]
    looks = np.zeros(len(first), dtype=np.uint64)
    for text in texts:
        looks = mixed(looks) + text.looks
    alike = _first(pd.factorize(looks)[0])
    rows = np.flatnonzero(alike != first)
    same = np.ones(len(rows), dtype=bool)
    for text in texts:
        same[same] = text.same(rows[same], alike[rows[same]])
    first[rows[same]] = alike[rows[same]]
    if not same.all():
        rows = rows[~same]
        digests = content_digests([column.iloc[rows] for column in columns])
        first[rows] = rows[_first(pd.factorize(digests)[0])]
    return first


def _first(code: Rows) -> Rows:
    """Return the first row with the same code as each row."""
    begin = np.empty(code.max(initial=-1) + 1, dtype=np.int64)
    begin[code[::-1]] = np.arange(len(code))[::-1]
    return begin[code]


@dataclass(frozen=True, eq=False)
class _Texts:
    """A column of text where it lies in memory.

    Attributes
    ----------
    buffers : list of Buffer
        The bytes of each piece of the column.
    piece, begin, size : ndarray of int
        Of each row: the piece, where its bytes begin in it and how many they are; -1 where the
        text is missing.
    """

    buffers: list[pa.Buffer]
    piece: Rows
    begin: Rows
    size: Rows

    @classmethod
    def of(cls, column: pd.Series) -> _Texts:
        array = pa.array(column.astype("str"), type=pa.large_string(), from_pandas=True)
        chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
        edges = [_edges(chunk) for chunk in chunks]
        size = [np.empty(0, dtype=np.int64), *(np.diff(at) for at in edges)]
        known = np.asarray(array.is_valid())
        return cls(
            [chunk.buffers()[2] or pa.py_buffer(b"\0") for chunk in chunks],
            np.repeat(np.arange(len(chunks)), [len(chunk) for chunk in chunks]),
            np.concatenate([np.empty(0, dtype=np.int64), *(at[:-1] for at in edges)]),
            np.where(known, np.concatenate(size), -1),
        )

    @cached_property
    def looks(self) -> Words:
        """A hash of the length of each text and of bytes spread evenly over it."""
        found = self.size.astype(np.uint64)
        for k, buffer in enumerate(self.buffers):
            rows = slice(*np.searchsorted(self.piece, [k, k + 1]))
            found[rows] = _looked(buffer, self.begin[rows], self.size[rows])
        return found

    def same(self, rows: Rows, others: Rows) -> NDArray[np.bool_]:
        """Return which rows hold the text that the row beside them in ``others`` holds."""
        found = self.size[rows] == self.size[others]
        open_ = np.flatnonzero(found & (self.size[rows] > 0))
        parts = [
            (self.piece[which].tolist(), self.begin[which].tolist())
            for which in (rows[open_], others[open_])
        ]
        (piece, begin), (other, start), buffers = parts[0], parts[1], self.buffers
        size = self.size[rows[open_]].tolist()
        found[open_] = [
            buffers[p].slice(a, n).equals(buffers[q].slice(b, n))
            for p, a, q, b, n in zip(piece, begin, other, start, size, strict=True)
        ]
        return np.asarray(found)


def _edges(chunk: pa.LargeStringArray) -> Rows:
    offsets = np.frombuffer(chunk.buffers()[1], np.int64)
    return offsets[chunk.offset : chunk.offset + len(chunk) + 1]


def _looked(buffer: pa.Buffer, begin: Rows, size: Rows) -> Words:
    text: NDArray[np.uint8] = np.frombuffer(buffer, np.uint8)
    last = np.maximum(size - 1, 0)
    found = size.astype(np.uint64)
    for k in range(_LOOKS):
        place = begin + last * k // (_LOOKS - 1)
        found = (found ^ text.take(place, mode="clip")) * _ODD
        found ^= found >> np.uint64(29)
    # the bytes at the place of an empty text are those of the next one
    bare = size <= 0
    found[bare] = size[bare].astype(np.uint64)
    return found
