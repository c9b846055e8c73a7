"""MultiPref: comparisons that several people judged for four aspects each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.nested import fields, items
from workbench.data.formats.rated.unfolded import Judged, named, spoken, unfolded
from workbench.data.formats.records import Record
from workbench.data.formats.single import number

_GROUPS = ("normal_worker_annotations", "expert_worker_annotations")
_NEEDED = {"comparison_id", "text", "completion_a", "completion_b", *_GROUPS}
_VERDICTS = {
    "a-is-clearly-better": (1.0, 2.0),
    "a-is-slightly-better": (1.0, 1.0),
    "a-is-better": (1.0, 1.0),
    "tie": (0.5, 0.0),
    "b-is-better": (0.0, 1.0),
    "b-is-slightly-better": (0.0, 1.0),
    "b-is-clearly-better": (0.0, 2.0),
}
_USED = {*_NEEDED, "prompt_id", "model_a", "model_b", "category"}


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate comparisons: a judgement for each person and aspect.

    Slightly better is strength 1, clearly better 2. Whether a person was an expert, how
    sure of an aspect and how fast is kept with the judgement.
    """

    def read(record: Record) -> list[Judged]:
        people = {group: [fields(a) for a in items(record.get(group))] for group in _GROUPS}
        pair = {
            **spoken(record.get("text"), "prompt"),
            **spoken(record.get("completion_a"), "response_a"),
            **spoken(record.get("completion_b"), "response_b"),
            "model_a": named(record.get("model_a")),
            "model_b": named(record.get("model_b")),
            "item": named(record.get("comparison_id")),
            "cluster": named(record.get("prompt_id")),
            "scenario": named(record.get("category")),
        }
        kind = options.get("kind") or "human"
        labels = [
            {
                "annotator": named(one.get("evaluator")) or options.get("annotator"),
                "kind": kind,
                "evaluator_group": group.split("_")[0],
                "time_spent": number(one.get("time_spent")),
                **label,
            }
            for group, found in people.items()
            for one in found
            for label in _labels(one)
        ]
        return [Judged(pair, labels or [{"problem": "no judgement", "found": "no annotations"}])]

    return unfolded(records, first_row, read, _USED)


def _labels(annotation: Record) -> list[Record]:
    aspects = [key.removesuffix("_pref") for key in annotation if key.endswith("_pref")]
    return [
        {
            "criterion": aspect,
            "confidence": named(annotation.get(f"{aspect}_confidence")),
            **_verdict(annotation[f"{aspect}_pref"], aspect),
        }
        for aspect in sorted(aspects, key=lambda aspect: aspect != "overall")
    ]


def _verdict(value: Any, aspect: str) -> Record:
    if not isinstance(value, str) or not value.strip():
        return {"problem": "no judgement", "found": f"nothing said of {aspect}"}
    meaning = _VERDICTS.get(value.strip().lower())
    if meaning is None:
        return {"problem": "unknown label", "found": f"{aspect}: {value}"}
    preference, strength = meaning
    reason = "tie" if preference == 0.5 else None
    return {"preference": preference, "strength": strength, "reason": reason, "raw": value}


def _recognise(columns: list[str], _: list[dict[str, Any]]) -> bool:
    return set(columns) >= _NEEDED


FORMAT = Format("multipref", "MultiPref (people and aspects)", _recognise, _translate)
