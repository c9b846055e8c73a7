"""Discoveries on disk: JSON and Parquet, nothing that runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.data import store
from workbench.discover.dictionary import Dictionary
from workbench.embedding.offline import OfflineEmbedding
from workbench.errors import DataError
from workbench.json_values import json_ready
from workbench.provenance import Provenance
from workbench.toml_text import toml_text
from workbench.whole_file import write_text

_FILE, _DICTIONARY, _EMBEDDING = "discovery.json", "dictionary.parquet", "embedding.parquet"
_TABLES = ("directions", "shown", "held_out")
_VERSION = 1


def save(found: Any, folder: Path) -> None:
    """Write a discovery into a folder.

    Parameters
    ----------
    found : Discovery
    folder : Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    store.save(found.data, folder / "data")
    found.dictionary.save(folder / _DICTIONARY)
    if found.embedding is not None:
        found.embedding.save(folder / _EMBEDDING)
    if found.directions["survives"].any():
        factors = {
            one.name: {"meaning": one.meaning, "sees": one.sees, "compare": True,
                       "family": one.family}
            for one in found.rubric().factors
        }  # fmt: skip
        rubric = {"name": "discovered", "about": found.rubric().about, "factors": factors}
        write_text(folder / "rubric.toml", toml_text(rubric))
    tables = {name: _written(getattr(found, name)) for name in _TABLES}
    record = {
        "version": _VERSION,
        "settings": json_ready(found.settings),
        "provenance": found.provenance.to_dict(),
        "tables": tables,
    }
    write_text(folder / _FILE, json.dumps(record, ensure_ascii=False, indent=1))


def read(folder: Path) -> dict[str, Any]:
    """Return the parts of a discovery.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    DataError
        The folder holds none, or a file of it is damaged.
    """
    try:
        record = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        tables = {name: _read(record["tables"][name]) for name in _TABLES}
        settings, provenance = record["settings"], Provenance(**record["provenance"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            "The folder holds no discovery.",
            where=f"{folder.name}/{_FILE}",
            found=f"{type(error).__name__}: {error}"[:200],
            expected="what Discovery.save or workbench discover wrote",
            fix="Name the folder of a discovery, or save it again.",
        ) from None
    kept = folder / _EMBEDDING
    return {
        **tables,
        "data": store.open_folder(folder / "data"),
        "dictionary": Dictionary.load(folder / _DICTIONARY),
        "embedding": OfflineEmbedding.load(kept) if kept.is_file() else None,
        "settings": settings,
        "provenance": provenance,
    }


def _written(table: pd.DataFrame) -> dict[str, Any]:
    """Return a table as JSON values with its types: NaN and None stay apart."""
    types = {str(name): str(kind) for name, kind in table.dtypes.items()}
    return {
        "types": types,
        "rows": [json_ready(list(row)) for row in table.astype(object).to_numpy()],
    }


def _read(record: dict[str, Any]) -> pd.DataFrame:
    types: dict[str, str] = record["types"]
    table = pd.DataFrame(record["rows"], columns=list(types), dtype=object)
    return table.astype(types)
