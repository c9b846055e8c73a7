"""Logs of Inspect AI: a zip of JSON files, packed by Zstandard.

Python's ``zipfile`` reads its directory of files, but no Zstandard before Python 3.14.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.data.formats.records import Record, excerpt
from workbench.data.reading.bounds.streams import check_unpacked
from workbench.errors import DataError

_HEADS = ("header.json", "_journal/start.json")
"""What a log begins with; one that was cut off has only the second."""

_SAMPLE = re.compile(r"samples/.+_epoch_\d+(?:\.json|/sample\.json)")
_UNREAD = ("events", "events_data", "store", "timelines", "error_retries", "messages")
"""Fields of a sample that hold its transcript, many times as long as the rest."""

_ZSTANDARD = 93
_LOCAL_HEADER = struct.Struct("<26xHH")
_REFERENCE = "attachment://"


def is_eval_log(path: Path) -> bool:
    """Tell whether a file is a log of Inspect AI, by the names of the files in it.

    Examples
    --------
    >>> is_eval_log(Path("no_such_file.eval"))
    False
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False
    return any(name in names for name in _HEADS) and (
        _HEADS[1] in names or any(map(_SAMPLE.fullmatch, names))
    )


def read_eval_log(path: Path) -> Record:
    """Return a log as the document that Inspect's JSON format holds, without transcripts.

    Parameters
    ----------
    path : Path
        A file for which :func:`is_eval_log` holds. Of a log that was cut off, the samples
        that were finished are read.

    Returns
    -------
    dict
        ``version, status, eval, plan, results, ...`` and ``samples``, in the order in which
        they were written.

    Raises
    ------
    DataError
        The log is damaged, or unpacks to more than the limits allow.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "log.eval")
    ...     with zipfile.ZipFile(path, "w") as archive:
    ...         archive.writestr("header.json", '{"status": "success"}')
    ...         archive.writestr("samples/1_epoch_1.json", '{"id": 1, "events": [{}]}')
    ...     read_eval_log(path)
    {'status': 'success', 'samples': [{'id': 1}]}
    """
    try:
        with zipfile.ZipFile(path) as archive:
            log = _Log(path, archive)
            head = log.document(next(name for name in _HEADS if name in log.infos))
            samples = [log.sample(name) for name in log.infos if _SAMPLE.fullmatch(name)]
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, struct.error) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(head, dict):
        raise _damaged(path, excerpt(head))
    return {**head, "samples": [sample for sample in samples if isinstance(sample, dict)]}


class _Log:
    """The files of one log; what a name stands for is the last file of this name."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path = path
        self.infos = {info.filename: info for info in archive.infolist()}
        self._archive = archive
        self._size = 0

    def document(self, name: str) -> Any:
        return json.loads(self._content(self.infos[name]))

    def sample(self, name: str) -> Any:
        """Return a sample; one that lies in several files is put together."""
        sample = self.document(name)
        if not isinstance(sample, dict):
            return sample
        sample = {key: item for key, item in sample.items() if key not in _UNREAD}
        attached = sample.pop("attachments", None) or {}
        if name.endswith("/sample.json"):
            folder = name.removesuffix("sample.json")
            if f"{folder}metadata.json" in self.infos:
                sample["metadata"] = self.document(f"{folder}metadata.json")
            if _REFERENCE in json.dumps(sample):
                attached = self._attached(f"{folder}attachments/")
        return _resolved(sample, attached) if attached else sample

    def _attached(self, folder: str) -> dict[str, Any]:
        """Return texts by their number, which a chunk's name counts on from."""
        found: dict[str, Any] = {}
        for name in self.infos:
            start = name.removeprefix(folder).removesuffix(".json")
            if name.startswith(folder) and start.isdigit():
                texts = enumerate(self.document(name), start=int(start))
                found |= {str(number): text for number, text in texts}
        return found

    def _content(self, info: zipfile.ZipInfo) -> bytes:
        self._size += info.file_size
        check_unpacked(self.path.name, self._size, self.path.stat().st_size)
        if info.compress_type == _ZSTANDARD:
            stream = pa.CompressedInputStream(pa.BufferReader(self._packed(info)), "zstd")
        else:
            stream = self._archive.open(info)
        with stream:
            # no more than the directory says, whatever the file unpacks to
            content: bytes = stream.read(info.file_size + 1)
        if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
            raise _damaged(self.path, f"{info.filename} is not as it was written")
        return content

    def _packed(self, info: zipfile.ZipInfo) -> bytes:
        with self.path.open("rb") as file:
            file.seek(info.header_offset)
            name, extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
            file.seek(name + extra, io.SEEK_CUR)
            return file.read(info.compress_size)


def _resolved(value: Any, attached: dict[str, Any]) -> Any:
    """Put long texts and images in the places of the references that stand for them."""
    if isinstance(value, dict):
        return {key: _resolved(item, attached) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, attached) for item in value]
    if isinstance(value, str) and value.startswith(_REFERENCE):
        return attached.get(value.removeprefix(_REFERENCE), value)
    return value


def _damaged(path: Path, found: str) -> DataError:
    return DataError(
        "The log is damaged or cut off.",
        where=path.name,
        found=excerpt(found or "a broken zip"),
        expected="a complete log of Inspect AI",
        fix="Copy it again; of a run that was stopped, `inspect log` can recover the samples.",
    )
