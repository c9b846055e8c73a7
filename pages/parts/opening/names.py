"""Names of uploads: whatever a browser says, they stay in their folder and are told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_PART = 100
"""Letters of a name that are kept: what a file system takes, with room for more bytes."""


def safe_names(names: Sequence[str]) -> list[str]:
    """Return names of uploads as paths below a folder, whatever a browser says they are.

    The folders of an uploaded folder are kept; nothing leads out of the folder, and no two are
    the same.
    """
    parts = [_parts(name) for name in names]
    if folder_of(names) is not None:
        parts = [one[1:] for one in parts]
    found: list[str] = []
    for one in parts:
        name, again = "/".join(one), 2
        while name in found:
            # what lies in folders of their own is told apart by them
            name, again = "/".join((*one[:-1], str(again), one[-1])), again + 1
        found.append(name)
    return found


def _parts(name: str) -> list[str]:
    split = (re.sub(r"[\x00-\x1f\x7f]", "", part).strip() for part in re.split(r"[/\\]", name))
    kept = [_short(part) for part in split if part.strip(". ")]
    return kept or ["file"]


def _short(name: str) -> str:
    """Cut a long name, not what says what it holds."""
    if len(name) <= _PART:
        return name
    suffixes = "".join(Path(name).suffixes[-2:])[-20:]
    return name[: _PART - len(suffixes)] + suffixes


def folder_of(names: Sequence[str]) -> str | None:
    """Return the name of the folder that was uploaded; None for single files."""
    parts = [_parts(name) for name in names]
    same = all(len(one) > 1 and one[0] == parts[0][0] for one in parts)
    return parts[0][0] if same and len(parts) > 1 else None


def title_of(names: Sequence[str]) -> str:
    """Return a name for the folder of several files, as the data set is called by it."""
    folder = folder_of(names)
    if folder is not None:
        return folder
    names = [one[-1] for one in map(_parts, names)]
    more = f" and {len(names) - 1:,} more files" if len(names) > 2 else f", {names[-1]}"
    return names[0] if len(names) == 1 else f"{names[0]}{more}"
