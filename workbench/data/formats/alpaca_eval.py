"""AlpacaEval annotations."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.records import Record, Unreadable, excerpt, scalars, text, translate

_USED = {
    "instruction", "output_1", "output_2", "generator_1", "generator_2", "generator",
    "annotator", "preference", "dataset", "raw_completion",
}  # fmt: skip


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    recover = options.get("order") == "alpaca_eval"

    def read(record: Record) -> list[Record]:
        preference, reason = _verdict(record.get("preference"))
        instruction = text(record, "instruction")
        raw = record.get("raw_completion")
        return [
            {
                **scalars(record, _USED),
                "prompt": instruction,
                "response_a": text(record, "output_1"),
                "response_b": text(record, "output_2"),
                "model_a": record.get("generator_1"),
                "model_b": record.get("generator_2", record.get("generator")),
                "scenario": record.get("dataset"),
                "annotator": options.get("annotator") or record.get("annotator") or "alpaca_eval",
                "kind": options.get("kind") or "llm",
                "preference": preference,
                "reason": reason,
                "order_shown": shown_order(instruction) if recover else None,
                "raw": raw if isinstance(raw, str) else None,
            }
        ]

    settings = {"order": "recovered from AlpacaEval's own seed"} if recover else {}
    return translate(records, first_row, read, settings)


@lru_cache(maxsize=4096)
def shown_order(instruction: str) -> str:
    """Return the order in which AlpacaEval's evaluator shows the outputs of an instruction.

    It is not stored, but seeded by the instruction alone: the same for all models.

    Examples
    --------
    >>> shown_order("Name a colour.") in ("ab", "ba")
    True
    """
    seeded = random.Random(f"is_switched_outputs{instruction}0")
    return "ba" if seeded.choices([False, True])[0] else "ab"


def _verdict(value: Any) -> tuple[float, str | None]:
    """Return P(output_1 preferred): 1 is output_1, 2 output_2, between them a probability."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return math.nan, "failed"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value <= 2:
        raise Unreadable(f"preference: {excerpt(value)}", "unknown label")
    return 2.0 - float(value), "tie" if value == 1.5 else None


def _recognise(columns: list[str], _: list[dict[str, Any]]) -> bool:
    return {"instruction", "output_1", "output_2", "preference"} <= set(columns)


FORMAT = Format("alpaca_eval", "AlpacaEval annotations", _recognise, _translate)
