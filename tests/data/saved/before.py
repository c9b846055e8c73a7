"""Data sets on disk as versions of the workbench before schema version 3 wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import workbench as wb

_TABLES = ("pairs", "labels", "factors", "factor_values")


def saved_before(data: wb.PreferenceData, folder: Path, version: int = 2, **changed: Any) -> Path:
    """Write Parquet tables and a manifest; of version 1 without the criterion of labels."""
    folder.mkdir()
    for name in _TABLES:
        table = getattr(data, name)
        if version == 1 and name == "labels":
            table = table.drop(columns="criterion")
        table.to_parquet(folder / f"{name}.parquet", compression="zstd")
    manifest = {
        "schema_version": version,
        "digest": data.digest if version > 1 else "made otherwise",
        "rows": {name: len(getattr(data, name)) for name in _TABLES},
        "factor_specs": {name: dict(spec) for name, spec in data.factor_specs.items()},
        "load_report": None if data.load_report is None else data.load_report.to_dict(),
    }
    (folder / "manifest.json").write_text(json.dumps({**manifest, **changed}))
    return folder
