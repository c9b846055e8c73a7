"""The records of a file, whatever file they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_HEAD = 100


class BadRow(NamedTuple):
    """A record that is no judgement.

    Attributes
    ----------
    row : int
        Number of the record in its file, from 1.
    found : str
        A short excerpt of what was there.
    problem : str
        A key of :data:`workbench.data.load_report.REASONS`.
    file : str or None
        The record's file, where several are read as one set.
    """

    row: int
    found: str
    problem: str = "unparseable"
    file: str | None = None


@dataclass
class Container:
    """The records of a file, or of several files that are one set.

    Attributes
    ----------
    name : str
        File name without its folder.
    table : pyarrow.Table
        Records; columns of mixed types are text (JSON of what is not text).
    rows : sequence of int, or None
        Number of each record in its file, where it is not simply 1, 2, 3, ...
    bad : list of BadRow
        Lines that are no record, and records that nobody's judgement is in.
    document : object, or None
        The parsed JSON, where the file is one document and no list of records.
    inner : list of dict, or None
        Records that the document holds in a list, which may be what the file is about.
    notes : list of str
        What of the records could not be kept, and how they were read.
    lost : dict of int to str
        By a record's position: what of it the table could not keep.
    dialect : object, or None
        How the text of a CSV or TSV file was read.
    quoted : set of str
        Columns of a CSV or TSV file that it writes in quotes.
    files : list of str
        Names of the files, where there are several.
    file_of : array of int, or None
        Position in ``files`` of each record.
    """

    name: str
    table: pa.Table
    rows: list[int] | NDArray[np.int64] | None = None
    bad: list[BadRow] = field(default_factory=list)
    document: Any = None
    inner: list[dict[str, Any]] | None = None
    notes: list[str] = field(default_factory=list)
    lost: dict[int, str] = field(default_factory=dict)
    dialect: Any = None
    quoted: set[str] = field(default_factory=set)
    files: list[str] = field(default_factory=list)
    file_of: NDArray[np.int64] | None = None

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.table.column_names)

    def head(self, n: int = _HEAD) -> list[dict[str, Any]]:
        """Return the first records as dictionaries."""
        records: list[dict[str, Any]] = self.table.slice(0, n).to_pylist()
        return records
