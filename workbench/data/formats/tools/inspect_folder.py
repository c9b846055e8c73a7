"""A folder of Inspect AI's logs, which are compared with each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from workbench.data.formats.records import Record
from workbench.data.formats.tools.inspect_samples import records_of
from workbench.data.reading.eval_log import is_eval_log, read_eval_log

_BEGINNING = 4096
_MARKS = (b'"version"', b'"eval"', b'"task"')


def records_in(folder: Path) -> list[Record] | None:
    """Return the samples of all logs in a folder, None where it holds none.

    Parameters
    ----------
    folder : Path
        Its ``.eval`` and JSON files are logs; other files are passed over.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> log = {"version": 2, "eval": {"task": "t"}, "samples": [{"id": 1, "epoch": 1}]}
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "log.json").write_text(json.dumps(log))
    ...     [(one["file"], one["row"]) for one in records_in(Path(folder))]
    [('log.json', 1)]
    """
    records: list[Record] = []
    for path in sorted(folder.iterdir()):
        found = records_of(_document(path)) or []
        records += [{**one, "file": path.name, "row": n} for n, one in enumerate(found, start=1)]
    return records or None


def _document(path: Path) -> Any:
    if path.suffix == ".eval" and is_eval_log(path):
        return read_eval_log(path)
    if path.suffix != ".json" or not path.is_file():
        return None
    with path.open("rb") as file:
        start = file.read(_BEGINNING)
        # other JSON, which may be large, is not parsed
        if not all(mark in start for mark in _MARKS):
            return None
        try:
            return json.loads(start + file.read())
        except (ValueError, RecursionError):
            return None
