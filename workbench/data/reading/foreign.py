"""Files that are not read, each named by its kind with the way to what is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workbench.data.formats.records import excerpt
from workbench.data.reading.files import KNOWN
from workbench.errors import DataError

_AGAIN = "Write it as CSV or Parquet"
_PANDAS = _AGAIN + ", in Python: import pandas; pandas.{}.to_parquet('votes.parquet')."


@dataclass(frozen=True)
class _Kind:
    what: str
    fix: str
    starts: tuple[bytes, ...] = ()
    suffixes: tuple[str, ...] = ()


def _binary(start: bytes) -> bool:
    return b"\0" in start[:4096]


_BY_CONTENT = (
    _Kind("an SPSS file", _PANDAS.format("read_spss('votes.sav')"), (b"$FL2", b"$FL3")),
    _Kind("a Stata file", _PANDAS.format("read_stata('votes.dta')"), (b"<stata_dta>",)),
    _Kind(
        "a SAS file",
        _PANDAS.format("read_sas('votes.sas7bdat')"),
        (b"\0" * 12 + b"\xc2\xea\x81\x60", b"HEADER RECORD*******LIBRARY HEADER"),
    ),
    _Kind(
        "an SQLite database",
        _AGAIN + ": sqlite3 -header -csv votes.db 'TABLE votes' > votes.csv",
        (b"SQLite format 3\0",),
    ),
    _Kind(
        "an Avro file",
        _AGAIN + ", with fastavro in Python or DuckDB's extension avro.",
        (b"Obj\x01",),
    ),
    _Kind(
        "an R data file",
        _AGAIN + ", in R: write.csv(votes, 'votes.csv', row.names = FALSE).",
        (b"RDX2\n", b"RDX3\n", b"X\n\0\0"),
    ),
    _Kind("an HDF5 file", _PANDAS.format("read_hdf('votes.h5', 'votes')"), (b"\x89HDF\r\n\x1a\n",)),
    _Kind("a NumPy array", _AGAIN + " with the names of its columns.", (b"\x93NUMPY",)),
    _Kind("a PDF", "Copy its table into a spreadsheet and save that as CSV.", (b"%PDF-",)),
    _Kind(
        "an image",
        "Images are no table of judgements: name their paths in a column of one.",
        (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"),
    ),
    _Kind(
        "an archive of another kind than zip",
        "Unpack it and name the folder that comes out.",
        (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"),
    ),
    _Kind(
        "a pointer of Git LFS, not the file itself",
        "Fetch the file: git lfs pull",
        (b"version https://git-lfs",),
    ),
    _Kind(
        "a web page, not a data file",
        "Download the file itself: the address of the raw file, logged in where that is needed.",
        (b"<!DOCTYPE html", b"<!doctype html", b"<html", b"<HTML"),
    ),
    _Kind("an XML file", _PANDAS.format("read_xml('votes.xml')"), (b"<?xml",)),
    _Kind("a rich text document", "Save its table as CSV.", (b"{\\rtf",)),
)

_BY_SUFFIX = (
    _Kind(
        "a Stata file", _PANDAS.format("read_stata('votes.dta')"), suffixes=(".dta",)
    ),
    _Kind("an SPSS file", _PANDAS.format("read_spss('votes.sav')"), suffixes=(".sav", ".zsav")),
    _Kind("a SAS file", _PANDAS.format("read_sas('votes.sas7bdat')"), suffixes=(".sas7bdat",)),
)  # fmt: skip

_BY_LOOK: tuple[tuple[Callable[[bytes], bool], _Kind], ...] = (
    (
        # a header may start with the same letters: ORCID
        lambda start: start[:3] == b"ORC" and _binary(start),
        _Kind("an ORC file", _PANDAS.format("read_orc('votes.orc')")),
    ),
    (
        lambda start: start[257:262] == b"ustar",
        _Kind("a tar archive", "Unpack it (tar -xf FILE) and name the folder that comes out."),
    ),
    (
        lambda start: start[8:12] == b"DUCK",
        _Kind(
            "a DuckDB database",
            _AGAIN + ": duckdb votes.duckdb \"COPY votes TO 'votes.parquet'\"",
        ),
    ),
    (
        lambda start: start[:4] == b"RIFF" and start[8:12] == b"WEBP",
        _Kind("an image", "Images are no table of judgements: name their paths in a column."),
    ),
)


def refuse_foreign(path: Path, start: bytes) -> None:
    """Raise a DataError that names the kind of a file that is not read.

    Parameters
    ----------
    path : Path
    start : bytes
        The beginning of its content, decompressed.

    Raises
    ------
    DataError
        UTF-16, a pickle, or a file of another program; the message says what to write.
    """
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(
            "The file is encoded as UTF-16.",
            where=path.name,
            found="the byte-order mark of UTF-16",
            expected="UTF-8",
            fix="Save it again as UTF-8 (in a spreadsheet: CSV UTF-8).",
        )
    kind = _kind_of(path, start)
    if kind is not None:
        raise foreign(path, kind.what, kind.fix, start)
    pickle = path.suffix in (".pkl", ".pickle") or (start[:1] == b"\x80" and b"." in start[-64:])
    if pickle or _binary(start):
        raise DataError(
            "This is a pickle; pickles are never read." if pickle else "This is a binary file.",
            where=path.name,
            found=excerpt(repr(start[:16])),
            expected=KNOWN,
            fix="Export the table as Parquet or JSONL.",
        )


def foreign(path: Path, what: str, fix: str, start: bytes = b"") -> DataError:
    """Return the error for a file of a kind that is not read.

    Examples
    --------
    >>> foreign(Path("a.sav"), "an SPSS file", "Write it as CSV.").what
    'This is an SPSS file, which is not read.'
    """
    return DataError(
        f"This is {what}, which is not read.",
        where=path.name,
        found=excerpt(repr(start[:16])) if start else path.name,
        expected=KNOWN,
        fix=fix,
    )


def _kind_of(path: Path, start: bytes) -> _Kind | None:
    text = start.lstrip()
    for kind in _BY_CONTENT:
        if start.startswith(kind.starts) or text[:64].startswith(kind.starts):
            return kind
    for looks, kind in _BY_LOOK:
        if looks(start):
            return kind
    suffix = path.suffix.lower()
    if _binary(start):
        return next((kind for kind in _BY_SUFFIX if suffix in kind.suffixes), None)
    return None
