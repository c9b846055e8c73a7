"""Rows of tables: their values as numbers, and texts that may lie in several pieces."""

from __future__ import annotations

import binascii
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_DIGEST = 32
"""Letters of a digest."""


def kept_rows(table: pd.DataFrame, keep: np.ndarray) -> pd.DataFrame:
    """Return the rows of a table that are to be kept, without a copy of the other ones.

    A table that is kept whole shares its memory until somebody writes into one of the two.

    Parameters
    ----------
    table : DataFrame
    keep : ndarray of bool, shape (n,)

    Examples
    --------
    >>> table = pd.DataFrame({"text": ["a", "b", "c"]})
    >>> kept_rows(table, np.array([True, False, True]))["text"].tolist()
    ['a', 'c']
    """
    if keep.all():
        return table.reset_index(drop=True)
    pieces = _in_pieces(table)
    if not pieces:
        return table[keep].reset_index(drop=True)
    return _with(table, pieces, keep, {name: table[name][keep] for name in pieces})


def taken_rows(table: pd.DataFrame, rows: NDArray[np.int64]) -> pd.DataFrame:
    """Return rows of a table by their positions, without a copy of the other ones.

    Parameters
    ----------
    table : DataFrame
    rows : ndarray of int, shape (n,)

    Examples
    --------
    >>> table = pd.DataFrame({"text": ["a", "b", "c"]})
    >>> taken_rows(table, np.array([2, 0]))["text"].tolist()
    ['c', 'a']
    """
    pieces = _in_pieces(table)
    if not pieces:
        return table.iloc[rows].reset_index(drop=True)
    wanted = np.zeros(len(table), dtype=bool)
    wanted[rows] = True
    # among the rows that are wanted: few, which may be joined
    place = (np.cumsum(wanted) - 1)[rows]
    texts = {name: _joined(table[name][wanted]).take(place) for name in pieces}
    return _with(table, pieces, rows, texts)


def _with(
    table: pd.DataFrame, pieces: list[str], rows: Any, texts: dict[str, pd.Series]
) -> pd.DataFrame:
    rest = table.drop(columns=pieces)
    chosen = (rest[rows] if rows.dtype == bool else rest.iloc[rows]).reset_index(drop=True)
    chosen = chosen.assign(**{name: one.reset_index(drop=True) for name, one in texts.items()})
    return chosen[table.columns]


def _joined(column: pd.Series) -> pd.Series:
    array = pa.array(column)
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return pd.Series(pd.array(whole, dtype=column.dtype))


def _in_pieces(table: pd.DataFrame) -> list[str]:
    """Return the columns of texts in several pieces: Arrow joins them to take rows by number."""
    found = []
    for name, column in table.items():
        if isinstance(column.dtype, pd.StringDtype) and column.dtype.storage == "pyarrow":
            array = pa.array(column)
            if isinstance(array, pa.ChunkedArray) and array.num_chunks > 1:
                found.append(str(name))
    return found


class Coded(NamedTuple):
    """A column as numbers.

    Attributes
    ----------
    codes : ndarray of int, shape (rows,)
        Position of each row's value in ``names``; -1 where it is missing.
    names : Index of str
        The values that there are, sorted.
    """

    codes: np.ndarray
    names: pd.Index

    def take(self, keep: np.ndarray) -> Coded:
        """Return some rows, by a mask; values that none of them has are no more."""
        if keep.all():
            return self
        codes = self.codes[keep]
        used = np.zeros(len(self.names) + 1, dtype=bool)
        used[codes] = True
        # the last place is that of missing values
        used[-1] = False
        if used[:-1].all():
            return Coded(codes, self.names)
        moved = np.cumsum(used, dtype=codes.dtype) - 1
        moved[-1] = -1
        return Coded(moved[codes], self.names[used[:-1]])

    def among(self, names: Iterable[str]) -> np.ndarray:
        """Return which rows have one of some values, shape (rows,)."""
        wanted = np.append(self.names.isin(list(names)), False)
        return np.asarray(wanted[self.codes])


def coded(column: pd.Series) -> Coded:
    """Return a column of text as numbers.

    Examples
    --------
    >>> found = coded(pd.Series(["b", None, "a", "b"], dtype="str"))
    >>> found.codes.tolist(), found.names.tolist()
    ([1, -1, 0, 1], ['a', 'b'])
    """
    codes, found = pd.factorize(column)
    names = pd.Index(found, dtype="str")
    order = _sorted(names)
    # labels may be tens of millions, the values a few; the last place is that of missing ones
    rank = np.full(len(names) + 1, -1, dtype=np.int16 if len(names) < 2**15 else np.int32)
    rank[order] = np.arange(len(names))
    return Coded(rank[codes], names[order])


def _sorted(names: pd.Index) -> np.ndarray:
    """Return the order of distinct texts; digests are sorted as the numbers that they are."""
    array = pa.array(names, pa.large_string(), from_pandas=True)
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if len(array) and (np.asarray(pc.binary_length(array)) == _DIGEST).all():
        start = int(np.frombuffer(array.buffers()[1], np.int64)[array.offset])
        text = bytes(array.buffers()[2][start : start + len(array) * _DIGEST])
        if not text.translate(None, b"0123456789abcdef"):
            numbers = np.frombuffer(binascii.unhexlify(text), ">u8").astype(np.uint64)
            first = numbers[::2]
            order = np.argsort(first)
            if (np.diff(first[order]) > 0).all():
                return np.asarray(order)
    return np.asarray(names.argsort())
