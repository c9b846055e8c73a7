"""Verdicts in whatever shape they come: files, tables, mappings and plain lists."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from workbench.data.formats.records import excerpt
from workbench.data.formats.verdict_words import UNKNOWN, meaning_of
from workbench.data.reading.containers import open_container
from workbench.data.reading.files import BOM, Reading, empty_file, mixed_encodings, open_bytes
from workbench.data.reading.json_shapes import records_in
from workbench.errors import DataError

_KEY, _VERDICT = "pair_id", "verdict"

_PEEK = 1 << 16


@dataclass(frozen=True, eq=False)
class Verdicts:
    """A table of verdicts.

    Attributes
    ----------
    table : DataFrame
        A row a verdict.
    keyed : bool
        Whether anything names the pairs.
    source : str
        File name, or ``verdicts``.
    rows : list of int
        Number of each row in its source, from 1.
    bad : list of tuple
        ``(row, found)`` of rows that could not be read.
    """

    table: pd.DataFrame
    keyed: bool
    source: str = "verdicts"
    rows: list[int] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.rows:
            self.rows.extend(range(1, len(self.table) + 1))

    def describe(self, position: int, label: pd.Series) -> str:
        """Return a row in short: its first column and its verdict."""
        value = label.iloc[position]
        first = self.table.iloc[position, 0]
        shown = "nothing" if _is_missing(value) else excerpt(value)
        return shown if self.table.columns[0] == label.name else f"{excerpt(first)}: {shown}"


def read_verdicts(
    verdicts: str | Path | pd.DataFrame | pd.Series | Mapping[str, object] | Sequence[object],
) -> Verdicts:
    """Return verdicts as a table.

    Parameters
    ----------
    verdicts : str, Path, DataFrame, Series, mapping or sequence
        See :func:`workbench.data.add_judge.add_judge`.

    Raises
    ------
    DataError
        A file that cannot be read, or something else than verdicts.

    Examples
    --------
    >>> read_verdicts(["A", "B"]).keyed, read_verdicts({"p1": "A"}).table.columns.tolist()
    (False, ['pair_id', 'verdict'])
    """
    if isinstance(verdicts, str | Path):
        return _of_file(Path(verdicts))
    if isinstance(verdicts, pd.DataFrame):
        table = verdicts.reset_index(drop=verdicts.index.name is None).rename(columns=str)
        return Verdicts(table.reset_index(drop=True), len(table.columns) > 1)
    if isinstance(verdicts, pd.Series):
        if isinstance(verdicts.index, pd.RangeIndex):
            return _of_list(verdicts.tolist())
        key = str(verdicts.index.name or _KEY)
        values = {key: verdicts.index.to_numpy(), _VERDICT: verdicts.to_numpy()}
        return Verdicts(pd.DataFrame(values), keyed=True)
    if isinstance(verdicts, Mapping):
        return _of_mapping(verdicts)
    if isinstance(verdicts, Sequence) or hasattr(verdicts, "tolist"):
        return _of_list(list(verdicts))
    raise DataError(
        "These are no verdicts.",
        found=excerpt(verdicts),
        expected="a file, a table, a mapping by pair_id, or a list in the order of the pairs",
        fix="See the parameters of workbench.add_judge.",
    )


def _of_list(values: list[object], source: str = "verdicts") -> Verdicts:
    if values and all(isinstance(value, Mapping) for value in values):
        table = pd.DataFrame.from_records(values).rename(columns=str)
        return Verdicts(table, len(table.columns) > 1, source)
    return Verdicts(pd.DataFrame({_VERDICT: pd.Series(values, dtype=object)}), False, source)


def _of_mapping(found: Mapping[str, object], source: str = "verdicts") -> Verdicts:
    lists = [value for value in found.values() if isinstance(value, list)]
    if len(lists) == 1 and len(found) == 1:
        return _of_list(lists[0], source)
    values = pd.Series(list(found.values()), dtype=object)
    return Verdicts(pd.DataFrame({_KEY: [str(k) for k in found], _VERDICT: values}), True, source)


def _of_file(path: Path) -> Verdicts:
    plain = _plain(path)
    if plain is not None:
        return plain
    container = open_container(path)
    document = container.document
    if isinstance(document, dict) and _KEY not in document and records_in(document) is None:
        return _of_mapping(document, container.name)
    table = container.table.to_pandas()
    rows = [] if container.rows is None else [int(row) for row in container.rows]
    bad = [(row.row, row.found) for row in container.bad]
    return Verdicts(table, len(table.columns) > 1, container.name, rows, bad)


def _plain(path: Path) -> Verdicts | None:
    """Return the verdicts of a plain list: JSON, or one a line; None for another file."""
    if not path.is_file() or path.stat().st_size == 0:
        return None
    with Reading(path), open_bytes(path) as stream:
        start = stream.read(_PEEK).removeprefix(BOM).lstrip()
        first = start.split(b"\n", 1)[0]
        if start[:1] == b"{" or start[:4] == b"PAR1":
            return None
        if start[:1] != b"[" and any(c in first for c in b",\t;\0"):
            return None
        content = (start + stream.read()).rstrip()
    if not content:
        raise empty_file(path)
    if content[:1] == b"[":
        return _plain_json(content, path.name)
    try:
        lines = content.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise mixed_encodings(f"{path.name}, line {line}", error) from error
    values: list[object] = [line.strip().strip('"') or None for line in lines]
    headed = not _is_verdict(str(values[0])) and len(values) > 1
    return _of_list(values[1:] if headed else values, path.name)


def _plain_json(content: bytes, source: str) -> Verdicts | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not found or any(isinstance(value, dict) for value in found):
        return None
    return _of_list(found, source)


def _is_verdict(text: str) -> bool:
    if meaning_of(text) is not UNKNOWN:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or value != value
