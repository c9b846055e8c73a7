"""Opening files: compression, and one clear error for every kind of damage."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from workbench.data.formats.records import excerpt
from workbench.errors import DataError

KNOWN = "CSV, TSV, JSON, JSONL or Parquet, also with .gz or .zst"
"""What can be read."""

BLOCK = 1 << 24
LARGEST_BLOCK = 1 << 30
"""Bytes that a reader takes at a time: a record must fit into one block."""


def open_bytes(path: Path) -> IO[bytes] | gzip.GzipFile:
    """Open a file for reading bytes, decompressing gzip and zstd."""
    with path.open("rb") as raw:
        magic = raw.read(4)
    if magic[:2] == b"\x1f\x8b":
        return gzip.open(path, "rb")
    if magic == b"\x28\xb5\x2f\xfd":
        stream = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
        return io.BufferedReader(stream, 1 << 20)
    return path.open("rb")


class Reading:
    """Turn the many ways in which a truncated file fails into one clear error."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        broken = (EOFError, zlib.error, gzip.BadGzipFile, OSError, pa.ArrowInvalid)
        if isinstance(error, broken) and not isinstance(error, FileNotFoundError):
            raise DataError(
                "The file is damaged or cut off.",
                where=self.path.name,
                found=excerpt(str(error) or type(error).__name__),
                expected="a complete file",
                fix="Download or write it again; check its size against the source.",
            ) from error


def empty_file(path: Path) -> DataError:
    """Return the error for a file without content."""
    return DataError(
        "The file is empty.",
        where=path.name,
        found="0 bytes of content",
        expected="at least one record",
        fix="Check the export that wrote it.",
    )


def mixed_encodings(where: str, error: UnicodeDecodeError) -> DataError:
    """Return the error for bytes that are not UTF-8."""
    return DataError(
        "The file mixes encodings, or is not UTF-8.",
        where=where,
        found=f"byte {error.start + 1} is {error.object[error.start]:#04x}",
        expected="UTF-8 throughout",
        fix="Save the file again as UTF-8; such a byte often comes from Latin-1.",
    )
