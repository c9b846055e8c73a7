"""Rows of tables whose texts may lie in several pieces, each in a file of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa


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
    # by number, as a frame takes its rows, pieces of texts would first be joined: copied
    pieces = [name for name, column in table.items() if _in_pieces(column)]
    if not pieces:
        return table[keep].reset_index(drop=True)
    rows = table.drop(columns=pieces)[keep]
    rows = rows.assign(**{str(name): table[name][keep] for name in pieces})
    return rows[table.columns].reset_index(drop=True)


def _in_pieces(column: pd.Series) -> bool:
    if not isinstance(column.dtype, pd.StringDtype) or column.dtype.storage != "pyarrow":
        return False
    array = pa.array(column)
    return isinstance(array, pa.ChunkedArray) and array.num_chunks > 1
