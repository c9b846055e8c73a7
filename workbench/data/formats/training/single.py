"""Training files that hold no comparison: refused, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.printed import nested
from workbench.errors import DataError

_DEMONSTRATED = {
    "prompt", "completion", "instruction", "input", "output", "response", "system", "history",
    "tools", "images", "messages", "conversations", "conversation", "id", "source", "language",
}  # fmt: skip
_SAID = ("messages", "conversations", "conversation", "completion", "output", "response")


def _steps(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    raise DataError(
        "The file judges single steps of one solution as right or wrong: nothing is compared.",
        found="stepwise supervision: columns " + ", ".join(records.column_names),
        expected="two responses to each prompt and which one is preferred",
        fix="Take a file of whole solutions: prompt, chosen and rejected.",
    )


def _demonstrations(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    raise DataError(
        "The file holds one response to each prompt and no opinion of it: nothing is compared.",
        found="single conversations: columns " + ", ".join(records.column_names),
        expected="two responses to each prompt and which one is preferred, or completions with "
        "a label (liked or not)",
        fix="Take the preference part of this data, or let a judge compare two models' responses.",
    )


def _is_stepwise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    if not {"completions", "labels"} <= set(columns):
        return False
    cells = [one.get(name) for one in records for name in ("completions", "labels")]
    lists = [nested(cell) for cell in cells]
    return bool(records) and all(isinstance(cell, list) for cell in lists)


def _is_demonstrations(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(columns) <= _DEMONSTRATED and any(name in columns for name in _SAID)


STEPWISE = Format("trl-stepwise", "TRL stepwise supervision (refused)", _is_stepwise, _steps)
DEMONSTRATIONS = Format(
    "demonstrations", "Single conversations (refused)", _is_demonstrations, _demonstrations
)
