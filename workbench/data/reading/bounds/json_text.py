"""The text of JSON files, watched while it is read: nesting, long lines, large values."""

from __future__ import annotations

import re

import pyarrow as pa

from workbench.data.reading.bounds.json_fields import FieldNames
from workbench.data.reading.bounds.limits import check_time, exceeded, limits
from workbench.errors import DataError

DEEPEST = 200
"""Levels of lists and objects in a record. Logs have a dozen; Python's parser ends at 1,000."""

_DANGEROUS = 5_000
"""Levels from which pyarrow's parser, which calls itself for each, may end the process."""

_WINDOW, _PIECE = 1 << 18, 1 << 12
_NO_TEXT = re.compile(rb"[^a-zA-Z\"\\]*+")


class UnfitError(Exception):
    """Text that pyarrow's JSON reader must not see: Python's reads it, line by line."""


class JsonText:
    r"""A look at JSON text, block after block.

    Parameters
    ----------
    name : str
        Of the file.
    lines : bool
        Each record stands in a line of its own.

    Attributes
    ----------
    deep : bool
        Whether a line nests so deep that only Python's parser may read it.

    Examples
    --------
    >>> look = JsonText("votes.jsonl", lines=True)
    >>> look.add(b'{"label": "a"}\n' * 9 + b'{"label": ' + b"[" * 9_000)
    >>> look.deep
    True
    """

    def __init__(self, name: str, *, lines: bool) -> None:
        self.deep = False
        self._name = name
        self._lines = lines
        self._limits = limits()
        self._line = self._depth = self._value = 0
        self._last = b""
        self._names = FieldNames(name)

    @property
    def wide(self) -> bool:
        """Whether lines have more fields than a table may have columns."""
        return self._names.many

    def add(self, block: bytes) -> None:
        """Look at the next bytes.

        Raises
        ------
        DataError
            A line or a value that is larger than the limits allow.
        """
        check_time(self._name)
        if self._lines:
            self._add_lines(block)
            self._names.add(block)
        else:
            for start in range(0, len(block), _WINDOW):
                self._look_for_value(block[start : start + _WINDOW])

    def add_for_arrow(self, block: bytes) -> None:
        """Look at the next bytes; raise an UnfitError before pyarrow sees a deep or wide line."""
        self.add(block)
        if self.deep or self.wide:
            raise UnfitError

    def _add_lines(self, block: bytes) -> None:
        # lines shorter than a piece are passed over many at a time: they can do no harm
        place = 0
        while place < len(block):
            end = block.rfind(b"\n", place, place + _PIECE)
            if end >= 0:
                self._line = self._depth = self._value = 0
                place = end + 1
            else:
                self._look_for_line(block[place : place + _PIECE])
                place += _PIECE

    def _look_for_line(self, piece: bytes) -> None:
        self._look_for_value(piece)
        # brackets are counted, not parsed: within a piece all that open may come first
        opens = piece.count(b"[") + piece.count(b"{")
        self.deep = self.deep or self._depth + opens > _DANGEROUS
        closed = piece.count(b"]") + piece.count(b"}")
        self._depth = max(self._depth + opens - closed, 0)
        self._line += len(piece)
        if self._line > self._limits.record:
            raise exceeded("record", self._name, f"a line of more than {self._line:,} bytes")

    def _look_for_value(self, piece: bytes) -> None:
        # inside a text of many pieces no quote ends it
        ends = _has_end(self._last + piece) or _NO_TEXT.fullmatch(piece)
        self._last = piece[-1:]
        self._value = 0 if ends else self._value + len(piece)
        if self._value > self._limits.cell:
            raise exceeded("cell", self._name, f"a text of more than {self._value:,} bytes")


def _has_end(text: bytes) -> bool:
    """Tell whether a quote ends or begins a text; one behind a backslash is part of it."""
    place = text.find(b'"')
    while place > 0 and text[place - 1 : place] == b"\\":
        place = text.find(b'"', place + 1)
    return place >= 0


def check_depth(schema: pa.Schema, name: str) -> None:
    """Refuse a table whose values nest deeper than any record does."""
    level = [(field.name, field.type) for field in schema]
    for _ in range(DEEPEST):
        level = [(name, inner) for name, kind in level for inner in _inside(kind)]
        if not level:
            return
    raise too_deep(f"{name}, column {level[0][0]}")


def _inside(kind: pa.DataType) -> list[pa.DataType]:
    return [kind.field(i).type for i in range(kind.num_fields)]


def too_deep(where: str) -> DataError:
    """Return the error for lists and objects that are nested too deep to be data."""
    return DataError(
        "The JSON is nested too deep.",
        where=where,
        found=f"more than {DEEPEST} lists or objects inside each other",
        expected="records of some levels",
        fix="Check what wrote it; flatten the value, or leave it out.",
    )
