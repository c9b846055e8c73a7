"""When pairs were made or judged, where the file says so."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData

NAMES = ("tstamp", "timestamp", "datetime", "date", "time", "judged_at", "created_at", "created",
         "submitted_at", "updated_at")  # fmt: skip
"""Columns that are read as times, the first that is there; others by their type."""

_SECONDS = (1e8, 1e10)
"""Numbers between these are seconds since 1970; a thousand times as many are milliseconds."""


def dates_of(data: PreferenceData) -> pd.Series | None:
    """Return the time of each pair, or None where no column holds times.

    Times of labels count where the pairs have none: a pair has that of its first label.

    Returns
    -------
    Series of datetime64 (UTC) or None
        In the order of ``data.pairs``; missing where the file has none or it cannot be read.

    Examples
    --------
    >>> import workbench as wb
    >>> dates_of(wb.load("sample")) is None
    True
    """
    own = times_of(data.pairs)
    if own is not None:
        return own.reset_index(drop=True)
    of_labels = times_of(data.labels)
    if of_labels is None:
        return None
    first = of_labels.groupby(data.pair_rows).min()
    return first.reindex(np.arange(len(data.pairs))).reset_index(drop=True)


def times_of(table: pd.DataFrame) -> pd.Series | None:
    """Return the times of the first column that holds some, None where there is none."""
    typed = [c for c in table if pd.api.types.is_datetime64_any_dtype(table[c].dtype)]
    for name in (*(name for name in NAMES if name in table), *typed):
        times = as_times(table[name])
        if times.notna().any():
            return times.rename(name)
    return None


def as_times(column: pd.Series) -> pd.Series:
    """Return the times of a column in UTC; missing where a value cannot be read as one.

    Examples
    --------
    >>> as_times(pd.Series(["2024-05-31T01:00+02:00", "31/05/2024"])).dt.hour.tolist()
    [23.0, nan]
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return pd.to_datetime(column, utc=True)
    if pd.api.types.is_bool_dtype(column.dtype):
        return pd.Series(pd.NaT, index=column.index, dtype="datetime64[ns, UTC]")
    if not pd.api.types.is_numeric_dtype(column.dtype):
        numbers = pd.to_numeric(column, errors="coerce")
        if numbers.notna().sum() < column.notna().sum():
            return pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601")
        column = numbers
    low, high = _SECONDS
    milliseconds = column.between(1000 * low, 1000 * high)
    seconds = column.where(~milliseconds, column / 1000).astype("float64")
    return pd.to_datetime(seconds.where(seconds.between(low, high)), unit="s", utc=True)
