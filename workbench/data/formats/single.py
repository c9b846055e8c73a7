"""From records to judgements one at a time, for layouts too nested for columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats.records import Record, Unreadable


def translate(
    records: pa.Table,
    first_row: int,
    read: Callable[[Record], Iterable[Record]],
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """Return the judgements of a table of records.

    Parameters
    ----------
    records : pyarrow.Table
    first_row : int
        Number of the first record in the file, from 1.
    read : callable
        From a record to its judgements; raises ``Unreadable``.
    settings : mapping
        What the reader decided, for the load report.
    """
    return gathered(enumerate(records.to_pylist(), start=first_row), read, settings)


def gathered(
    numbered: Iterable[tuple[int, Record]],
    read: Callable[[Record], Iterable[Record]],
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """Return the judgements of records that come with their numbers in the file.

    Parameters
    ----------
    numbered : iterable of tuple
        Number and record; a record may be made of several, and has the number of the first.
    read, settings
        As for :func:`translate`.
    """
    rows: list[Record] = []
    for row, record in numbered:
        try:
            rows.extend({"row": row, **judgement} for judgement in read(record))
        except Unreadable as trouble:
            rows.append({"row": row, "problem": "unparseable", "found": trouble.found})
    frame = pd.DataFrame.from_records(rows)
    for column in ("row", "preference", "problem", "found"):
        if column not in frame:
            frame[column] = None
    frame.attrs["settings"] = dict(settings)
    return frame


def number(value: Any) -> float:
    """Return a number of a record, NaN where it is none.

    Examples
    --------
    >>> number("4"), number("N/A")
    (4.0, nan)
    """
    if isinstance(value, bool) or value is None:
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def scalars(record: Record, used: Iterable[str]) -> Record:
    """Return what else a record says, as far as it is text, a number or a flag."""
    skip = set(used)
    return {
        key: value
        for key, value in record.items()
        if key not in skip and isinstance(value, (str, int, float, bool))
    }
