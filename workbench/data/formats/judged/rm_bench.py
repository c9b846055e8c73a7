"""RM-Bench: three styles of a right and of a wrong response to each prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.judged.reward_bench import expanded
from workbench.data.formats.records import judgements, metadata, names, require
from workbench.data.formats.training.trl import settings_of, shuffled

STYLES = ("concise", "detailed", "markdown")
"""In the order of the file's lists, from plain to marked up."""

_FIELDS = ("id", "prompt", "chosen", "rejected")
_EACH = len(STYLES)


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Make nine pairs of each prompt, with the style of either side."""
    require(records, _FIELDS, "RM-Bench")
    seed = int(options.get("seed") or 0)
    extra, left_out = metadata(records, {*_FIELDS, "subset"})
    extra["source_id"] = names(records, "id")
    extra["scenario"] = names(records, "domain" if "domain" in records.column_names else "subset")
    origin, sides = expanded(records)
    place = pd.Series(origin).groupby(origin).cumcount().to_numpy()
    sides["chosen_style"] = np.array(STYLES, dtype=object)[place // _EACH % _EACH]
    sides["rejected_style"] = np.array(STYLES, dtype=object)[place % _EACH]
    extra = extra.iloc[origin].reset_index(drop=True)
    frame = shuffled(pd.concat([extra, sides], axis=1), seed)
    frame["annotator"] = options.get("annotator") or "rm_bench"
    # people checked the labels
    frame["kind"] = options.get("kind") or "human"
    frame = judgements(frame, first_row, settings_of(seed, left_out))
    frame["row"] = first_row + origin
    return frame


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    if not set(_FIELDS) <= set(columns) or "num_correct" in columns:
        return False
    return bool(records) and all(
        isinstance(one.get(side), list)
        and len(one[side]) == _EACH
        and all(isinstance(text, str) for text in one[side])
        for one in records
        for side in ("chosen", "rejected")
    )


FORMAT = Format("rm_bench", "RM-Bench", _recognise, _translate)
