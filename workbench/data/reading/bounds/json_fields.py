"""The fields of JSON records, counted before a table has a column for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workbench.data.reading.bounds.limits import check_shape, exceeded, limits


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
        # once for every colon of the file: no generators, and no copy but where a space stands
        for text in block.split(b":")[:-1]:
            before = text if text[-1:] == b'"' else text.rstrip()
            # a quote inside a text has a backslash before it
            if before[-1:] == b'"' and before[-2:-1] != b"\\":
                self._found.add(before[before.rfind(b'"', 0, -1) + 1 : -1])
        self._look_for_lines(block)
        # one line may be a document, whose fields number its rows
        if self.many and self._several:
            raise exceeded("columns", self._name, f"fields of {len(self._found):,} names")

    def _look_for_lines(self, block: bytes) -> None:
        if not self._several:
            end = -1 if self._ended else block.find(b"\n")
            self._ended = self._ended or end >= 0
            self._several = self._ended and not block[end + 1 :].isspace() and end + 1 < len(block)


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
