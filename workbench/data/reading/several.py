"""Several files as one set: folders, patterns, lists, and the members of a zip."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from workbench.data.reading.arrow_files import saved_files
from workbench.data.reading.container import Container
from workbench.data.reading.files import KNOWN, PACKED, SUFFIXES, suffix_of
from workbench.data.reading.record_tables import stacked
from workbench.data.reading.tables.dialects import Dialect
from workbench.data.reading.tables.number_marks import with_numbers
from workbench.errors import DataError

_ZIP = ".zip"

_DESCRIPTIONS = {
    "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "manifest.json",
}  # fmt: skip
"""Files that describe the data beside them."""

_DOCUMENTS = (".md", ".rst", ".pdf", ".py", ".ipynb", ".toml", ".yaml", ".yml", ".png", ".jpg",
              ".jpeg", ".gif", ".webp", ".svg", ".html", ".crc", ".log")  # fmt: skip
_NOTICES = ("LICENSE", "LICENCE", "README", "NOTICE", "_SUCCESS")
"""Suffixes and names of files that nobody expects to be read as data."""


def paths_of(source: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the files of a source in an order that does not depend on how they were named.

    Parameters
    ----------
    source : str, Path or list of them
        A file, a folder (its data files, and those of its folders), or a pattern such as
        ``votes/*.jsonl``.

    Returns
    -------
    list of Path
        Sorted, each file once. A path that leads nowhere is returned for what opens it to
        say so.

    Raises
    ------
    DataError
        Nothing fits the pattern, no data file in the folder, or one table in two formats.
    """
    if isinstance(source, str | Path):
        return _of_one(source)
    if not source:
        raise DataError(
            "No file is named.", found="an empty list", expected=KNOWN, fix="Name the files."
        )
    return sorted({path for one in source for path in _of_one(one)})


def _of_one(source: str | Path) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        return _in_folder(path)
    if path.exists() or not glob.has_magic(str(source)):
        return [path]
    # Path.glob knows no pattern that starts at the root
    found = sorted(Path(name) for name in glob.glob(str(source), recursive=True))  # noqa: PTH207
    files = [file for one in found for file in (_in_folder(one) if one.is_dir() else [one])]
    if not files:
        raise DataError(
            "No file fits the pattern.",
            where=str(source),
            found="nothing",
            expected="at least one file",
            fix="Check the pattern; in a shell it stands in quotes.",
        )
    return sorted(set(files))


def _in_folder(folder: Path) -> list[Path]:
    saved = saved_files(folder)
    if saved is not None:
        return saved
    inside = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name not in _DESCRIPTIONS
        and not any(part[:1] in "._" for part in path.relative_to(folder).parts)
        and suffix_of(path.name) in (*SUFFIXES, _ZIP)
    ]
    if not inside:
        raise DataError(
            "The folder holds no data file.",
            where=folder.name,
            found="no file that ends in " + ", ".join(SUFFIXES),
            expected=KNOWN,
            fix="Check the path; a saved data set is opened by its folder with a manifest.json.",
        )
    bare = [path.with_name(_bare(path.name)) for path in inside]
    twice = [path.name for path, stem in zip(inside, bare, strict=True) if bare.count(stem) > 1]
    if twice:
        raise DataError(
            "The folder holds a table in two formats: its judgements would count twice.",
            where=folder.name,
            found=", ".join(twice[:4]),
            expected="each judgement once",
            fix=f"Name the files that count, or a pattern such as '{folder.name}/*.csv'.",
        )
    return inside


def not_data(folder: Path) -> list[str]:
    """Return the files of a folder that are no data files by their names, documents left out."""
    if saved_files(folder) is not None:
        return []
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name not in _DESCRIPTIONS
        and not path.name.startswith(".")
        and suffix_of(path.name) not in (*SUFFIXES, _ZIP, *_DOCUMENTS)
        and path.name.upper() not in _NOTICES
    ]


def _bare(name: str) -> str:
    """Return a file's name without what says how it is written."""
    lower = name.lower()
    for suffix in (*PACKED, suffix_of(name)):
        lower = lower.removesuffix(suffix)
    return lower


def open_all(
    paths: Sequence[Path], opened: Callable[[Path, Dialect | None], list[Container]]
) -> list[Container]:
    """Return the records of files that are one set.

    Where one CSV or TSV file shows how its fields are written (escapes, marks of nothing)
    and another of the same delimiter does not, the other is read in the same way: how
    rows are split over files changes nothing.

    Parameters
    ----------
    paths : list of Path
    opened : callable
        From a path, and the dialect to read text in, to the containers in the file.
    """
    parts = [opened(path, None) for path in paths]
    if len(paths) == 1:
        return with_numbers(parts[0])
    shown: dict[str, Dialect] = {}
    for container in (one for part in parts for one in part):
        if isinstance(container.dialect, Dialect):
            delimiter = container.dialect.delimiter
            shown[delimiter] = container.dialect.joined(shown.get(delimiter, Dialect(delimiter)))
    for place, path in enumerate(paths):
        found = next((one.dialect for one in parts[place] if one.dialect is not None), None)
        if found is not None and found != shown[found.delimiter]:
            parts[place] = opened(path, shown[found.delimiter])
    return with_numbers(_distinctly_named(paths, parts))


def _distinctly_named(paths: Sequence[Path], parts: list[list[Container]]) -> list[Container]:
    """Call files by their folder too where only that tells them apart."""
    for folder, part in zip(folders_told(paths), parts, strict=True):
        for one in part:
            one.name = folder + one.name
    return [one for part in parts for one in part]


def folders_told(paths: Sequence[Path]) -> list[str]:
    """Return what to put before the name of each file: its folder where others have its name.

    Examples
    --------
    >>> folders_told([Path("x/a.csv"), Path("y/a.csv"), Path("y/b.csv")])
    ['x/', 'y/', '']
    """
    times = Counter(path.name for path in paths)
    return [f"{path.parent.name}/" if times[path.name] > 1 else "" for path in paths]


def joined(containers: Sequence[Container], name: str) -> Container:
    """Return the records of several files as one container, each with its file and number.

    Parameters
    ----------
    containers : list of Container
        Of at least one file.
    name : str
        Of the set.

    Examples
    --------
    >>> import pyarrow as pa
    >>> parts = [Container(f"{n}.csv", pa.table({"n": [1] * n})) for n in (2, 1)]
    >>> both = joined(parts, "2.csv, 1.csv")
    >>> both.rows.tolist(), [both.files[i] for i in both.file_of]
    ([1, 2, 1], ['2.csv', '2.csv', '1.csv'])
    """
    if len(containers) == 1:
        return containers[0]
    table, notes = stacked([(one.table, []) for one in containers])
    told = [note for one in containers for note in one.notes]
    sizes = [len(one.table) for one in containers]
    rows = [
        np.arange(1, size + 1) if one.rows is None else np.asarray(one.rows, dtype=np.int64)
        for one, size in zip(containers, sizes, strict=True)
    ]
    starts = np.cumsum([0, *sizes])
    return Container(
        name,
        table,
        np.concatenate(rows),
        [row._replace(file=one.name) for one in containers for row in one.bad],
        notes=[*dict.fromkeys([*told, *notes])],
        lost={
            int(start) + place: found
            for one, start in zip(containers, starts, strict=False)
            for place, found in one.lost.items()
        },
        files=[one.name for one in containers],
        file_of=np.repeat(np.arange(len(containers)), sizes),
    )


def name_of(containers: Sequence[Container]) -> str:
    """Return a name for a set of files.

    Examples
    --------
    >>> import pyarrow as pa
    >>> name_of([Container(f"{x}.csv", pa.table({})) for x in "abcd"])
    'a.csv, b.csv and 2 more files'
    """
    return name_of_all([one.name for one in containers])


def name_of_all(names: Sequence[str]) -> str:
    """Return a name for a set of files of these names.

    Examples
    --------
    >>> name_of_all(["a.csv", "b.csv"])
    'a.csv, b.csv'
    """
    more = f" and {len(names) - 2:,} more files" if len(names) > 3 else ""
    return ", ".join(names[:2] if more else names) + more
