"""Zip files: the data files in them, unpacked within bounds."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from workbench.data.reading.bounds.limits import check_time
from workbench.data.reading.bounds.streams import check_unpacked
from workbench.data.reading.container import Container
from workbench.data.reading.files import KNOWN, SUFFIXES, suffix_of
from workbench.data.reading.foreign import foreign
from workbench.errors import DataError

_BLOCK = 1 << 20


def is_zip(start: bytes) -> bool:
    """Tell a zip by its first bytes."""
    return start[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def kind_of(path: Path) -> str:
    """Return what a zip is: a ``spreadsheet``, or an ``archive`` of files.

    Raises
    ------
    DataError
        A document, NumPy arrays or a model's weights; or it is damaged.
    """
    names = {info.filename for info in _infos(path)}
    if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
        return "spreadsheet"
    if "content.xml" in names and path.suffix.lower() in (".ods", ".fods"):
        return "spreadsheet"
    if "word/document.xml" in names or "ppt/presentation.xml" in names or "content.xml" in names:
        raise foreign(path, "a document", "Copy its table into a spreadsheet, or save it as CSV.")
    if any(name.endswith(".npy") for name in names):
        raise foreign(path, "a file of NumPy arrays", "Write them as CSV or Parquet, with names.")
    if any(name.endswith("data.pkl") for name in names):
        raise foreign(path, "a model's weights", "Name the file of the judgements.")
    return "archive"


def each_member(path: Path, folder: Path, opened: Callable[[Path], Container]) -> list[Container]:
    """Return the records of each data file of a zip, one unpacked at a time.

    Parameters
    ----------
    path : Path
    folder : Path
        An empty one, in which the files are unpacked.
    opened : callable
        From the path of an unpacked file to its records.

    Raises
    ------
    DataError
        No data file, too large, encrypted, damaged, or packed in a way that is not read.
    """
    infos = _data_files(path)
    made: list[Container] = []
    # a file in a zip never unpacks to more than the zip says
    check_unpacked(path.name, sum(info.file_size for info in infos), path.stat().st_size)
    for info in infos:
        # its name without folders: nothing of a zip can be written elsewhere
        member = folder / PurePosixPath(info.filename.replace("\\", "/")).name
        _unpack(path, info, member)
        container = opened(member)
        container.name = f"{path.name}/{info.filename}"
        made.append(container)
        member.unlink()
    return made


def _data_files(path: Path) -> list[zipfile.ZipInfo]:
    infos = [info for info in _infos(path) if not info.is_dir() and not _is_hidden(info.filename)]
    known = [info for info in infos if suffix_of(info.filename) in SUFFIXES]
    chosen = known or [info for info in infos if suffix_of(info.filename) in ("", ".txt")]
    if not chosen:
        raise DataError(
            "The zip holds no data file.",
            where=path.name,
            found=", ".join(info.filename for info in infos[:5]) or "no files",
            expected=KNOWN,
            fix="Unpack it and name the file that holds the judgements.",
        )
    return sorted(chosen, key=lambda info: info.filename)


def _is_hidden(name: str) -> bool:
    parts = [part for part in name.split("/") if part not in (".", "..")]
    return any(part.startswith((".", "__MACOSX")) for part in parts)


def _infos(path: Path) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise _damaged(path, str(error)) from error


def _unpack(path: Path, info: zipfile.ZipInfo, member: Path) -> None:
    """Write a file of a zip."""
    try:
        with (
            zipfile.ZipFile(path) as archive,
            archive.open(info) as source,
            member.open("wb") as target,
        ):
            while block := source.read(_BLOCK):
                check_time(path.name)
                target.write(block)
    except NotImplementedError as error:
        raise _packed_otherwise(path, info, str(error)) from error
    except RuntimeError as error:
        raise _packed_otherwise(path, info, "a password is needed") from error
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise _damaged(path, str(error)) from error


def _packed_otherwise(path: Path, info: zipfile.ZipInfo, found: str) -> DataError:
    return DataError(
        "A file in the zip cannot be unpacked.",
        where=f"{path.name}, {info.filename}",
        found=found,
        expected="files packed by deflate, bzip2 or LZMA, without a password",
        fix="Unpack it with the program that wrote it, and name the folder.",
    )


def _damaged(path: Path, found: str) -> DataError:
    return DataError(
        "The file is damaged or cut off.",
        where=path.name,
        found=found or "a broken zip",
        expected="a complete file",
        fix="Download or write it again; check its size against the source.",
    )
