"""Header lines below the names: question texts, import ids, types."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from workbench.data.reading.container import Container

_TYPE = re.compile(
    r"(?:(?:Nullable|LowCardinality|Array|Map|Tuple)\(.+\)|String|FixedString\(\d+\)|U?Int\d+"
    r"|B?Float\d+|Bool|UUID|Date(?:32|Time(?:64)?)?(?:\(.*\))?|Decimal\(.+\)|Enum\d+\(.+\)|JSON)"
)
"""Types as ClickHouse writes them."""

_UNNAMED = re.compile(r"|unnamed \d+")


def without_header_lines(container: Container) -> Container:
    """Return the records of a table without further header lines and empty columns.

    Qualtrics writes three header lines: names, the questions' texts, and import ids;
    ClickHouse's TSVWithNamesAndTypes writes names and types.

    Examples
    --------
    >>> lines = {"choice": ["Which is better?", '{"ImportId":"QID1"}', "a"]}
    >>> read = without_header_lines(Container("survey.csv", pa.table(lines)))
    >>> read.table.column("choice").to_pylist(), read.rows
    (['a'], [1])
    """
    container = _without_empty_columns(container)
    first = container.table.slice(0, 2).to_pylist()
    if len(first) == 2 and _all(first[1], r"\{\s*['\"]ImportId['\"].*"):
        return _of_survey(_cut(container, 2))
    if first and _all(first[0], _TYPE.pattern):
        note = "the second line names types: it is no record"
        return _noted(_cut(container, 1), note)
    return container


def _all(record: dict[str, Any], pattern: str) -> bool:
    given = [value for value in record.values() if value is not None]
    texts = bool(given) and all(isinstance(value, str) for value in given)
    return texts and all(re.fullmatch(pattern, value, re.DOTALL) for value in given)


def _cut(container: Container, n: int) -> Container:
    """Return the records from the n-th on, numbered anew."""
    rows = range(1, len(container.table) + 1) if container.rows is None else container.rows
    return replace(
        container,
        table=container.table.slice(n),
        rows=[int(row) - n for row in rows[n:]],
        bad=[row._replace(row=row.row - n) for row in container.bad],
    )


def _of_survey(container: Container) -> Container:
    """Say which rows of a survey are no whole answers."""
    notes = ["Qualtrics: the lines of questions and import ids are no answers"]
    for column, marks, what in (
        ("Finished", ("false", "0"), "not finished (Finished = False)"),
        ("Status", ("survey preview", "1", "spam", "8"), "previews or spam (Status)"),
    ):
        if column not in container.columns:
            continue
        words = pc.utf8_lower(container.table.column(column).cast(pa.large_string()))
        n = pc.sum(pc.is_in(words, pa.array(marks, words.type))).as_py() or 0
        if n:
            notes.append(f"{n:,} of {len(words):,} answers are {what}; they are kept")
    return _noted(container, *notes)


def _noted(container: Container, *notes: str) -> Container:
    return replace(container, notes=[*container.notes, *notes])


def _without_empty_columns(container: Container) -> Container:
    table = container.table
    empty = [
        name
        for name in table.column_names
        if _UNNAMED.fullmatch(name) and table.column(name).null_count == len(table)
    ]
    return replace(container, table=table.drop_columns(empty)) if empty else container
