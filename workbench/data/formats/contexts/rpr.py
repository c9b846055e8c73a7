"""Reasonable Preference Reversal (RPR): two criteria a pair, one for each response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.columns import CATEGORY
from workbench.data.formats import Format
from workbench.data.formats.records import (
    flag,
    flag_missing_text,
    judgements,
    metadata,
    names,
    require,
    texts,
)

_CRITERIA = {"criteria_x": 1.0, "criteria_y": 0.0}
"""Columns of criteria, and P(A preferred) under each, by the set's card."""

_CATEGORIES = {"criteria_x": "category_x", "criteria_y": "category_y"}

_NEEDED = ("prompt", "response_a", "response_b", *_CRITERIA)


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate pairs into two labels each: ``criteria_x`` prefers A, ``criteria_y`` prefers B.

    The criterion was written for the response that it prefers, so that its label is gold.
    ``category_*`` goes with the label, ``scenario_*`` and ``profile_*`` stay with the pair.
    """
    require(records, _NEEDED, "RPR")
    extra, left_out = metadata(records, {*_NEEDED, *_CATEGORIES.values()})
    parts = []
    for column, preference in _CRITERIA.items():
        sides = ("prompt", "response_a", "response_b")
        frame = pd.DataFrame({name: texts(records, name) for name in sides})
        frame["criterion"] = texts(records, column).str.strip()
        frame[CATEGORY] = names(records, _CATEGORIES[column])
        frame["preference"] = preference
        flag_missing_text(frame, records, {"response_a": "response_a", "response_b": "response_b"})
        empty = (frame["criterion"].fillna("") == "").to_numpy()
        flag(frame, np.asarray(empty), "unparseable", [f"{column}: nothing"] * len(frame))
        frame = pd.concat([extra, frame], axis=1)
        frame["annotator"] = options.get("annotator") or "gold"
        frame["kind"] = options.get("kind") or "objective"
        parts.append(judgements(frame, first_row))
    both = pd.concat(parts).sort_values("row", kind="stable", ignore_index=True)
    rule = "criteria_x prefers A and criteria_y prefers B, as the set's card says"
    both.attrs["settings"] = {"rule": rule}
    if left_out:
        both.attrs["settings"]["columns_left_out"] = ", ".join(left_out)
    return both


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(_NEEDED) <= set(columns)


FORMAT = Format(
    "rpr", "Reasonable Preference Reversal: two opposed criteria a pair", _recognise, _translate
)
