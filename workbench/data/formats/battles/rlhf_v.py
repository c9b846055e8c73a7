"""RLHF-V: answers about an image that a person corrected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.battles.compared import by_choice, shuffled, table, unread
from workbench.data.formats.battles.media import joined, media_names
from workbench.data.formats.orientation import SHUFFLE_RULE
from workbench.data.formats.printed import nested
from workbench.data.formats.records import Record, excerpt

_IMAGES = ("image", "image_path")
_USED = {"text", *_IMAGES}
_SAID = ("question", "chosen", "rejected")


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate records whose ``text`` is the JSON of question, chosen and rejected.

    Chosen is the person's own correction of rejected.
    """
    seed = int(options.get("seed", 0))
    common = {
        "annotator": options.get("annotator") or "human",
        "kind": options.get("kind") or "human",
    }
    rows = [
        {"row": row, **common, **judgement}
        for row, record in enumerate(records.to_pylist(), start=first_row)
        for judgement in _record(row, record, seed)
    ]
    settings = {"shuffle_seed": seed, "shuffle_rule": SHUFFLE_RULE}
    return table(rows, records, first_row, _USED, settings)


def _record(row: int, record: Record, seed: int) -> Iterator[Record]:
    said = _said(record.get("text"))
    if said is None:
        yield unread(row, f"text: {excerpt(record.get('text'))}")
        return
    images = [{"response": said["chosen"]}, {"response": said["rejected"]}]
    ordered = shuffled(images, said["question"], "response", seed)
    path = media_names(record.get("image_path"))
    about = {
        "prompt": said["question"],
        "media": joined(path or media_names(record.get("image"))),
    }
    for pair in by_choice(ordered, ordered.index(images[0])):
        yield {**about, **pair}


def _said(value: Any) -> Record | None:
    said = nested(value)
    if not isinstance(said, dict):
        return None
    return said if all(isinstance(said.get(name), str) for name in _SAID) else None


def _columns(columns: list[str], options: Mapping[str, Any]) -> list[str]:
    """Leave the images themselves unread where they have a path."""
    return [name for name in columns if name != "image" or "image_path" not in columns]


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    if "text" not in columns or not set(columns) & set(_IMAGES):
        return False
    return any(_said(record["text"]) is not None for record in records)


FORMAT = Format(
    "rlhf_v",
    "RLHF-V (corrected answers about images)",
    _recognise,
    _translate,
    _columns,
    whole=True,
)
