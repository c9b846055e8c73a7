"""A data set on disk: a folder with a manifest and Parquet tables."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.data.columns import complete_labels
from workbench.data.dataset import PreferenceData
from workbench.data.load_report import LoadReport
from workbench.data.reading.bounds.parquet import check_parquet
from workbench.errors import DataError, UnwrittenError
from workbench.whole_file import sweep, write_text

SCHEMA_VERSION = 2
_FIRST = 1
_MANIFEST = "manifest.json"
_TABLES = ("pairs", "labels", "factors", "factor_values")


def is_saved(path: Path) -> bool:
    """Tell whether a path is the folder of a saved data set, its manifest lost or not."""
    tables = all((path / f"{name}.parquet").is_file() for name in _TABLES)
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
        for name in _TABLES:
            table = pa.Table.from_pandas(getattr(data, name), preserve_index=False)
            pq.write_table(table, draft / f"{name}.parquet", compression="zstd")
        manifest = json.dumps(_manifest(data), ensure_ascii=False, indent=1, sort_keys=True)
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
    tables = {name: _read_table(folder, name) for name in _TABLES}
    if version == _FIRST:
        # labels had no criterion, and ids and digests were made otherwise: ids stay as they are
        tables["labels"] = complete_labels(tables["labels"])
        _check_rows(folder, tables, manifest)
    try:
        report = manifest["load_report"]
        data = PreferenceData(
            **tables,
            factor_specs=dict(manifest["factor_specs"]),
            load_report=None if report is None else LoadReport.from_dict(report),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _incomplete(where, error) from error
    if version == SCHEMA_VERSION and data.digest != manifest.get("digest"):
        raise DataError(
            "The tables do not match the manifest.",
            where=folder.name,
            found=f"digest {data.digest}",
            expected=str(manifest.get("digest")),
            fix="A table was changed or mixed up: load the original file and save it again.",
        )
    return data


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
        raise DataError(
            "The tables do not match the manifest.",
            where=folder.name,
            found=f"rows {found}",
            expected=f"rows {manifest.get('rows')}",
            fix="A table was changed or mixed up: load the original file again.",
        )


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


def _read_table(folder: Path, name: str) -> pd.DataFrame:
    path = folder / f"{name}.parquet"
    try:
        check_parquet(path, f"{folder.name}/{path.name}", path.stat().st_size)
        return pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(
            "A table of the data set is missing or damaged.",
            where=f"{folder.name}/{name}.parquet",
            found=str(error)[:80],
            expected="a complete Parquet file",
            fix="Copy the folder again, or save the data set anew.",
        ) from error
