"""Files behind URLs, copied to this machine for as long as they are read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from workbench.errors import DataError
from workbench.places import is_url, listed, open_place


@contextmanager
def nearby(source: Any) -> Iterator[Any]:
    """Give a source whose files lie on this machine; one without URLs is given as it is.

    Parameters
    ----------
    source : str, Path, DataFrame or sequence of str or Path
        A URL (``s3://``, ``gs://``, ``hf://``, ...) may be that of a file, of a folder, or a
        pattern.

    Raises
    ------
    DataError
        No file is there.
    ConfigError
        A kind of URL that needs a package.

    Examples
    --------
    >>> from workbench.places import put
    >>> put("memory://doc/votes.csv", b"prompt,text_a,text_b,label")
    >>> with nearby("memory://doc/votes.csv") as paths:
    ...     [path.name for path in paths]
    ['votes.csv']
    """
    several = isinstance(source, Sequence) and not isinstance(source, str)
    sources = list(source) if several else [source]
    if not any(isinstance(one, str) and is_url(one) for one in sources):
        yield source
        return
    with TemporaryDirectory() as place:
        paths: list[str | Path] = []
        for one in sources:
            paths += _copied(one, Path(place)) if is_url(one) else [one]
        yield paths


def _copied(url: str, folder: Path) -> list[Path]:
    files = listed(url)
    if not files:
        raise DataError(
            "No file is at this place.",
            where=url,
            found="nothing",
            expected="a file, a folder of files, or a pattern that some fit",
            fix="Check the place, and that this machine may read it.",
        )
    paths = []
    for file in files:
        # files of several folders may have one name
        home = folder / f"{len(list(folder.iterdir())):06d}"
        home.mkdir()
        paths.append(home / file.rpartition("/")[2])
        with open_place(file) as source, paths[-1].open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 24)
        # a copy is as old as any other: the same file is not a changed one
        os.utime(paths[-1], (0, 0))
    return paths
