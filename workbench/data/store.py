"""A data set on disk: a folder with a manifest and Arrow tables, which are mapped."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.data.columns import complete_labels
from workbench.data.dataset import PreferenceData
from workbench.data.load_report import LoadReport
from workbench.data.saved import mapped, parquet
from workbench.data.saved.beside import beside_of, put_beside
from workbench.data.saved.damage import check_marks, marks_of, mixed_up
from workbench.errors import DataError, UnwrittenError
from workbench.whole_file import sweep, write_text

SCHEMA_VERSION = 3
_FIRST = 1
_MAPPED = 3
"""Version from which on tables are mapped; those of before are Parquet files."""
_MANIFEST = "manifest.json"
_TABLES = ("pairs", "labels", "factors", "factor_values")
_READ_THROUGH = ("pairs", "labels", "factors")
"""Tables that numbers are made of, whose content is compared with its checksum at each opening."""


def is_saved(path: Path) -> bool:
    """Tell whether a path is the folder of a saved data set, its manifest lost or not."""
    tables = any(
        all((path / f"{name}{ending}").is_file() for name in _TABLES)
        for ending in (".arrow", ".parquet")
    )
    return ((path / _MANIFEST).is_file() or tables) and not is_run(path)


def results_in(run: Path) -> Path:
    """Return the saved data set that an annotation run wrote into its folder.

    Raises
    ------
    DataError
        The run has no results yet.
    """
    folder = run / "results" / "data"
    if not is_saved(folder):
        raise DataError(
            "The run has no results yet.",
            where=run.name,
            expected="the folder of an annotation run that finished or stopped",
            fix="Take it up again: workbench resume FOLDER",
        )
    return folder


def saved_in(path: Path) -> Path | None:
    """Return the saved data set that a path is, or that a run in it wrote; None where none is.

    Raises
    ------
    DataError
        A run that has no results yet.
    """
    if is_run(path):
        return results_in(path)
    if is_whole_run(path):
        path /= "data"
    return path if is_saved(path) else None


def is_run(path: Path) -> bool:
    """Tell whether a path is the folder of an annotation run."""
    return _has_run(path) and not is_curation(path)


def is_whole_run(path: Path) -> bool:
    """Tell whether a path is the folder of ``workbench run``: its data are all that it made."""
    return (path / "stages.json").is_file() and is_saved(path / "data")


def is_curation(path: Path) -> bool:
    """Tell whether a path is the folder of ``workbench curate``: its data are training files."""
    return _has_run(path) and any((path / "data").glob("train.*"))


def _has_run(path: Path) -> bool:
    return (path / "run.toml").is_file() and (path / "data").is_dir()


def save(data: PreferenceData, folder: str | Path) -> Path:
    """Write a data set into a folder, whole or not at all.

    Parameters
    ----------
    data : PreferenceData
    folder : str or Path
        A new folder, or that of a saved data set, which is replaced.

    Raises
    ------
    DataError
        The folder exists and holds something else.

    Examples
    --------
    >>> import tempfile, workbench as wb
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = save(wb.load("sample"), place + "/sample")
    ...     open_folder(folder).digest == wb.load("sample").digest
    True
    """
    folder = Path(folder)
    if folder.exists() and not is_saved(folder) and any(folder.iterdir()):
        raise DataError(
            "The folder holds something else.",
            where=folder.name,
            found="files that are no saved data set",
            expected="a new folder, or one written by save",
            fix="Choose another folder.",
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    draft.mkdir()
    try:
        beside = beside_of(data)
        for name in _TABLES:
            mapped.write(getattr(data, name), draft, name, data.digest, beside.get(name, {}))
        record = {**_manifest(data), "files": marks_of(draft.iterdir())}
        manifest = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True)
        write_text(draft / _MANIFEST, manifest)
        shutil.rmtree(folder, ignore_errors=True)
        draft.replace(folder)
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(error, OSError):
            raise UnwrittenError(folder, error.strerror or error) from error
        raise
    return folder


def open_folder(folder: str | Path) -> PreferenceData:
    """Open a saved data set and check that it is whole.

    Its files are mapped into memory: a text is read when it is used. At opening every file is
    checked by its size, its layout and the data set that it is of; what numbers are made of (ids,
    labels, factors) also by its content. :func:`verify` looks through all, texts too.

    Raises
    ------
    DataError
        No manifest or one that is not whole, a newer schema version, a damaged table, or
        tables that do not match the digest of the manifest.

    Examples
    --------
    >>> import tempfile, workbench as wb
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = wb.save(wb.load("sample"), place + "/sample")
    ...     len(open_folder(folder))
    2000
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    where = f"{folder.name}/{_MANIFEST}"
    version = checked_version(manifest, SCHEMA_VERSION, where)
    if version >= _MAPPED:
        return _open_mapped(folder, manifest, where)
    tables = {name: parquet.read(folder, name) for name in _TABLES}
    if version == _FIRST:
        # labels had no criterion, and ids and digests were made otherwise: ids stay as they are
        tables["labels"] = complete_labels(tables["labels"])
        _check_rows(folder, tables, manifest)
    data = _data_of(tables, manifest, where)
    if version != _FIRST and data.digest != manifest.get("digest"):
        raise mixed_up(folder.name, f"digest {data.digest}", str(manifest.get("digest")))
    return data


def verify(folder: str | Path) -> None:
    """Look through a saved data set, all its texts too, and compare it with its checksums.

    Data sets that were saved before schema version 3 have none: they are opened.

    Raises
    ------
    DataError
        The first file that is not as it was saved.

    Examples
    --------
    >>> import tempfile, workbench as wb
    >>> with tempfile.TemporaryDirectory() as place:
    ...     verify(wb.save(wb.load("sample"), place + "/sample"))
    """
    folder = Path(folder)
    open_folder(folder)
    marks = _read_manifest(folder).get("files", {})
    check_marks(folder, marks, marks)


def _open_mapped(folder: Path, manifest: dict[str, Any], where: str) -> PreferenceData:
    digest, known = manifest.get("digest"), mapped.files_of(_TABLES)
    try:
        marks = manifest["files"]
        if set(marks) != {name for name in known if (folder / name).exists()} | set(marks) & known:
            raise mixed_up(folder.name, "a file that it does not name", f"{sorted(marks)}")
        check_marks(folder, marks, [mapped.file_of(name) for name in _READ_THROUGH])
    except (KeyError, TypeError, AttributeError) as error:
        raise _incomplete(where, error) from error
    found = {name: mapped.read(folder, name, digest) for name in _TABLES}
    tables = {name: frame for name, (frame, _) in found.items()}
    _check_rows(folder, tables, manifest)
    data = _data_of(tables, manifest, where)
    put_beside(data, {name: kept for name, (_, kept) in found.items()}, str(digest), folder.name)
    return data


def _data_of(
    tables: dict[str, pd.DataFrame], manifest: dict[str, Any], where: str
) -> PreferenceData:
    try:
        report = manifest["load_report"]
        return PreferenceData(
            **tables,
            factor_specs=dict(manifest["factor_specs"]),
            load_report=None if report is None else LoadReport.from_dict(report),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _incomplete(where, error) from error


def checked_version(record: dict[str, Any], newest: int, where: str) -> int:
    """Return the schema version of something saved, if this version of the workbench reads it.

    Parameters
    ----------
    record : dict
        What was saved, with its ``schema_version``.
    newest : int
        The version that is written now; all from 1 on are read.
    where : str
        Name of the file, for messages.

    Raises
    ------
    DataError
        A newer version, or none.

    Examples
    --------
    >>> checked_version({"schema_version": 1}, 2, "set/manifest.json")
    1
    """
    version = record.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < _FIRST:
        raise DataError(
            "It is not said in which version of the format this was saved.",
            where=where,
            found=f"schema_version {version!r}",
            expected=f"a whole number from {_FIRST} to {newest}",
            fix="Copy the file again from where it was saved, or make it anew.",
        )
    if version > newest:
        raise DataError(
            "This was saved by a newer version of the workbench.",
            where=where,
            found=f"schema_version {version}",
            expected=f"at most {newest}",
            fix="Upgrade: pip install --upgrade preference-workbench; or make it anew with this "
            "version.",
        )
    return version


def _incomplete(where: str, error: Exception) -> DataError:
    return DataError(
        "The manifest or a table of the data set is not whole.",
        where=where,
        found=f"{type(error).__name__}: {error}",
        expected="what save wrote: digest, rows, factor_specs and load_report, with all tables",
        fix="Copy the folder again, or load the original file and save it again.",
    )


def _check_rows(folder: Path, tables: dict[str, pd.DataFrame], manifest: dict[str, Any]) -> None:
    found = {name: len(table) for name, table in tables.items()}
    if found != manifest.get("rows"):
        raise mixed_up(folder.name, f"rows {found}", f"rows {manifest.get('rows')}")


def _manifest(data: PreferenceData) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "digest": data.digest,
        "rows": {name: len(getattr(data, name)) for name in _TABLES},
        "factor_specs": {name: dict(spec) for name, spec in data.factor_specs.items()},
        "load_report": None if data.load_report is None else data.load_report.to_dict(),
    }


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        found = "no such file"
    except (OSError, ValueError, RecursionError) as error:
        found = str(error).split(":")[0]
    else:
        if isinstance(manifest, dict):
            return manifest
        found = f"{type(manifest).__name__} in place of an object"
    raise DataError(
        "The data set has no readable manifest.",
        where=f"{folder.name}/{_MANIFEST}",
        found=found,
        expected="the manifest.json that save wrote",
        fix="Copy it again from where the data were saved, or load the original file and save it "
        "again.",
    )
