"""Packed files, unpacked no further than they may be."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.data.reading.bounds.limits import check_time, exceeded, limits

FLOOR = 64 << 20
"""Unpacked bytes below which the ratio says nothing: they fit into any memory."""

_BUFFER = 1 << 20
_PIECE = 1 << 24
_SUSPICIOUS = 4
"""Share of the ratio from which a file is unpacked up to the floor before it is read."""


def unpacked(path: Path, magic: bytes) -> io.BufferedReader | None:
    """Return the bytes inside a gzip, zstd, xz or bzip2 file, None for another.

    Reading raises a DataError as soon as more comes out than the limits allow: in all, or for
    each packed byte that went in.

    Parameters
    ----------
    path : Path
    magic : bytes
        The first six bytes of the file.
    """
    opened: Callable[[Any], Any]
    if magic[:4] == b"\x28\xb5\x2f\xfd":
        source = pa.OSFile(str(path))
        return io.BufferedReader(
            _Unpacking(path, source, pa.CompressedInputStream(source, "zstd")), _BUFFER
        )
    if magic[:2] == b"\x1f\x8b":
        opened = gzip.open
    elif magic == b"\xfd7zXZ\x00":
        opened = lzma.open
    elif magic[:3] == b"BZh":
        opened = bz2.open
    else:
        return None
    file = path.open("rb")
    return io.BufferedReader(_Unpacking(path, file, opened(file)), _BUFFER)


def weigh(stream: Any) -> None:
    """Unpack a stream that swells up to the floor, so that a bomb is refused before it is read."""
    inner = getattr(stream, "raw", None)
    if isinstance(inner, _Unpacking) and inner.ratio > limits().ratio / _SUSPICIOUS:
        while inner.size <= FLOOR and stream.read(_BUFFER):
            pass


class _Unpacking(io.RawIOBase):
    """What comes out of a packed file, counted beside what went in."""

    def __init__(self, path: Path, source: Any, stream: Any) -> None:
        self.size = 0
        self._path = path
        self._source = source
        self._stream = stream
        self._limits = limits()

    @property
    def ratio(self) -> float:
        """Bytes that came out for each that went in."""
        return self.size / max(int(self._source.tell()), 1)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, and return how far."""
        block = self._stream.read(len(buffer))
        buffer[: len(block)] = block
        self._count(len(block))
        return len(block)

    def readall(self) -> bytes:
        """Return all that is left."""
        blocks = []
        while block := self._stream.read(_PIECE):
            self._count(len(block))
            blocks.append(block)
        return b"".join(blocks)

    def _count(self, n: int) -> None:
        self.size += n
        check_time(self._path.name)
        if self.size > self._limits.unpacked:
            raise exceeded("unpacked", self._path.name, f"more than {self.size:,} bytes")
        if self.size > FLOOR and self.ratio > self._limits.ratio:
            raise swollen(self._path.name, self.size, self._source.tell())

    def close(self) -> None:
        """Close the stream and what it reads from."""
        if not self.closed:
            self._stream.close()
            self._source.close()
        super().close()


class Watched(io.RawIOBase):
    """A stream that shows every block that is read of it."""

    def __init__(self, stream: Any, look: Callable[[bytes], None]) -> None:
        self._stream = stream
        self._look = look

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        block: bytes = self._stream.read(size)
        self._look(block)
        return block

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, and return how far."""
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        """Close the stream and what it reads from."""
        self._stream.close()
        super().close()


def swollen(name: str, size: int, packed: int) -> Exception:
    """Return the error for a file that unpacks to far more than its size."""
    return exceeded("ratio", name, f"{size:,} bytes out of {packed:,}: {size / packed:,.0f} times")


def check_unpacked(name: str, size: int, packed: int, floor: int | None = None) -> None:
    """Refuse a file by what it says of itself: its size unpacked and packed."""
    floor = FLOOR if floor is None else floor
    if size > limits().unpacked:
        raise exceeded("unpacked", name, f"{size:,} bytes")
    if not fits(size, packed, floor):
        raise swollen(name, size, packed)


def fits(size: int, packed: int, floor: int) -> bool:
    """Tell whether a file's size unpacked and packed are within the limits."""
    return size <= limits().unpacked and (size <= floor or size <= limits().ratio * packed)
