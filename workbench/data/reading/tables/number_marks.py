"""Numbers in columns of text: decimal commas, and NA beside numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from workbench.data.reading.container import Container
from workbench.data.reading.tables.dialects import Dialect

_COMMA = r"^\s*[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?(?:[eE][+-]?\d+)?\s*$"
_POINT = r"^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$"
_TEXT = re.compile(
    r"prompt|instruction|question|query|input|context|chosen|rejected"
    r"|(?:response|text|output|answer|completion|reply)[ _]?[ab12]?",
    re.IGNORECASE,
)
"""Names of columns whose numbers are what somebody wrote."""

POINTED, WITHOUT_NA = "decimal commas are read as points", "NA beside numbers is missing"
"""What the notes say of columns that were changed."""

_Change = Callable[[pa.ChunkedArray], pa.ChunkedArray]


def with_numbers(containers: Sequence[Container]) -> list[Container]:
    """Return the records of a set with decimal commas as points, and NA beside numbers missing.

    A column is changed only where all its values in all CSV and TSV files of the set are
    numbers, and one of them has a comma (in files whose fields do not end at commas) or is NA.
    A column that a file writes in quotes is one of texts, unless all its columns are.

    Parameters
    ----------
    containers : list of Container
        Those without a dialect are returned as they are.

    Examples
    --------
    >>> table = pa.table({"label": ["a", "b"], "score": ["3,5", "2"], "n": ["7", "NA"]})
    >>> read = with_numbers([Container("x.csv", table, dialect=Dialect(";"))])[0].table
    >>> read.column("score").to_pylist(), read.column("n").to_pylist()
    (['3.5', '2'], ['7', None])
    """
    tables = [one for one in containers if isinstance(one.dialect, Dialect)]
    names = dict.fromkeys(name for one in tables for name in one.columns)
    known = [(one, frozenset(one.columns)) for one in tables]
    changes = {name: _change(name, known) for name in names if not _TEXT.fullmatch(name)}
    changed = {name: change for name, change in changes.items() if change is not None}
    if not changed:
        return list(containers)
    return [_changed(one, changed) if one.dialect is not None else one for one in containers]


def _change(name: str, tables: Sequence[tuple[Container, frozenset[str]]]) -> _Change | None:
    """Return what makes numbers of a column's values in all files, if anything does."""
    having = [one for one, names in tables if name in names]
    if any(name in one.quoted and len(one.quoted) < len(names) for one, names in tables):
        return None
    columns = [one.table.column(name) for one in having]
    between = all(one.dialect.delimiter != "," for one in having)
    if between and any(map(_has_comma, columns)) and all(_all(c, _COMMA) for c in columns):
        return _pointed
    if any(map(_has_na, columns)):
        others = [column.filter(pc.not_equal(column, "NA")) for column in columns]
        if any(map(len, others)) and all(_all(column, _POINT) for column in others):
            return _without_na
    return None


def _changed(container: Container, changes: dict[str, _Change]) -> Container:
    table, notes = container.table, list(container.notes)
    for change, what in ((_pointed, POINTED), (_without_na, WITHOUT_NA)):
        names = [name for name in table.column_names if changes.get(name) is change]
        for name in names:
            column = change(table.column(name))
            table = table.set_column(table.schema.get_field_index(name), name, column)
        if names:
            notes.append(f"{what}: {', '.join(names)}")
    return replace(container, table=table, notes=notes)


def _pointed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring(pc.replace_substring(column, ".", ""), ",", ".")


def _without_na(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.equal(column, "NA"), pa.scalar(None, column.type), column)


def _has_comma(column: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.match_substring(column, ",")).as_py())


def _has_na(column: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.equal(column, "NA")).as_py())


def _all(column: pa.ChunkedArray, pattern: str) -> bool:
    """Tell whether every value matches; looks at the first ones alone where they do not."""
    return all(
        pc.all(pc.match_substring_regex(part, pattern)).as_py() is not False
        for part in (column.slice(0, 100), column)
    )
