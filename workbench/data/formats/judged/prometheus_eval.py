"""Prometheus' evaluation sets (HHH alignment, MT-Bench people): two prompts of its grader."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.judged.places import verdict
from workbench.data.formats.orientation import SHUFFLE_RULE, chosen_is_a
from workbench.data.formats.records import Record, Unreadable, require
from workbench.data.formats.single import number, scalars, translate

_NEEDED = ("chosen_instruction", "rejected_instruction")
_VALUES = {"helpful", "honest", "harmless", "other"}
_PROMPT = re.compile(
    r"###\s*The instruction to evaluate:\s*(?P<asked>.*?)\n\n###\s*Response to evaluate:\s*"
    r"(?P<said>.*?)\n\n(?:###\s*Reference Answer[^\n]*:.*?\n\n)?"
    r"###\s*Score Rubrics:\s*(?P<rubric>.*?)\n\n###\s*Feedback:",
    re.DOTALL,
)


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate the two prompts, of the chosen and of the rejected response, to a pair.

    ``tie`` 1 says that neither is better. The labels of HHH alignment are reference answers;
    who made those of other sets, the file does not say.
    """
    require(records, _NEEDED, "Prometheus' evaluation sets")
    seed = int(options.get("seed") or 0)

    def read(record: Record) -> list[Record]:
        return [_pair(record, seed, options)]

    settings = {"shuffle_rule": SHUFFLE_RULE, "shuffle_seed": str(seed)}
    return translate(records, first_row, read, settings)


def _pair(record: Record, seed: int, options: Mapping[str, Any]) -> Record:
    found = []
    for name in _NEEDED:
        read = _PROMPT.search(record[name]) if isinstance(record[name], str) else None
        if read is None:
            raise Unreadable(f"{name}: {record[name]}")
        found.append(read)
    chosen, rejected = found
    if chosen["asked"] != rejected["asked"]:
        raise Unreadable("two instructions")
    first = chosen_is_a(chosen["asked"], chosen["said"], rejected["said"], seed)
    is_gold = record.get("source") in _VALUES
    return {
        **scalars(record, {*_NEEDED, "source", "tie"}),
        "prompt": chosen["asked"],
        "response_a": (chosen if first else rejected)["said"],
        "response_b": (rejected if first else chosen)["said"],
        "rubric": chosen["rubric"],
        "scenario": record.get("source"),
        "annotator": options.get("annotator") or ("gold" if is_gold else "preference"),
        "kind": options.get("kind") or ("objective" if is_gold else "unknown"),
        **verdict(0.5 if number(record.get("tie")) == 1 else float(first)),
    }


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(_NEEDED) <= set(columns)


FORMAT = Format(
    "prometheus_eval",
    "Prometheus' evaluation sets: chosen_instruction, rejected_instruction",
    _recognise,
    _translate,
)
