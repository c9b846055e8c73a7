"""The fields of JSON records, counted before a table has a column for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from workbench.data.reading.bounds.limits import check_shape, exceeded, limits

_WINDOW = 1 << 18
_COLON, _QUOTE, _BACKSLASH = b':"\\'
_SPACES = np.frombuffer(b" \t\n\r\x0b\x0c", np.uint8)


class FieldNames:
    r"""The distinct names of fields in JSON lines, by their text.

    Parameters
    ----------
    name : str
        Of the file.

    Examples
    --------
    >>> names = FieldNames("votes.jsonl")
    >>> names.add(b'{"label": "a", "meta": {"time": 3}}\n')
    >>> names.many
    False
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._found: set[bytes] = set()
        self._ended = self._several = False

    @property
    def many(self) -> bool:
        """Whether there are more than a table may have columns."""
        return len(self._found) > limits().columns

    def add(self, block: bytes) -> None:
        """Look at the next bytes.

        Raises
        ------
        DataError
            Too many fields, in more than one record.
        """
        start = 0
        # whole lines of it, few enough for the processor's cache
        while start < len(block):
            end = start + _WINDOW
            if end < len(block):
                end = block.rfind(b"\n", start, end) + 1 or end
            self._found |= _names(block[start:end])
            start = end
        self._look_for_lines(block)
        # one line may be a document, whose fields number its rows
        if self.many and self._several:
            raise exceeded("columns", self._name, f"fields of {len(self._found):,} names")

    def _look_for_lines(self, block: bytes) -> None:
        if not self._several:
            end = -1 if self._ended else block.find(b"\n")
            self._ended = self._ended or end >= 0
            self._several = self._ended and not block[end + 1 :].isspace() and end + 1 < len(block)


def _names(block: bytes) -> set[bytes]:
    """Return what stands in quotes before each colon: names of fields, and some texts."""
    data = np.frombuffer(block, np.uint8)
    colons = np.flatnonzero(data == _COLON)
    # a name begins behind the colon before its own at the earliest
    first = np.append(0, colons[:-1] + 1)[: len(colons)]
    some = colons > first
    first, colons = first[some], colons[some]
    last = colons - 1
    for k in np.flatnonzero(np.isin(data[last], _SPACES)).tolist():
        last[k] = first[k] + len(block[first[k] : colons[k]].rstrip()) - 1
    # a quote inside a text has a backslash before it
    named = (last >= first) & (data[last] == _QUOTE)
    named &= (last == first) | (data[last - 1] != _BACKSLASH)
    first, last = first[named], last[named]
    quotes = np.append(-1, np.flatnonzero(data == _QUOTE))
    opened = quotes[np.searchsorted(quotes, last) - 1] + 1
    begins = np.maximum(first, opened).tolist()
    return {block[begin:end] for begin, end in zip(begins, last.tolist(), strict=True)}


def check_fields(records: Iterable[Any], name: str) -> None:
    """Refuse records with ever other fields, at the top or inside objects.

    Parameters
    ----------
    records : iterable
        Those that are no objects are passed over.
    name : str
        Of the file.

    Raises
    ------
    DataError

    Examples
    --------
    >>> check_fields([{"label": "a"}, {"label": "b", "meta": {"time": 3}}], "votes.json")
    """
    fields: dict[str, Any] = {}
    count = 0
    for record in records:
        if isinstance(record, dict):
            count += _add(fields, record)
            if count > limits().columns:
                check_shape(0, count, name)


def _add(fields: dict[str, Any], value: dict[str, Any]) -> int:
    """Take fields of an object into those known, and return how many are new."""
    new = 0
    if not value.keys() <= fields.keys():
        before = len(fields)
        fields.update({key: {} for key in value if key not in fields})
        new = len(fields) - before
    for key, inner in value.items():
        if type(inner) is dict:
            new += _add(fields[key], inner)
        elif type(inner) is list:
            for item in inner:
                if type(item) is dict:
                    new += _add(fields[key], item)
    return new
