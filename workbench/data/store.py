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
from workbench.errors import DataError, UnwrittenError
from workbench.whole_file import sweep, write_text

SCHEMA_VERSION = 2
_FIRST = 1
_MANIFEST = "manifest.json"
_TABLES = ("pairs", "labels", "factors", "factor_values")


def is_saved(path: Path) -> bool:
    """Tell whether a path is the folder of a saved data set."""
    return (path / _MANIFEST).is_file() and not is_run(path)


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
        No manifest, another schema version, a damaged table, or tables that do not match
        the digest of the manifest.

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
    version = manifest.get("schema_version")
    if version not in (_FIRST, SCHEMA_VERSION):
        raise DataError(
            "The data set was saved by another version.",
            where=f"{folder.name}/{_MANIFEST}",
            found=f"schema_version {version!r}",
            expected=f"{_FIRST} or {SCHEMA_VERSION}",
            fix="Load the original file again and save it with this version.",
        )
    tables = {name: _read_table(folder, name) for name in _TABLES}
    report = manifest["load_report"]
    if version == _FIRST:
        # labels had no criterion, and ids and digests were made otherwise: ids stay as they are
        tables["labels"] = complete_labels(tables["labels"])
        _check_rows(folder, tables, manifest)
    data = PreferenceData(
        **tables,
        factor_specs=manifest["factor_specs"],
        load_report=None if report is None else LoadReport.from_dict(report),
    )
    if version == SCHEMA_VERSION and data.digest != manifest["digest"]:
        raise DataError(
            "The tables do not match the manifest.",
            where=folder.name,
            found=f"digest {data.digest}",
            expected=manifest["digest"],
            fix="A table was changed or mixed up: save the data set again.",
        )
    return data


def _check_rows(folder: Path, tables: dict[str, pd.DataFrame], manifest: dict[str, Any]) -> None:
    found = {name: len(table) for name, table in tables.items()}
    if found != manifest["rows"]:
        raise DataError(
            "The tables do not match the manifest.",
            where=folder.name,
            found=f"rows {found}",
            expected=f"rows {manifest['rows']}",
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
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            "The data set has no readable manifest.",
            where=f"{folder.name}/{_MANIFEST}",
            found=str(error).split(":")[0],
            expected="the manifest.json that save wrote",
            fix="Check the folder, or load the original file.",
        ) from error
    return manifest


def _read_table(folder: Path, name: str) -> pd.DataFrame:
    try:
        return pq.read_table(folder / f"{name}.parquet").to_pandas()
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(
            "A table of the data set is missing or damaged.",
            where=f"{folder.name}/{name}.parquet",
            found=str(error)[:80],
            expected="a complete Parquet file",
            fix="Copy the folder again, or save the data set anew.",
        ) from error
