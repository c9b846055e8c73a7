"""What an Arrow stream or file says of its size, before its buffers are unpacked."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from workbench.data.reading.bounds.parquet import FLOOR
from workbench.data.reading.bounds.streams import check_unpacked
from workbench.data.reading.bounds.written_out import written_out

_FILE = b"ARROW1\0\0"
_HEADER, _DATA, _BUFFERS, _COMPRESSION = 2, 1, 2, 3
"""Numbers of fields of the format's flatbuffers: of a message, of a dictionary in it, and of the
records in either."""


def check_arrow(path: Path) -> None:
    """Refuse a file whose packed buffers unpack to more than the limits allow.

    Each packed buffer begins with its size unpacked (Arrow's columnar format, *Buffer
    compression*), which is read without unpacking it.

    Parameters
    ----------
    path : Path
        An Arrow stream, or a file: a stream between marks.

    Raises
    ------
    DataError
    """
    with pa.memory_map(str(path)) as source:
        size = source.size()
        source.seek(len(_FILE) if source.read(len(_FILE)) == _FILE else 0)
        total = 0
        for message in pa.ipc.MessageReader.open_stream(source):
            if message.type in ("record batch", "dictionary"):
                total += sum(_unpacked(message))
                check_unpacked(path.name, total, size, FLOOR)


def check_dictionaries(table: pa.Table, name: str, size: int) -> None:
    """Refuse a table whose dictionaries write out to more than the limits allow."""
    total = sum(written_out(chunk) for column in table.columns for chunk in column.chunks)
    check_unpacked(name, total, size, FLOOR)


def _unpacked(message: pa.Message) -> Iterator[int]:
    """Yield the sizes of the buffers of a message that are packed."""
    head = memoryview(message.metadata)
    batch = _inside(head, _root(head), _HEADER)
    if batch is not None and message.type == "dictionary":
        batch = _inside(head, batch, _DATA)
    buffers = None if batch is None else _inside(head, batch, _BUFFERS)
    if batch is None or buffers is None or _inside(head, batch, _COMPRESSION) is None:
        return
    (count,) = struct.unpack_from("<I", head, buffers)
    for place in range(count):
        offset, length = struct.unpack_from("<qq", head, buffers + 4 + 16 * place)
        if length > 8:
            yield max(struct.unpack("<q", message.body.slice(offset, 8).to_pybytes())[0], length)


def _root(head: memoryview) -> int:
    return int(struct.unpack_from("<I", head, 0)[0])


def _inside(head: memoryview, table: int, field: int) -> int | None:
    """Return where a field of a flatbuffer's table leads, None where it is not set."""
    fields = table - struct.unpack_from("<i", head, table)[0]
    (size,) = struct.unpack_from("<H", head, fields)
    at = 4 + 2 * field
    offset = struct.unpack_from("<H", head, fields + at)[0] if at < size else 0
    place = table + offset
    return int(place + struct.unpack_from("<I", head, place)[0]) if offset else None
