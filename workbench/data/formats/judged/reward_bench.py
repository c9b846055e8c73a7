"""RewardBench 1 and 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.nested import unpacked
from workbench.data.formats.records import (
    Unreadable,
    excerpt,
    flag_missing_text,
    judgements,
    metadata,
    names,
    read_each,
    require,
    texts,
    values,
    with_columns,
)
from workbench.data.formats.training.trl import read_sides, settings_of, shuffled

_USED = {"id", "prompt", "chosen", "rejected", "subset"}
_ONE = ("prompt", "chosen", "chosen_model", "rejected", "rejected_model", "subset")
_TWO = ("prompt", "chosen", "rejected", "num_correct", "num_incorrect", "subset")

EXPANDED = "every chosen with every rejected response of a prompt; not the benchmark's own score"
"""Recorded for RewardBench 2, whose best-of-4 and Ties scores are other questions."""


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate both versions: in version 2 chosen and rejected are lists.

    A prompt's lists become all pairs of one chosen and one rejected response. That is fit
    for a decomposition, but it is no longer best-of-4, nor the question of the subset Ties;
    ``best_of_n`` names the record that a pair comes from.
    """
    lists = "num_correct" in records.column_names
    require(records, _TWO if lists else ("prompt", "chosen", "rejected"), "RewardBench")
    seed = int(options.get("seed") or 0)
    extra, left_out = metadata(records, _USED)
    extra["source_id"] = names(records, "id")
    extra["scenario"] = names(records, "subset")
    settings = settings_of(seed, left_out)
    if lists:
        origin, sides = expanded(records)
        extra = extra.iloc[origin].reset_index(drop=True)
        extra["best_of_n"] = extra["source_id"]
        settings["expansion"] = EXPANDED
    else:
        origin, sides = np.arange(len(records)), read_sides(records)
        flag_missing_text(sides, records, {"prompt": "prompt"})
    frame = shuffled(pd.concat([extra, sides], axis=1), seed)
    frame["annotator"] = options.get("annotator") or "gold"
    # the better response is known by construction or by a check
    frame["kind"] = options.get("kind") or "objective"
    frame = judgements(frame, first_row, settings)
    frame["row"] = first_row + origin
    return frame


def expanded(records: pa.Table) -> tuple[np.ndarray, pd.DataFrame]:
    """Return all pairs, and the position of the record that each comes from.

    Parameters
    ----------
    records : pyarrow.Table
        ``prompt``; ``chosen`` and ``rejected``, lists of texts.

    Returns
    -------
    origin : ndarray of int, shape (pairs,)
    sides : DataFrame
        ``prompt, chosen, rejected, problem, found``: of each chosen response in turn, every
        rejected one.
    """
    prompts = texts(records, "prompt").astype(object).where(lambda text: text.notna(), None)
    read = read_each(
        _lists, prompts.tolist(), values(records, "chosen"), values(records, "rejected")
    )
    read = with_columns(read, ("prompt", "chosen", "rejected"))
    read = read.explode("chosen").explode("rejected")
    text = ["prompt", "chosen", "rejected", "problem", "found"]
    return read.index.to_numpy("int64"), read[text].astype("str").reset_index(drop=True)


def _lists(prompt: str | None, chosen: Any, rejected: Any) -> dict[str, Any]:
    if prompt is None:
        raise Unreadable("prompt: nothing")
    sides = {}
    for name, side in (("chosen", chosen), ("rejected", rejected)):
        found = unpacked(side)
        if not isinstance(found, list) or not found:
            raise Unreadable(f"{name}: {excerpt(side)}")
        if not all(isinstance(item, str) for item in found):
            raise Unreadable(f"{name}: {excerpt(side)}")
        sides[name] = found
    return {"prompt": prompt, **sides}


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(_ONE) <= set(columns) or set(_TWO) <= set(columns)


FORMAT = Format("reward_bench", "RewardBench 1 and 2", _recognise, _translate)
