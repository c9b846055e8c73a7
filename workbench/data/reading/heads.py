"""The first records of a large file, as a file of its own: a look that takes no time."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.data.reading.arrow_files import PARQUET
from workbench.data.reading.bounds.parquet import check_parquet
from workbench.data.reading.files import BOM, Reading, open_bytes

_BYTES = 8 << 20
"""Bytes of text that are looked at."""
_SIGNS = {b"PK\x03\x04", b"ARRO", b"\xff\xff\xff\xff", b"FEA1", b"\xd0\xcf\x11\xe0"}
"""How zips, spreadsheets and Arrow files begin: none has a head that is a file."""


def head_of(path: Path, folder: Path, rows: int = 1_000) -> Path | None:
    r"""Write the first records of a file into a folder, under the same name.

    Parameters
    ----------
    path : Path
        JSON lines, a list of JSON records, CSV, TSV or Parquet; text may be packed.
    folder : Path
        Another one than the file's.
    rows : int
        Records to take, at most.

    Returns
    -------
    Path or None
        None where the file has no head that could be read as it is read: a workbook, a zip, a
        document, a record that does not end within the bytes looked at.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     path = Path(place, "votes.jsonl")
    ...     _ = path.write_text('{"label": "a"}\n{"label": "b"}\n{"label": "a"}\n')
    ...     (Path(place) / "head").mkdir()
    ...     head_of(path, Path(place) / "head", 2).read_text().splitlines()
    ['{"label": "a"}', '{"label": "b"}']
    """
    with path.open("rb") as raw:
        magic = raw.read(4)
    target = folder / path.name
    if magic == PARQUET:
        return _of_parquet(path, target, rows)
    if magic in _SIGNS:
        return None
    with Reading(path), open_bytes(path) as stream:
        start = stream.read(_BYTES)
    if b"\0" in start or start[:4] == PARQUET:
        return None
    text = start.removeprefix(BOM).lstrip()
    cut = {b"[": _of_list, b"{": _of_lines}.get(text[:1], _of_table)(text, rows)
    if cut is None:
        return None
    target.write_bytes(cut)
    return target


def _of_parquet(path: Path, target: Path, rows: int) -> Path | None:
    with Reading(path), pq.ParquetFile(path) as file:
        check_parquet(path, path.name, path.stat().st_size)
        batch = next(file.iter_batches(rows), None)
        schema = file.schema_arrow
    pq.write_table(pa.Table.from_batches([] if batch is None else [batch], schema), target)
    return target


def _of_lines(text: bytes, rows: int) -> bytes | None:
    """Return the first lines where each is a record; None for a document over several lines."""
    lines = text.split(b"\n", rows)[:rows]
    if len(text) >= _BYTES - len(BOM) and len(lines) < rows:
        lines = lines[:-1]
    try:
        # broken ones later on are counted by what reads them
        json.loads(lines[0] if lines else b"")
    except (ValueError, RecursionError):
        return None
    return b"\n".join(lines) + b"\n" if len(lines) > 1 else None


def _of_list(text: bytes, rows: int) -> bytes | None:
    """Return the first records of a list, as a list."""
    said = text.decode("utf-8", "ignore")
    decoder, at = json.JSONDecoder(), 1
    ends: list[int] = []
    while len(ends) < rows:
        at += _space(said, at)
        try:
            _, at = decoder.raw_decode(said, at)
        except (ValueError, RecursionError):
            break
        ends.append(at)
        at += _space(said, at)
        if said[at : at + 1] != ",":
            break
        at += 1
    return (said[: ends[-1]] + "]").encode() if ends else None


def _space(text: str, at: int) -> int:
    piece = text[at : at + 200]
    return len(piece) - len(piece.lstrip())


def _of_table(text: bytes, rows: int) -> bytes | None:
    """Return the first lines of a table that end outside of quotes."""
    lines = text.split(b"\n", rows + 1)
    lines = lines[: rows + 1] if len(lines) > rows + 1 else lines[:-1]
    # a cell may hold line ends: the cut lies where no quote is open
    quotes = sum(line.count(b'"') for line in lines)
    while quotes % 2:
        quotes -= lines.pop().count(b'"')
    if len(lines) < 2:
        return None
    return b"\n".join(lines) + b"\n"
