"""What LLaMA-Factory's ``dataset_info.json`` says of a file beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_NAME = "dataset_info.json"
_LARGEST = 1 << 24
_ROLES = {
    "prompt": "prompt", "query": "input", "response": "completion", "history": "history",
    "messages": "messages", "system": "system", "tools": "tools", "chosen": "chosen",
    "rejected": "rejected", "kto_tag": "label",
}  # fmt: skip
"""The role of a mapping by LLaMA-Factory's name."""


def mapping_beside(path: Path) -> dict[str, str] | None:
    """Return the columns that ``dataset_info.json`` names for a file of preferences.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict or None
        Columns by role, as ``load(..., mapping=...)`` takes them; None where no such file
        lies beside it, or it does not describe this one as preferences.

    Examples
    --------
    >>> mapping_beside(Path("no_such_folder/pairs.json")) is None
    True
    """
    info = path.parent / _NAME
    if not path.is_file() or not info.is_file() or info.stat().st_size > _LARGEST:
        return None
    try:
        described = json.loads(info.read_text("utf-8"))
    except (ValueError, RecursionError, OSError):
        return None
    entries = described.values() if isinstance(described, dict) else ()
    mine = [e for e in entries if isinstance(e, dict) and e.get("file_name") == path.name]
    found = [_mapping(entry) for entry in mine]
    return next((mapping for mapping in found if mapping is not None), None)


def _mapping(entry: dict[str, Any]) -> dict[str, str] | None:
    columns = entry.get("columns")
    if not isinstance(columns, dict):
        return None
    is_pairs = {"chosen", "rejected"} <= columns.keys()
    if not is_pairs and "kto_tag" not in columns:
        return None
    chats = entry.get("formatting") == "sharegpt"
    apart = {"prompt", "query", "history", "response"} if chats else {"messages"}
    unused = apart | ({"response", "kto_tag"} if is_pairs else {"chosen", "rejected"})
    named = {key: name for key, name in columns.items() if key in _ROLES and key not in unused}
    mapping = {_ROLES[key]: name for key, name in named.items() if isinstance(name, str)}
    if chats and not is_pairs:
        mapping["completion"] = mapping.pop("messages", "conversations")
    return mapping
