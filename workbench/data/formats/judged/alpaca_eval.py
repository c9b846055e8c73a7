"""AlpacaEval annotations."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.data.formats import Format
from workbench.data.formats.records import (
    excerpt,
    flag,
    flag_missing_text,
    is_text,
    judgements,
    metadata,
    names,
    numbers,
    require,
    texts,
    values,
)

_NEEDED = ("instruction", "output_1", "output_2", "preference")
_USED = {*_NEEDED, "input", "generator_1", "generator_2", "annotator", "raw_completion"}


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate annotations: output_1 is A; 1 is output_1, 2 output_2, between them soft.

    1.5 is a tie, and so is 0, as AlpacaEval's own win rates read them. A missing preference
    is a judge that failed. ``input`` (AlpacaFarm) is a part of the prompt.
    """
    require(records, _NEEDED, "AlpacaEval")
    sides = _generators(records.column_names)
    frame, left_out = metadata(records, {*_USED, *sides})
    frame["prompt"] = _prompt(records)
    frame["response_a"] = texts(records, "output_1")
    frame["response_b"] = texts(records, "output_2")
    frame["model_a"], frame["model_b"] = (names(records, name) for name in sides)
    frame["scenario"] = names(records, "dataset")
    frame["raw"] = _replies(records)
    judge = names(records, "annotator")
    frame["annotator"] = judge.fillna(options.get("annotator") or "alpaca_eval")
    # people are numbered in AlpacaFarm's files, judges are named
    is_person = judge.str.contains(r"human|^\d+$", case=False).fillna(False).astype(bool)
    is_person = is_person.to_numpy()
    frame["kind"] = np.where(is_person, "human", "llm")
    if options.get("kind"):
        # what is called human says so; a number or another name leaves the kind open
        says = judge.str.contains("human", case=False).fillna(False).astype(bool)
        frame["kind"] = np.where(says, "human", options["kind"])
    settings = {"columns_left_out": ", ".join(left_out)}
    if options.get("order") == "alpaca_eval":
        frame["order_shown"] = frame["prompt"].map(shown_order, na_action="ignore")
        settings["order"] = "recovered from the seed of AlpacaEval's evaluator"
    source = {"prompt": "instruction", "response_a": "output_1", "response_b": "output_2"}
    flag_missing_text(frame, records, source)
    _verdicts(frame, records)
    return judgements(frame, first_row, settings)


def _generators(columns: list[str]) -> tuple[str, str]:
    """Return the columns that name the models of output 1 and 2.

    A plain ``generator`` beside the numbered one of an output is the model of the other; alone
    it tells neither.
    """
    if "generator" in columns and "generator_2" in columns and "generator_1" not in columns:
        return "generator", "generator_2"
    if "generator" in columns and "generator_1" in columns and "generator_2" not in columns:
        return "generator_1", "generator"
    return "generator_1", "generator_2"


def _prompt(records: pa.Table) -> pd.Series:
    """Return instruction and input as one text."""
    instruction, more = texts(records, "instruction"), texts(records, "input")
    has_more = more.fillna("").str.strip() != ""
    return instruction.mask(has_more & instruction.notna(), instruction + "\n\n" + more)


def _replies(records: pa.Table) -> pd.Series:
    """Return what the judge replied: a text, or the content of an API's choice."""
    name = "raw_completion"
    if name not in records.column_names or is_text(records.schema.field(name).type):
        return texts(records, name)
    return pd.Series([_reply(value) for value in values(records, name)], dtype="str")


def _reply(value: Any) -> str | None:
    if isinstance(value, dict):
        message = value.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        value = content if isinstance(content, str) else value.get("text") or json.dumps(value)
    return value if value is None or isinstance(value, str) else json.dumps(value)


@lru_cache(maxsize=4096)
def shown_order(instruction: str) -> str:
    """Return the order in which AlpacaEval's evaluator shows the outputs of an instruction.

    It is not stored, but drawn with the instruction as the seed: the same for all models,
    so it cannot be told from the instruction's own effect within one instruction. It holds
    for annotations made by AlpacaEval's evaluator with its default seed, not for others.

    Parameters
    ----------
    instruction : str

    Returns
    -------
    str
        ``"ab"`` where output_1 was shown first, else ``"ba"``.

    Examples
    --------
    >>> shown_order("Name a colour.") in ("ab", "ba")
    True
    """
    seeded = random.Random(f"is_switched_outputs{instruction}0")
    return "ba" if seeded.choices([False, True])[0] else "ab"


def _verdicts(frame: pd.DataFrame, records: pa.Table) -> None:
    value = numbers(records, "preference")
    value = np.where(value == 0, 1.5, value)
    column = records.column("preference")
    missing = np.asarray(pc.is_null(column, nan_is_null=pa.types.is_floating(column.type)))
    if not missing.all():
        missing |= texts(records, "preference").isin(["", "nan", "NaN", "null"]).to_numpy()
    known = (value >= 1) & (value <= 2) & (not pa.types.is_boolean(column.type))
    frame["preference"] = np.where(known, 2.0 - value, np.nan)
    reason = np.where(missing, "failed", np.where(known & (value == 1.5), "tie", ""))
    frame["reason"] = pd.Series(reason, dtype="str").replace("", None)
    unknown = ~known & ~missing
    if unknown.any():
        shown = [f"preference: {excerpt(item)}" for item in values(records, "preference")]
        flag(frame, unknown, "unknown label", shown)


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(_NEEDED) <= set(columns)


FORMAT = Format("alpaca_eval", "AlpacaEval annotations", _recognise, _translate, whole=True)
