"""RM-Bench: three styles of a right and of a wrong response to each prompt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.formats import Format
from workbench.data.formats.judged.reward_bench import expanded
from workbench.data.formats.nested import items
from workbench.data.formats.records import judgements, metadata, names, require, values
from workbench.data.formats.single import number
from workbench.data.formats.training.trl import settings_of, shuffled

STYLES = ("concise", "detailed", "markdown")
"""In the order of the file's lists, from plain to marked up."""

_FIELDS = ("id", "prompt", "chosen", "rejected")
_SCORES = ("score_chosen", "score_rejected")
_EACH = len(STYLES)


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Make nine pairs of each prompt, with the style of either side.

    A pair is named by the prompt's id and its two styles, which may be written alike. Where a
    reward model's scores lie beside the responses, it judges each pair too.
    """
    require(records, _FIELDS, "RM-Bench")
    seed = int(options.get("seed") or 0)
    extra, left_out = metadata(records, {*_FIELDS, *_SCORES, "subset"})
    extra["source_id"] = names(records, "id")
    extra["scenario"] = names(records, "domain" if "domain" in records.column_names else "subset")
    origin, sides = expanded(records)
    place = pd.Series(origin).groupby(origin).cumcount().to_numpy()
    good, bad = place // _EACH % _EACH, place % _EACH
    styles = np.array(STYLES, dtype=object)
    sides["chosen_style"], sides["rejected_style"] = styles[good], styles[bad]
    extra = extra.iloc[origin].reset_index(drop=True)
    extra["item"] = extra["source_id"] + ": " + styles[good] + " right, " + styles[bad] + " wrong"
    scored = set(_SCORES) <= set(records.column_names)
    if scored:
        for name, at in zip(_SCORES, (good, bad), strict=True):
            sides[name] = _scores(records, name)[origin, at]
    frame = shuffled(pd.concat([extra, sides], axis=1), seed)
    frame["annotator"], frame["kind"] = "gold", "objective"
    if not scored:
        frame["annotator"] = options.get("annotator") or "gold"
        frame["kind"] = options.get("kind") or "objective"
    frame = judgements(frame, first_row, settings_of(seed, left_out))
    frame["row"] = first_row + origin
    return _with_model(frame, options) if scored else frame


def _scores(records: pa.Table, name: str) -> NDArray[np.float64]:
    """Return the scores of each record's responses by style, NaN where there is none."""
    found = [[number(score) for score in items(value)] for value in values(records, name)]
    rows = [one if len(one) == _EACH else [np.nan] * _EACH for one in found]
    return np.array(rows, dtype=np.float64).reshape(len(found), _EACH)


def _with_model(frame: pd.DataFrame, options: Mapping[str, Any]) -> pd.DataFrame:
    """Add the verdicts of the model that gave the scores."""
    named = re.search(r"_(?:filtered|dataset)_(.+)_REWORD_MODEL", str(options.get("source") or ""))
    model = frame.assign(
        annotator=named[1] if named else options.get("annotator") or "reward model",
        kind=options.get("kind") or "reward_model",
    )
    difference = (frame["score_a"] - frame["score_b"]).to_numpy("float64")
    decided = np.isfinite(difference) & (difference != 0)
    value = np.where(np.isnan(difference), np.nan, 0.5)
    model["preference"] = np.where(decided, (difference > 0).astype("float64"), value)
    reason = np.where(np.isnan(difference), "failed", np.where(decided, "", "tie"))
    model["reason"] = pd.Series(reason, dtype="str").replace("", None)
    model["strength"] = np.where(decided, np.abs(difference), np.nan)
    usable = frame["problem"].isna()
    both = pd.concat([frame, model[usable]], ignore_index=True)
    both = both.sort_values("row", kind="stable", ignore_index=True)
    both.attrs = frame.attrs
    return both


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    if not set(_FIELDS) <= set(columns) or "num_correct" in columns:
        return False
    sides = [items(one.get(side)) for one in records for side in ("chosen", "rejected")]
    return bool(sides) and all(
        len(side) == _EACH and all(isinstance(text, str) for text in side) for side in sides
    )


FORMAT = Format("rm_bench", "RM-Bench", _recognise, _translate)
