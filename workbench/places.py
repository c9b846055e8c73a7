"""Files by their place: a path of this machine, or a URL such as ``s3://`` and ``hf://``.

What a cluster works on may lie where every machine of it can reach, and no disk is shared. Paths
need nothing; URLs need fsspec, with what it needs for their kind. A connection that breaks is an
:class:`OSError`, so that an engine tries the part again; what is not there is a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from glob import glob, has_magic
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from workbench.errors import ConfigError, DataError
from workbench.whole_file import written

_WHOLE = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "hf", "memory")
"""Kinds of stores where an object is there whole, once all of it has arrived."""

_NEEDS = {
    "s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs",
    "abfss": "adlfs", "hf": "huggingface_hub",
}  # fmt: skip


def is_url(place: str | Path) -> bool:
    """Tell whether a place is a URL, and no path of this machine.

    Examples
    --------
    >>> is_url("s3://bucket/votes.parquet"), is_url("votes.parquet"), is_url("file:///votes")
    (True, False, True)
    """
    return re.match(r"[a-z][a-z0-9+.-]+://", str(place)) is not None


@contextmanager
def open_place(place: str | Path) -> Iterator[IO[bytes]]:
    """Open a file to be read, which may be sought in: what a reader skips is not fetched.

    Parameters
    ----------
    place : str or Path

    Raises
    ------
    ConfigError
        A kind of URL that needs a package.
    DataError
        No such file.

    Examples
    --------
    >>> put("memory://doc/a.txt", b"all of it")
    >>> with open_place("memory://doc/a.txt") as file:
    ...     file.read(3)
    b'all'
    """
    store, path = _found(place)
    try:
        file = Path(place).open("rb") if store is None else store.open(path, "rb")  # noqa: SIM115
    except (FileNotFoundError, IsADirectoryError) as error:
        raise DataError(
            "There is no such file.",
            where=_shown(place),
            found=type(error).__name__,
            expected="a file that can be read",
            fix="Check the place, and that the machine that reads it may.",
        ) from None
    with file:
        yield file


def exists(place: str | Path) -> bool:
    """Tell whether there is a file or folder.

    Examples
    --------
    >>> exists("memory://doc/nothing.txt")
    False
    """
    store, path = _found(place)
    return Path(place).exists() if store is None else bool(store.exists(path))


def listed(place: str | Path) -> list[str]:
    """Return the files of a pattern, or of a folder, or the file itself; in order.

    Parameters
    ----------
    place : str or Path
        A pattern has ``*``, ``?`` or ``[...]`` in it.

    Examples
    --------
    >>> for name in ("b", "a"):
    ...     put(f"memory:///listing/{name}.csv", b"")
    >>> listed("memory:///listing/*.csv")
    ['memory:///listing/a.csv', 'memory:///listing/b.csv']
    """
    store, path = _found(place)
    if store is None:
        return sorted(str(one) for one in _here(Path(place)) if one.is_file())
    if has_magic(path):
        names = store.glob(path)
    elif store.isdir(path):
        names = store.ls(path, detail=False)
    else:
        names = [path]
    return sorted(store.unstrip_protocol(name) for name in names if store.isfile(name))


def _here(place: Path) -> Iterable[Path]:
    if has_magic(str(place)):
        return map(Path, glob(str(place), recursive=True))  # noqa: PTH207 - it may be absolute
    return place.iterdir() if place.is_dir() else [place]


def put(place: str | Path, content: bytes | Path) -> None:
    """Write a file, whole or not at all.

    Parameters
    ----------
    place : str or Path
    content : bytes or Path
        A path: of a file of this machine, which is copied.

    Raises
    ------
    ConfigError
        A kind of URL that needs a package.
    UnwrittenError
        The disk of this machine is full, or may not be written.

    Examples
    --------
    >>> put("memory://doc/b.txt", b"one")
    >>> put("memory://doc/b.txt", b"two")
    >>> with open_place("memory://doc/b.txt") as file:
    ...     file.read()
    b'two'
    """
    store, path = _found(place)
    if store is None:
        with written(Path(place)) as draft:
            draft.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
        return
    whole = str(place).partition("://")[0] in _WHOLE
    first = path if whole else f"{path}.{uuid4().hex}"
    if isinstance(content, bytes):
        store.pipe_file(first, content)
    else:
        store.put_file(str(content), first)
    if not whole:
        store.mv(first, path)


def _found(place: str | Path) -> tuple[Any, str]:
    """Return the store that a URL names, None for a path, and the name within it."""
    if not is_url(place):
        return None, str(place)
    kind = str(place).partition("://")[0]
    try:
        from fsspec.core import url_to_fs

        store, path = url_to_fs(str(place))
    except ImportError as error:
        own = (error.name or "").startswith("fsspec")
        needed = "'preference-workbench[cluster]'" if own else _NEEDS.get(kind)
        raise ConfigError(
            f"Places of the kind {kind}:// need a package that is not installed.",
            where=_shown(place),
            found=str(error),
            fix=f"pip install {needed}" if needed else "Install what it names.",
        ) from None
    except ValueError as error:
        raise ConfigError(
            "This kind of place is not known.",
            where=_shown(place),
            found=str(error),
            expected="a path, s3://, gs://, az://, hf://, ...",
            fix="Check the part before the colon.",
        ) from None
    return store, path


def _shown(place: str | Path) -> str:
    """Return a place without the password that may stand before its host."""
    return re.sub(r"//[^/@]*@", "//", str(place))
