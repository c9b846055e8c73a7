"""Pick-a-Pic: which of two generated images a person picked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.records import (
    flag,
    judgements,
    metadata,
    names,
    numbers,
    texts,
)

_NEEDED = {"caption", "image_0_uid", "image_1_uid", "label_0", "label_1"}
_BYTES = ("jpg_0", "jpg_1")
_USED = {
    *_NEEDED, *_BYTES, "has_label", "user_id", "model_0", "model_1", "image_0_url", "image_1_url",
}  # fmt: skip


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate choices: ``label_0`` is 1 where the first image was picked, 0.5 for a tie.

    Images are named by their URL, else by their uid, and the two uids say what was compared:
    one prompt often gives the same models again.
    """
    frame, left_out = metadata(records, _USED)
    frame["prompt"] = texts(records, "caption")
    uids = []
    for side, number in (("a", 0), ("b", 1)):
        uid = names(records, f"image_{number}_uid")
        uids.append(uid.fillna(""))
        frame[f"model_{side}"] = names(records, f"model_{number}")
        frame[f"media_{side}"] = names(records, f"image_{number}_url").fillna(uid)
        frame[f"image_{side}"] = frame[f"media_{side}"]
    frame["item"] = [" ".join(sorted(pair)) for pair in zip(*uids, strict=True)]
    frame["annotator"] = names(records, "user_id").fillna(options.get("annotator") or "human")
    frame["kind"] = options.get("kind") or "human"
    first, second = numbers(records, "label_0"), numbers(records, "label_1")
    frame["preference"] = first
    frame["reason"] = pd.Series([None] * len(frame), dtype="str").mask(first == 0.5, "tie")
    empty = names(records, "has_label").str.lower().isin(["false", "0", "0.0"]).to_numpy(bool)
    shown = [f"label_0 {a:g}, label_1 {b:g}" for a, b in zip(first, second, strict=True)]
    flag(frame, empty | np.isnan(first) & np.isnan(second), "no judgement", shown)
    flag(frame, ~(np.isin(first, (0, 0.5, 1)) & (first + second == 1)), "unknown label", shown)
    settings = {"columns_left_out": ", ".join([*left_out, *_BYTES])}
    return judgements(frame, first_row, settings)


def _columns(columns: list[str], options: Mapping[str, Any]) -> list[str]:
    """Leave the images themselves unread."""
    return [name for name in columns if name not in _BYTES]


def _recognise(columns: list[str], _: list[dict[str, Any]]) -> bool:
    return set(columns) >= _NEEDED


FORMAT = Format(
    "pick_a_pic", "Pick-a-Pic (one of two images)", _recognise, _translate, _columns, whole=True
)
