"""DOVE: chosen and rejected of two instructions, which need not be one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.orientation import orient
from workbench.data.formats.records import flag, judgements, metadata, require, texts
from workbench.data.formats.training.trl import settings_of

_NEEDED = ("i_chosen", "r_chosen", "i_reject", "r_reject")
_BETWEEN = "\n\n"


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate joint preferences; the sides are decided by content and seed.

    ``prompt_b`` is B's own instruction, missing where both sides answer one.
    """
    require(records, _NEEDED, "DOVE")
    seed = int(options.get("seed") or 0)
    extra, left_out = metadata(records, set(_NEEDED))
    asked, said, other_asked, other_said = (texts(records, name) for name in _NEEDED)
    chosen = asked.fillna("") + _BETWEEN + said.fillna("")
    rejected = other_asked.fillna("") + _BETWEEN + other_said.fillna("")
    first = orient([""] * len(records), chosen, rejected, seed)
    sides = pd.DataFrame(
        {
            "prompt": asked.where(first, other_asked),
            "response_a": said.where(first, other_said),
            "response_b": other_said.where(first, said),
            "preference": first.astype("float64"),
        }
    )
    own = other_asked.where(first, asked)
    differs = own.fillna("") != sides["prompt"].fillna("")
    if differs.any():
        sides["prompt_b"] = own.where(differs)
    missing = sides[["response_a", "response_b"]].isna().any(axis=1)
    shown = ["r_chosen or r_reject: nothing"] * len(sides)
    flag(sides, np.asarray(missing), "unparseable", shown)
    frame = pd.concat([extra, sides], axis=1)
    frame["annotator"] = options.get("annotator")
    frame["kind"] = options.get("kind") or "unknown"
    return judgements(frame, first_row, settings_of(seed, left_out))


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(_NEEDED) <= set(columns)


FORMAT = Format(
    "dove", "DOVE: preferences over instruction and response together", _recognise, _translate
)
