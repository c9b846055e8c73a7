"""From the columns of a table of records to the columns of judgements."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.data.formats import JUDGEMENT_COLUMNS
from workbench.data.reading.bounds.limits import check_shape
from workbench.errors import DataError

Record = dict[str, Any]

RESERVED = {*JUDGEMENT_COLUMNS, "found", "pair", "pair_id", "prompt_id"}
"""Names that a file's own columns cannot keep: the data model uses them."""


class Unreadable(Exception):  # noqa: N818 - not an error of the program: the row is counted
    """A record that cannot become a label.

    Parameters
    ----------
    found : object
        What was there; the load report shows it in short.
    """

    def __init__(self, found: Any) -> None:
        self.found = excerpt(found)
        super().__init__(self.found)


def excerpt(value: Any) -> str:
    """Return a short text of a value for a report.

    Examples
    --------
    >>> excerpt([1, 2]), excerpt(None), len(excerpt("x" * 500))
    ('list [1, 2]', 'nothing', 80)
    """
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else f"{type(value).__name__} {value!r}"
    return text if len(text) <= 80 else text[:77] + "..."


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a column of this type holds text (a column of nothing but nulls does)."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_null(kind)
    )


def require(records: pa.Table, columns: Collection[str], title: str) -> None:
    """Raise a DataError where a table lacks a column of a format."""
    missing = [name for name in columns if name not in records.column_names]
    if missing:
        raise DataError(
            f"The file has no column {missing[0]!r}, which {title} needs.",
            found="columns " + (", ".join(records.column_names) or "none"),
            expected="columns " + ", ".join(columns),
            fix="Leave format out to have it recognised by content, or map the columns.",
        )


def values(records: pa.Table, name: str) -> list[Any]:
    """Return a column as Python values; all None where there is no such column."""
    if name not in records.column_names:
        return [None] * len(records)
    column: list[Any] = records.column(name).to_pylist()
    return column


def texts(records: pa.Table, name: str) -> pd.Series:
    """Return a column as text; missing where it is not text, or not there.

    Examples
    --------
    >>> texts(pa.table({"x": ["a", None]}), "x").tolist()
    ['a', nan]
    """
    if name not in records.column_names or not is_text(records.schema.field(name).type):
        return pa.nulls(len(records), pa.large_string()).to_pandas().astype("str")
    return records.column(name).cast(pa.large_string()).to_pandas().astype("str")


def names(records: pa.Table, name: str) -> pd.Series:
    """Return a column of names or ids as text: numbers are written out, lists are joined.

    Examples
    --------
    >>> names(pa.table({"judge": [["gpt-4", "pair-v2"]]}), "judge").tolist()
    ['gpt-4 pair-v2']
    >>> names(pa.table({"rater": ["", "x"]}), "rater").tolist()
    [nan, 'x']
    >>> names(pa.table({"rater": [1.0, None]}), "rater").tolist()
    ['1', nan]
    """
    if name not in records.column_names:
        return texts(records, name)
    if is_text(records.schema.field(name).type):
        column = records.column(name).cast(pa.large_string())
        blank = pc.equal(pc.utf8_trim_whitespace(column), "")
        # nobody is called nothing
        named = pc.if_else(pc.fill_null(blank, False), None, column)
        return named.to_pandas().astype("str")
    if pa.types.is_integer(records.schema.field(name).type):
        return records.column(name).cast(pa.large_string()).to_pandas().astype("str")
    written = [
        " ".join(str(part) for part in value)
        if isinstance(value, list)
        else None
        if value is None
        else str(int(value))
        if isinstance(value, float) and value.is_integer()
        else str(value)
        for value in values(records, name)
    ]
    return pd.Series(written, dtype="str")


def numbers(records: pa.Table, name: str) -> NDArray[np.float64]:
    """Return a column as numbers, NaN where it holds none; text is parsed.

    Examples
    --------
    >>> numbers(pa.table({"x": ["1.5", "many", None]}), "x").tolist()
    [1.5, nan, nan]
    """
    if name not in records.column_names:
        return np.full(len(records), np.nan)
    column = records.column(name)
    if pa.types.is_nested(column.type):
        return np.full(len(records), np.nan)
    parsed = pd.to_numeric(column.to_pandas(), errors="coerce")
    return np.asarray(parsed.to_numpy("float64", na_value=np.nan))


def metadata(records: pa.Table, used: Collection[str]) -> tuple[pd.DataFrame, list[str]]:
    """Return the columns that a format gives no meaning to, as metadata of the pair.

    Text, numbers and flags (0 and 1) stay; times and lists of plain values become text;
    nested fields get dotted names. A name that the data model uses itself gets ``source_``
    before it. Lists of nested values cannot be kept in a table of pairs.

    Parameters
    ----------
    records : pyarrow.Table
    used : collection of str
        Columns that the format reads itself.

    Returns
    -------
    frame : DataFrame, one row a record
    left_out : list of str
        Names of the columns that cannot be kept.

    Examples
    --------
    >>> table = pa.table({"row": [3], "meta": [{"turns": 2, "len_a": {"words": 5}}]})
    >>> metadata(table, ())[0].to_dict("records")
    [{'source_row': 3, 'meta.turns': 2, 'meta.len_a.words': 5}]
    """
    kept: dict[str, pd.Series] = {}
    left_out = []
    _check_width([field for field in records.schema if field.name not in used])
    for name in records.column_names:
        if name in used:
            continue
        for path, column in _leaves(name, records.column(name)):
            series = _plain(column)
            if series is None:
                left_out.append(path)
            else:
                kept[f"source_{path}" if path in RESERVED else path] = series
    return pd.DataFrame(kept, index=range(len(records))), left_out


def sided(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose dotted names of one side end in that side's letter.

    Columns that stand for both sides (``meta.sum_a_tokens`` and ``meta.sum_b_tokens``)
    become a pair ``_a``, ``_b``, as a factor over both sides needs them.

    Examples
    --------
    >>> list(sided(pd.DataFrame({"m.sum_a_tokens": [1], "m.sum_b_tokens": [2], "m.is_a_b": [0]})))
    ['m.sum_tokens_a', 'm.sum_tokens_b', 'm.is_a_b']
    """
    renamed = {}
    for name in frame.columns:
        found = re.fullmatch(r"(.*[^_.])_a([_.].+)", name) if "." in name else None
        if found and f"{found[1]}_b{found[2]}" in frame:
            renamed[name] = f"{found[1]}{found[2]}_a"
            renamed[f"{found[1]}_b{found[2]}"] = f"{found[1]}{found[2]}_b"
    return frame.rename(columns=renamed)


def read_each(read: Callable[..., Mapping[str, Any]], *columns: list[Any]) -> pd.DataFrame:
    """Return a row of judgement columns for each row of values, read one at a time.

    Parameters
    ----------
    read : callable
        From one value of each column to a dict; raises :class:`Unreadable`.
    *columns : lists of one length

    Returns
    -------
    DataFrame
        What ``read`` returned; ``problem`` and ``found`` where it could not.
    """
    rows: list[Mapping[str, Any]] = []
    for row in zip(*columns, strict=True):
        try:
            rows.append(read(*row))
        except Unreadable as trouble:
            rows.append({"problem": "unparseable", "found": trouble.found})
    frame = pd.DataFrame.from_records(rows, index=range(len(rows)))
    return with_columns(frame, ("problem", "found"))


def judgements(
    frame: pd.DataFrame, first_row: int, settings: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Return a frame of one judgement a record with its row numbers and settings.

    Parameters
    ----------
    frame : DataFrame
        Judgement columns, rows in the order of the records.
    first_row : int
        Number of the first record in the file, from 1.
    settings : mapping, optional
        What the reader decided, for the load report (in ``attrs["settings"]``).
    """
    rows = pd.Series(np.arange(first_row, first_row + len(frame), dtype="int64"))
    frame = pd.concat([rows.rename("row"), frame.reset_index(drop=True)], axis=1)
    with_columns(frame, ("problem", "found"))
    frame.attrs["settings"] = {key: item for key, item in (settings or {}).items() if item}
    return frame


def with_columns(frame: pd.DataFrame, wanted: Iterable[str]) -> pd.DataFrame:
    """Add text columns without values where a frame lacks them, in place; return it."""
    for name in wanted:
        if name not in frame:
            frame[name] = pd.Series(None, dtype="str", index=frame.index)
    return frame


def flag(
    frame: pd.DataFrame, bad: NDArray[np.bool_], problem: str, found: pd.Series | list[str]
) -> None:
    """Mark rows of a frame as left out, where nothing was wrong with them before."""
    with_columns(frame, ("problem", "found"))
    new = bad & frame["problem"].isna().to_numpy()
    if new.any():
        shown = pd.Series(list(found), dtype="str", index=frame.index)
        frame["problem"] = frame["problem"].mask(new, problem)
        frame["found"] = frame["found"].mask(new, shown)


def flag_missing_text(frame: pd.DataFrame, records: pa.Table, source: Mapping[str, str]) -> None:
    """Mark rows whose text is missing, saying what stood there.

    Parameters
    ----------
    frame : DataFrame
    records : pyarrow.Table
    source : mapping of str to str
        Column of the records by column of the frame.
    """
    for column, name in source.items():
        bad = frame[column].isna().to_numpy()
        if bad.any():
            there = values(records, name)
            shown = [
                f"{name}: {excerpt(value)}" if is_bad else ""
                for value, is_bad in zip(there, bad, strict=True)
            ]
            flag(frame, bad, "unparseable", shown)


def _leaves(name: str, column: pa.ChunkedArray) -> Iterator[tuple[str, pa.ChunkedArray]]:
    if not pa.types.is_struct(column.type):
        yield name, column
        return
    # all fields at once: to ask for each costs as much as there are fields
    inner = pa.table({name: column}).flatten()
    for field, values in zip(column.type.fields, inner.columns, strict=True):
        yield from _leaves(f"{name}.{field.name}", values)


def _check_width(fields: list[pa.Field]) -> None:
    """Refuse more fields inside objects than a table may have columns: they become columns."""
    widths = {field.name: _width(field.type) for field in fields}
    if widths:
        check_shape(0, sum(widths.values()), "column " + max(widths, key=lambda n: widths[n]))


def _width(kind: pa.DataType) -> int:
    """Return the number of fields inside objects."""
    return sum(map(_width, (f.type for f in kind.fields))) if pa.types.is_struct(kind) else 1


def _plain(column: pa.ChunkedArray) -> pd.Series | None:
    kind = column.type
    if is_text(kind):
        return column.cast(pa.large_string()).to_pandas().astype("str")
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        if pa.types.is_nested(kind.value_type):
            return None
        joined = [
            None if item is None else ", ".join(map(str, item)) for item in column.to_pylist()
        ]
        return pd.Series(joined, dtype="str")
    if pa.types.is_boolean(kind) or pa.types.is_decimal(kind):
        # one type whatever a batch holds: flags with missing ones have no other
        return column.cast(pa.float64()).to_pandas()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return column.to_pandas()
    if pa.types.is_temporal(kind):
        return column.cast(pa.large_string()).to_pandas().astype("str")
    return None
