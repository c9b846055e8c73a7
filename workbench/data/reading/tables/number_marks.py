"""Numbers in columns of text: decimal commas, and NA beside numbers."""

from __future__ import annotations

import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from workbench.data.reading.container import Container

_COMMA = r"^\s*[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?(?:[eE][+-]?\d+)?\s*$"
_POINT = r"^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$"
_TEXT = re.compile(
    r"prompt|instruction|question|query|input|context|chosen|rejected"
    r"|(?:response|text|output|answer|completion|reply)[ _]?[ab12]?",
    re.IGNORECASE,
)
"""Names of columns whose numbers are what somebody wrote."""


def with_numbers(container: Container, delimiter: str, quoted: set[str]) -> Container:
    """Return the records with decimal commas as points, and NA beside numbers missing.

    A column is changed only where all its values are numbers, and one of them has a comma;
    only in files whose fields do not end at commas.

    Parameters
    ----------
    container : Container
        Of columns of text.
    delimiter : str
    quoted : set of str
        Columns that the file writes in quotes: they are texts, unless all columns are.

    Examples
    --------
    >>> table = pa.table({"label": ["a", "b"], "score": ["3,5", "2"], "n": ["7", "NA"]})
    >>> read = with_numbers(Container("x.csv", table), ";", set())
    >>> read.table.column("score").to_pylist(), read.table.column("n").to_pylist()
    (['3.5', '2'], ['7', None])
    """
    texts = set() if len(quoted) == len(container.columns) else quoted
    table, commas, marks = container.table, [], []
    for index, name in enumerate(container.columns):
        if name in texts or _TEXT.fullmatch(name):
            continue
        column = table.column(index)
        if delimiter != "," and _has(column, ",") and _all(column, _COMMA):
            pointed = pc.replace_substring(pc.replace_substring(column, ".", ""), ",", ".")
            table = table.set_column(index, name, pointed)
            commas.append(name)
        elif _names_missing(column):
            is_missing = pc.equal(column, "NA")
            missing = pa.scalar(None, column.type)
            table = table.set_column(index, name, pc.if_else(is_missing, missing, column))
            marks.append(name)
    notes = list(container.notes)
    if commas:
        notes.append("decimal commas are read as points: " + ", ".join(commas))
    if marks:
        notes.append("NA beside numbers is missing: " + ", ".join(marks))
    return replace(container, table=table, notes=notes)


def _has(column: pa.ChunkedArray, mark: str) -> bool:
    return bool(pc.any(pc.match_substring(column, mark)).as_py())


def _all(column: pa.ChunkedArray, pattern: str) -> bool:
    """Tell whether every value matches; looks at the first ones alone where they do not."""
    for part in (column.slice(0, 100), column):
        if not pc.all(pc.match_substring_regex(part, pattern)).as_py():
            return False
    return True


def _names_missing(column: pa.ChunkedArray) -> bool:
    is_missing = pc.equal(column, "NA")
    if not pc.any(is_missing).as_py():
        return False
    others = column.filter(pc.invert(pc.fill_null(is_missing, True)))
    return len(others) > 0 and _all(others, _POINT)
