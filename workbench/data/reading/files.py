"""Opening files: compression, and one clear error for every kind of damage."""

from __future__ import annotations

import lzma
import zlib
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from workbench.data.formats.records import excerpt
from workbench.data.reading.bounds.streams import unpacked
from workbench.errors import DataError

KNOWN = (
    "CSV, TSV, JSON, JSONL, Parquet, Arrow or a spreadsheet, "
    "also with .gz, .zst, .xz or .bz2, or in a .zip"
)
"""What can be read."""

PACKED = (".gz", ".zst", ".xz", ".bz2")
"""Suffixes of compressed files."""

SUFFIXES = (
    ".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".arrow", ".feather", ".xlsx",
)  # fmt: skip
"""Suffixes by which the files of a folder, a zip or a hub data set are known to be data."""

BLOCK = 1 << 24
"""Bytes that a reader takes at a time."""

DAMAGED = (EOFError, zlib.error, lzma.LZMAError, OSError)
"""What a compressed file raises that is cut off or broken."""

BOM = b"\xef\xbb\xbf"
"""The byte-order mark of UTF-8."""


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading bytes, decompressing gzip, zstd, xz and bzip2 within limits."""
    with path.open("rb") as raw:
        magic = raw.read(6)
    return unpacked(path, magic) or path.open("rb")


def open_text(path: Path) -> IO[bytes]:
    """Open a file for reading the bytes of its text, after a byte-order mark."""
    stream = open_bytes(path)
    if stream.read(3) != BOM:
        stream.close()
        stream = open_bytes(path)
    return stream


def suffix_of(name: str) -> str:
    """Return the suffix that says what a file holds, in lower case.

    Examples
    --------
    >>> suffix_of("votes.JSONL.gz"), suffix_of("README")
    ('.jsonl', '')
    """
    lower = name.lower()
    for packed in PACKED:
        lower = lower.removesuffix(packed)
    return Path(lower).suffix


class Reading:
    """Turn the many ways in which a truncated file fails into one clear error."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, (*DAMAGED, pa.ArrowInvalid)) and not isinstance(
            error, FileNotFoundError
        ):
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
