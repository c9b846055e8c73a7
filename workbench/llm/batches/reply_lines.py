"""The lines of a file of replies, one at a time, and none without an end."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from workbench.errors import JudgeError

LONGEST_LINE = 1 << 26
"""Bytes: far more than any reply has, log-probabilities and vectors counted in."""

_PIECE = 1 << 20


def reply_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Yield the number and the text of each line that is not blank.

    Parameters
    ----------
    path : Path
        Plain, or compressed as .gz.

    Raises
    ------
    JudgeError
        The file is not there, cannot be read, or has a line of more than 64 MiB: a small
        compressed file may hold one that fills the memory.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "replies.jsonl"
    ...     _ = path.write_text('{"custom_id": "a"}\n\n{"custom_id": "b"}')
    ...     list(reply_lines(path))
    [(1, '{"custom_id": "a"}'), (3, '{"custom_id": "b"}')]
    """
    try:
        with _opened(path) as file:
            for number, line in enumerate(_bounded(file, path.name), start=1):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8", "replace").strip()
                if text:
                    yield number, text
    except (OSError, EOFError, zlib.error) as error:
        raise JudgeError(
            "A file of replies cannot be read.",
            where=path.name,
            found=str(error)[:200],
            expected="a JSONL file of replies, also as .gz",
            fix="Check the path, or download the file again.",
        ) from None


def _opened(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _bounded(file: gzip.GzipFile | BufferedReader, name: str) -> Iterator[bytes]:
    """Yield lines; they are read in pieces, so that what is too long is never held as a whole."""
    number = 0
    while piece := file.readline(_PIECE):
        number += 1
        pieces, size = [piece], len(piece)
        while not piece.endswith(b"\n") and (piece := file.readline(_PIECE)):
            pieces.append(piece)
            size += len(piece)
            if size > LONGEST_LINE:
                raise JudgeError(
                    "A line of a file of replies is too long.",
                    where=f"{name}, line {number}",
                    found=f"more than {LONGEST_LINE >> 20} MiB without a line end",
                    expected="one reply a line (JSONL)",
                    fix="Give the file that the batch API or vLLM wrote.",
                )
        yield b"".join(pieces)
