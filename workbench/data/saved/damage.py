"""Damage of a saved data set: what is found of it, and how it is told."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import DataError

_BLOCK = 1 << 20


def damaged(where: str, found: Exception | str) -> DataError:
    """Return the error for a table that cannot be read.

    Examples
    --------
    >>> damaged("set/labels.arrow", "no such file").where
    'set/labels.arrow'
    """
    return DataError(
        "A table of the data set is missing or damaged.",
        where=where,
        found=str(found)[:80],
        expected="the file that save wrote, whole",
        fix="Copy the folder again, or load the original file and save it again.",
    )


def mixed_up(where: str, found: str, expected: str) -> DataError:
    """Return the error for a table of another data set.

    Examples
    --------
    >>> mixed_up("set", "digest 1", "2").what
    'The tables do not match the manifest.'
    """
    return DataError(
        "The tables do not match the manifest.",
        where=where,
        found=found,
        expected=expected,
        fix="A table was changed or mixed up: load the original file and save it again.",
    )


def marks_of(paths: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Return size and checksum (CRC-32) of files by name, as the manifest keeps them.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     file = Path(place, "x")
    ...     _ = file.write_bytes(b"abc")
    ...     marks_of([file])
    {'x': {'bytes': 3, 'crc32': '352441c2'}}
    """
    return {p.name: {"bytes": p.stat().st_size, "crc32": _checksum(p)} for p in sorted(paths)}


def check_marks(
    folder: Path, marks: Mapping[str, Mapping[str, Any]], read_through: Iterable[str]
) -> None:
    """Refuse files that are not as the manifest says: all by size, some by their content.

    Parameters
    ----------
    folder : Path
    marks : mapping
        As :func:`marks_of` returned it when the files were written.
    read_through : iterable of str
        Names of the files whose content is compared too.

    Raises
    ------
    DataError
        The first file that is missing, cut or changed.
    """
    for name, mark in marks.items():
        path = folder / name
        where = f"{folder.name}/{name}"
        try:
            size = path.stat().st_size
        except OSError as error:
            raise damaged(where, error.strerror or error) from error
        if size != mark["bytes"]:
            raise damaged(where, f"{size:,} bytes in place of {mark['bytes']:,}")
    for name in read_through:
        try:
            found = _checksum(folder / name)
        except OSError as error:
            raise damaged(f"{folder.name}/{name}", error.strerror or error) from error
        if found != marks[name]["crc32"]:
            found = f"checksum {found} in place of {marks[name]['crc32']}"
            raise damaged(f"{folder.name}/{name}", found)


def _checksum(path: Path) -> str:
    # read and not mapped: what is only looked through does not count as memory in use
    total, block = 0, bytearray(_BLOCK)
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(block):
            total = zlib.crc32(memoryview(block)[:size], total)
    return f"{total:08x}"
