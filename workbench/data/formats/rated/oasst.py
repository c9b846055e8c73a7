"""OpenAssistant's conversations: replies of one parent, ranked by people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.messages import Message, render, to_json
from workbench.data.formats.nested import fields, items
from workbench.data.formats.rated.pairing import Items, Rule, paired, recorded
from workbench.data.formats.rated.unfolded import named
from workbench.data.formats.records import Record
from workbench.data.formats.single import number
from workbench.errors import DataError

_FLAT = ("message_id", "parent_id", "text", "role", "rank", "message_tree_id")
_FURTHER = ("deleted", "lang", "model_name")
_TREE = {"message_tree_id", "prompt"}
_ROLES = {"prompter": "user", "assistant": "assistant"}
_RULE = Rule(("rank",), lower=True)


def _messages(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate messages, one a row: the replies to one message are ranked, 0 is the best."""
    wanted = [name for name in (*_FLAT, *_FURTHER) if name in records.column_names]
    rows = records.select(wanted).to_pylist()
    return _ranked(dict(enumerate(rows, start=first_row)), options)


def _trees(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate trees, one a row, whose messages hold their replies."""
    rows: list[tuple[int, Record]] = []
    for row, tree in enumerate(records.to_pylist(), start=first_row):
        root = fields(tree.get("prompt"))
        rows += [(row, message) for message in _walk(root, None, tree.get("message_tree_id"))]
    by_place = {place: {**message, "row": row} for place, (row, message) in enumerate(rows)}
    return _ranked(by_place, options)


def _walk(root: Record, parent: Any, tree: Any) -> Iterator[Record]:
    """Yield the messages of a tree, each after its parent."""
    waiting = [(root, parent)]
    while waiting:
        message, above = waiting.pop(0)
        yield {**message, "parent_id": above, "message_tree_id": tree}
        replies = [fields(reply) for reply in items(message.get("replies"))]
        waiting += [(reply, message.get("message_id")) for reply in replies]


def _ranked(rows: dict[int, Record], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the pairs of ranked replies of an assistant.

    Ranks are merged over people, so all labels are of one crowd. Ranks of a prompter's
    messages compare questions, not responses.
    """
    by_id = {row["message_id"]: row for row in rows.values() if row.get("message_id")}
    ranked = {
        place: row
        for place, row in rows.items()
        if row.get("role") == "assistant" and not _is_deleted(row) and number(row.get("rank")) >= 0
    }
    if not ranked:
        raise DataError(
            "The file holds no comparison: no reply of an assistant has a rank.",
            found=f"{len(rows):,} messages",
            expected="replies to one message with their ranks",
            fix="Take the file of ready trees, whose replies people ranked.",
        )
    paths: dict[Any, list[Message]] = {}
    shared = [_asked(row, by_id, paths) for row in ranked.values()]
    who = {"annotator": options.get("annotator") or "oasst", "kind": options.get("kind") or "human"}
    sides = [
        {
            "response": named(row.get("text")),
            "model": named(row.get("model_name")),
            "message_id": named(row.get("message_id")),
        }
        for row in ranked.values()
    ]
    parents = pd.Series([str(row.get("parent_id")) for row in ranked.values()])
    found = Items(
        pd.factorize(parents)[0].astype("int64"),
        np.array([row.get("row", place) for place, row in ranked.items()], dtype="int64"),
        pd.DataFrame(shared).assign(**who),
        pd.DataFrame(sides),
        pd.DataFrame({"rank": [number(row.get("rank")) for row in ranked.values()]}),
    )
    seed = int(options.get("seed") or 0)
    frame = paired(found, _RULE, seed)
    # a reply that people ranked against deleted ones stands alone: nothing was lost of it
    frame = frame[frame["preference"].notna()].reset_index(drop=True)
    frame.attrs["settings"] = recorded(_RULE, seed)
    return frame


def _is_deleted(row: Record) -> bool:
    return str(row.get("deleted")).lower() in ("true", "1")


def _asked(row: Record, by_id: dict[Any, Record], paths: dict[Any, list[Message]]) -> Record:
    """Return the conversation before a message, from the root of its tree."""
    parent = row.get("parent_id")
    if parent not in paths:
        path: list[Message] = []
        above = by_id.get(parent)
        seen: set[Any] = set()
        while above is not None and above["message_id"] not in seen:
            seen.add(above["message_id"])
            role = _ROLES.get(str(above.get("role")), str(above.get("role")))
            path.insert(0, {"role": role, "content": str(above.get("text"))})
            above = by_id.get(above.get("parent_id"))
        paths[parent] = path
    path = paths[parent]
    return {
        "prompt": render(path) if path else None,
        "prompt_messages": to_json(path) if path else None,
        "cluster": named(row.get("message_tree_id")),
        "lang": named(row.get("lang")),
    }


def _recognise_flat(columns: list[str], _: list[dict[str, Any]]) -> bool:
    return set(columns) >= set(_FLAT)


def _recognise_trees(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(columns) >= _TREE and any("replies" in fields(r.get("prompt")) for r in records)


def _columns(columns: list[str], _: Mapping[str, Any]) -> list[str]:
    return [name for name in columns if name in (*_FLAT, *_FURTHER)]


MESSAGES = Format(
    "oasst",
    "OpenAssistant's messages (ranked replies)",
    _recognise_flat,
    _messages,
    columns=_columns,
    whole=True,
)
TREES = Format("oasst_trees", "OpenAssistant's message trees", _recognise_trees, _trees, whole=True)
