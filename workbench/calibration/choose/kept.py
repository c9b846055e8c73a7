"""A choice that a command kept, read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.calibration.choose.result import Choice
from workbench.errors import DataError
from workbench.provenance import Provenance

_NEEDED = {
    "chosen": {"pair_id", "why", "rank"},
    "promised_errors": {"term", "estimate", "n", "method"},
}
_PROMISED = {"n", "term", "std_error"}
_SETTINGS = {"reference", "design", "terms", "ready", "seed"}


def read_choice(folder: str | Path) -> Choice:
    """Read the choice that ``workbench choose-pairs`` wrote into a folder.

    Parameters
    ----------
    folder : str or Path
        With ``result.json``.

    Raises
    ------
    DataError
        The file is not there, or holds no choice.
    """
    path = Path(folder) / "result.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        tables = {name: pd.DataFrame(rows) for name, rows in record["tables"].items()}
        whole = record["type"] == Choice.__name__ and record["settings"].keys() >= _SETTINGS
        needed = _NEEDED | ({"by_batch": _PROMISED} if record["settings"].get("ready") else {})
        whole &= all(columns <= set(tables.get(name, ())) for name, columns in needed.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refused(path, str(error)[:200]) from None
    if not whole:
        raise _refused(path, "another result, or one without its tables")
    chosen = tables["chosen"].assign(pair_id=tables["chosen"]["pair_id"].astype(str))
    return Choice(
        estimates=tables["promised_errors"],
        chosen=chosen,
        promised=_numbers(tables.get("by_batch", pd.DataFrame())),
        exclusions=tables.get("exclusions", pd.DataFrame()),
        settings=record["settings"],
        provenance=_provenance(record.get("provenance")),
    )


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return the promises with numbers where JSON has nothing for an undefined one."""
    if table.empty:
        return table
    return table.assign(std_error=pd.to_numeric(table["std_error"], errors="coerce"))


def _provenance(record: Any) -> Provenance:
    known = record if isinstance(record, dict) else {}
    names = Provenance.__dataclass_fields__
    return Provenance(**{"workbench": "unknown", "python": "unknown",
                         **{name: known[name] for name in names if name in known}})  # fmt: skip


def _refused(path: Path, found: str) -> DataError:
    return DataError(
        "There is no choice of pairs to read.",
        where=str(path),
        found=found,
        expected="result.json of the command that chose the pairs",
        fix="Name the folder into which that command wrote.",
    )
