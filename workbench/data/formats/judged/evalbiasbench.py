"""EvalBiasBench: pairs whose better response is known, listed under the bias that they probe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.records import (
    Record,
    flag,
    flag_missing_text,
    judgements,
    metadata,
    names,
    numbers,
    require,
    texts,
)
from workbench.data.formats.training.trl import settings_of, shuffled

_NEEDED = ("bias", "instruction", "response1", "response2")


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate pairs: ``label`` is 1 or 2; without one response 1 is the better response.

    All of the released file say 1, so the sides are decided by content.
    """
    require(records, _NEEDED, "EvalBiasBench")
    seed = int(options.get("seed") or 0)
    extra, left_out = metadata(records, {*_NEEDED, "label"})
    label = numbers(records, "label") if "label" in records.column_names else np.ones(len(records))
    second = label == 2
    one, other = texts(records, "response1"), texts(records, "response2")
    sides = pd.DataFrame({"prompt": texts(records, "instruction")})
    sides["chosen"] = other.where(second, one)
    sides["rejected"] = one.where(second, other)
    sides["scenario"] = names(records, "bias")
    flag_missing_text(sides, records, {"chosen": "response1", "rejected": "response2"})
    flag(sides, ~second & (label != 1), "unknown label", [f"label: {x:g}" for x in label])
    frame = shuffled(pd.concat([extra, sides], axis=1), seed)
    frame["annotator"] = options.get("annotator") or "gold"
    frame["kind"] = options.get("kind") or "objective"
    return judgements(frame, first_row, settings_of(seed, left_out))


def _records_of(document: Any) -> list[Record] | None:
    """Return the pairs of an object of lists, each under its bias."""
    if not isinstance(document, dict) or not document:
        return None
    lists = list(document.values())
    if not all(isinstance(pairs, list) and pairs for pairs in lists):
        return None
    flat = [
        {"bias": bias, **pair} if isinstance(pair, dict) else {}
        for bias, pairs in document.items()
        for pair in pairs
    ]
    return flat if all(set(_NEEDED) <= set(pair) for pair in flat) else None


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(_NEEDED) <= set(columns)


FORMAT = Format(
    "evalbiasbench",
    "EvalBiasBench: pairs by the bias that they probe",
    _recognise,
    _translate,
    records_of=_records_of,
)
