"""Rows of tables whose texts may lie in several pieces, each in a file of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray


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
