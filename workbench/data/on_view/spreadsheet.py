"""Tables as CSV that a spreadsheet cannot be tricked by."""

from __future__ import annotations

import csv

import pandas as pd

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(table: pd.DataFrame) -> str:
    """Return a table as CSV text; text cells that a spreadsheet would run get an apostrophe.

    Text is quoted, so that a carriage return within a cell cannot begin a row.

    Examples
    --------
    >>> print(to_csv(pd.DataFrame({"name": ["=1+1", "-x", "ok"], "value": [-1.5, 2, 3]})).strip())
    "name","value"
    "'=1+1",-1.5
    "'-x",2.0
    "ok",3.0
    """
    safe = table.copy()
    # by position: two columns may have one name
    safe.columns = pd.RangeIndex(len(safe.columns))
    for position, dtype in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(dtype):
            cells = table.iloc[:, position]
            safe[position] = [guard(v) if isinstance(v, str) else v for v in cells]
    safe.columns = pd.Index([guard(str(name)) for name in table.columns])
    return str(safe.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC))


def guard(text: str) -> str:
    """Return a text that a spreadsheet takes for text."""
    return f"'{text}" if text.startswith(_FORMULA) else text
