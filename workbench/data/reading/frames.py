"""Tables in memory as records."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pyarrow as pa

from workbench.data.reading.container import Container
from workbench.data.reading.record_tables import table_of
from workbench.data.reading.stored_types import decoded
from workbench.errors import DataError


def of_frame(frame: pd.DataFrame) -> Container:
    """Return the records of a table."""
    frame = frame.set_axis(frame.columns.map(str), axis=1)
    check_names(list(frame.columns), "table")
    try:
        table, notes = decoded(pa.Table.from_pandas(frame, preserve_index=False))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        table, notes = table_of(frame.to_dict("records"))
    return Container("table", table, notes=notes)


def check_names(columns: list[str], name: str) -> None:
    """Raise a DataError where a column name stands twice."""
    again = [column for column, number in Counter(columns).items() if number > 1]
    if again:
        raise DataError(
            "A column name stands twice.",
            where=name,
            found=repr(again[0]),
            expected="distinct column names",
            fix="Rename one of the two, or leave it out.",
        )
