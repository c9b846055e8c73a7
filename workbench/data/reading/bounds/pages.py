"""The pages of a Parquet column by their headers, which are read without unpacking a page."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa

DICTIONARY = 2
"""Kind of a page that holds the values which codes stand for."""

DELTA = 7
"""Encoding of texts that each repeat the beginning of the one before (DELTA_BYTE_ARRAY)."""

_CODES = (2, 8)
_SIZE, _PACKED = 2, 3
_DATA, _VALUES_OF, _DATA_2 = 5, 7, 8
_NUMBER = {_DATA: (1, 2), _VALUES_OF: (1, 2), _DATA_2: (1, 4)}
"""By the field of a header that tells more: where it has the number of values, the encoding."""

_DEEPEST = 16


class Page(NamedTuple):
    """What a page says of itself.

    Attributes
    ----------
    kind : int
        2 for a dictionary.
    size : int
        Bytes unpacked.
    values : int
        Those of lists and missing ones too.
    encoding : int
    """

    kind: int
    size: int
    values: int
    encoding: int

    @property
    def coded(self) -> bool:
        """Whether its values are longer than what is stored of them."""
        return self.kind != DICTIONARY and self.encoding in (*_CODES, DELTA)


def pages(content: memoryview, start: int, end: int, number: int) -> Iterator[Page]:
    """Yield the pages of a column of a row group.

    Headers are structs in Thrift's compact protocol (parquet-format, *PageHeader*).

    Parameters
    ----------
    content : memoryview
        Of the whole file.
    start, end : int
        Where the column's bytes lie.
    number : int
        Values of the column: what follows the last is not read.

    Raises
    ------
    pyarrow.ArrowInvalid
        A header that cannot be read.
    """
    seen = 0
    while start < end and seen < number:
        try:
            header, place = _struct(content, start)
            inner = next(field for field in _NUMBER if field in header)
            values, encoding = (int(header[inner][field]) for field in _NUMBER[inner])
            page = Page(int(header[1]), int(header[_SIZE]), values, encoding)
            start = place + int(header[_PACKED])
        except (IndexError, KeyError, TypeError, StopIteration, struct.error) as error:
            raise pa.ArrowInvalid(f"The header of a page at byte {start} cannot be read") from error
        if min(page.size, page.values, start - place) < 0:
            raise pa.ArrowInvalid(f"A page before byte {start} has a size below 0")
        seen += 0 if page.kind == DICTIONARY else page.values
        yield page


def _struct(content: memoryview, place: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """Return the fields of a struct by their numbers, and where it ends."""
    if depth > _DEEPEST:
        raise IndexError
    found: dict[int, Any] = {}
    field = 0
    while kind := content[place]:
        place += 1
        if kind >> 4:
            field += kind >> 4
        else:
            field, place = _integer(content, place)
        if kind & 15 in (1, 2):
            # a flag is its own value
            continue
        found[field], place = _value(content, place, kind & 15, depth)
    return found, place + 1


def _value(content: memoryview, place: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind == 3:
        return content[place], place + 1
    if kind in (4, 5, 6):
        return _integer(content, place)
    if kind == 7:
        return struct.unpack_from("<d", content, place)[0], place + 8
    if kind == 8:
        size, place = _unsigned(content, place)
        return None, place + size
    if kind == 12:
        return _struct(content, place, depth + 1)
    # page headers have no lists, sets or maps
    raise KeyError(kind)


def _integer(content: memoryview, place: int) -> tuple[int, int]:
    number, place = _unsigned(content, place)
    return (number >> 1) ^ -(number & 1), place


def _unsigned(content: memoryview, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = content[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
        shift += 7
        if shift > 63:
            raise IndexError
