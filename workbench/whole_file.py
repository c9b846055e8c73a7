"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import UnwrittenError


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Give a draft to write; it takes the place of the file once it is on the disk.

    A process that is killed, or a disk that is full, leaves the file as it was.

    Raises
    ------
    UnwrittenError
        The disk is full, the folder is gone or may not be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written(Path(folder) / "a.txt") as draft:
    ...         done = draft.write_text("all of it")
    ...     (Path(folder) / "a.txt").read_text()
    'all of it'
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        sweep(path)
        yield draft
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UnwrittenError(path, error.strerror or error) from error
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def sweep(path: Path) -> None:
    """Remove the drafts of a file or folder whose processes were killed.

    Examples
    --------
    >>> sweep(Path("a.txt"))
    """
    if sys.platform == "win32":
        return
    head = f".{path.name}."
    for draft in [one for one in path.parent.iterdir() if one.name.startswith(head)]:
        number = draft.name.removeprefix(head)
        if not number.isdecimal() or _lives(int(number)):
            continue
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def write_text(path: Path, text: str) -> None:
    """Write a text with plain line ends, whole or not at all.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_text(Path(folder) / "a.txt", "all of it")
    ...     [path.name for path in Path(folder).iterdir()]
    ['a.txt']
    """
    with written(path) as draft:
        draft.write_bytes(text.encode("utf-8"))
