"""RewardBench 1 and 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.orientation import SHUFFLE_RULE
from workbench.data.formats.records import Record, Unreadable, scalars, translate
from workbench.data.formats.trl import pair_of, swapped

_USED = {
    "id", "prompt", "chosen", "rejected", "subset", "chosen_model", "rejected_model", "models",
    "num_correct", "num_incorrect", "total_completions",
}  # fmt: skip

EXPANDED = "every chosen with every rejected response of a prompt; not the benchmark's own score"
"""What is recorded of RewardBench 2: its best-of-4 and Ties scores are other questions."""


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate both versions: in version 2 chosen and rejected are lists.

    A prompt's lists become all pairs of one chosen and one rejected response. That is fit
    for a decomposition, but it is no longer best-of-4, nor the Ties subset's question.
    """
    seed = int(options.get("seed", 0))

    def read(record: Record) -> list[Record]:
        chosen, rejected = (_side(record, name) for name in ("chosen", "rejected"))
        common = {
            **scalars(record, _USED),
            "source_id": None if record.get("id") is None else str(record["id"]),
            "scenario": record.get("subset"),
            "annotator": options.get("annotator") or "reward_bench",
            "kind": options.get("kind") or "human",
        }
        judgements = []
        for good in chosen:
            for bad in rejected:
                pair = pair_of(good, bad, record.get("prompt"), seed)
                models = {
                    "model_a": record.get("chosen_model"),
                    "model_b": record.get("rejected_model"),
                }
                models = models if pair["preference"] == 1.0 else swapped(models)
                judgements.append({**common, **models, **pair})
        return judgements

    settings = {"shuffle_seed": seed, "shuffle_rule": SHUFFLE_RULE}
    if pa.types.is_list(records.schema.field("chosen").type):
        settings["expansion"] = EXPANDED
    return translate(records, first_row, read, settings)


def _side(record: Record, name: str) -> list[Any]:
    value = record.get(name)
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise Unreadable(f"{name}: {value!r}")
    return value


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    have = set(columns)
    one = {"prompt", "chosen", "chosen_model", "rejected", "rejected_model", "subset"} <= have
    two = {"chosen", "rejected", "num_correct", "num_incorrect", "subset"} <= have
    return one or two


FORMAT = Format("reward_bench", "RewardBench 1 and 2", _recognise, _translate)
