"""Where the tables of a report lie, beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path


def tables_folder(page: Path) -> Path:
    """Return where the tables of a report lie, beside it.

    Examples
    --------
    >>> tables_folder(Path("runs/audit.html")).as_posix()
    'tables/audit'
    """
    return Path("tables", page.stem.strip(".") or "report")


def tables_of(page: Path) -> list[str]:
    """Return the names of the tables that an earlier report of this name wrote."""
    record = page.with_suffix(".json")
    if not record.is_file():
        return []
    try:
        listed = json.loads(record.read_text(encoding="utf-8")).get("tables", [])
    except (ValueError, AttributeError):
        return []
    # only names as save() makes them: the file may be anybody's
    within = re.escape(tables_folder(page).as_posix())
    found = [re.fullmatch(rf"{within}/(\d\d_\w+\.csv)", str(name)) for name in listed]
    return [match[1] for match in found if match]
