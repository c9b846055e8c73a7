"""Which pairs the rows of another table speak of."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.columns import PAIR_COLUMNS, as_text
from workbench.data.dataset import PreferenceData
from workbench.data.formats.records import excerpt
from workbench.errors import DataError


def match_pairs(
    data: PreferenceData, table: pd.DataFrame, skip: Collection[str] = (), where: str = "table"
) -> tuple[NDArray[np.int64], str]:
    """Return the pair that each row of a table names.

    A row names its pair by ``pair_id`` or by a column of the pairs' own metadata that has
    another value for each pair, such as ``id`` (kept as ``source_id`` by most readers).
    Among several such columns, the one that knows the most rows is taken.

    Parameters
    ----------
    data : PreferenceData
    table : DataFrame
    skip : collection of str
        Columns that mean something else.
    where : str
        What to call the table in a message.

    Returns
    -------
    rows : ndarray of int, shape (n,)
        Position in ``data.pairs``, -1 where there is no such pair.
    column : str
        The column of the table that was taken.

    Raises
    ------
    DataError
        No column of the table names pairs of the data.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> table = pd.DataFrame({"pair_id": [data.pairs["pair_id"][3], "?"]})
    >>> match_pairs(data, table)[0].tolist()
    [3, -1]
    """
    best: tuple[int, NDArray[np.int64], str] | None = None
    names = sorted((c for c in table.columns if c not in skip), key=lambda c: c != "pair_id")
    for name in names:
        for key in (name, f"source_{name}"):
            if key not in data.pairs or (key in PAIR_COLUMNS and key != "pair_id"):
                continue
            known = _key(data.pairs[key])
            if known.isna().all() or known.dropna().duplicated().any():
                continue
            rows = pd.Index(known).get_indexer(_key(table[name]))
            rows[table[name].isna().to_numpy()] = -1
            found = int((rows >= 0).sum())
            if found and (best is None or found > best[0]):
                best = found, np.asarray(rows, dtype=np.int64), name
    if best is None:
        raise _no_key(data, table, where)
    return best[1], best[2]


def _key(column: pd.Series) -> pd.Series:
    """Return ids as text, without the space that a file may have around them."""
    return as_text(column).str.strip()


def _no_key(data: PreferenceData, table: pd.DataFrame, where: str) -> DataError:
    rows = table.head(1).to_dict("records")
    known = [c for c in data.pairs if c == "pair_id" or c not in PAIR_COLUMNS]
    shown = data.pairs["pair_id"].iloc[0] if len(data) else "none"
    return DataError(
        "No column names pairs of the data.",
        where=where,
        found="columns " + ", ".join(map(str, table.columns)) + f"; first row {excerpt(rows[:1])}",
        expected=f"a column pair_id (such as {shown}), or one of the pairs' own columns with "
        f"another value for each pair: {excerpt(', '.join(known[1:]) or 'there is none')}",
        fix="Write data.pairs to a file and add the new column to it.",
    )
