"""PPE's correctness sets: many responses to a prompt, each right or wrong."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.judged.places import verdict
from workbench.data.formats.judged.templated import as_list
from workbench.data.formats.nested import items
from workbench.data.formats.orientation import SHUFFLE_RULE, chosen_is_a
from workbench.data.formats.records import Record, Unreadable, excerpt, require
from workbench.data.formats.single import number, scalars, translate

EXPANDED = "every right response of a prompt with every wrong one"
_NEEDED = ("prompt", "response_1", "response_2", "scores")
_LISTS = ("conflict_pairs", "sampled_conflict_pairs")
_RESPONSE = re.compile(r"response_\d+")


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Make the pairs of right and wrong responses, which are the conflict pairs of the file.

    ``sampled`` marks those that the benchmark asks for.
    """
    require(records, _NEEDED, "PPE's correctness sets")
    seed = int(options.get("seed") or 0)
    label = {
        "annotator": options.get("annotator") or "gold",
        "kind": options.get("kind") or "objective",
    }
    settings = {"expansion": EXPANDED, "shuffle_rule": SHUFFLE_RULE, "shuffle_seed": str(seed)}

    def read(record: Record) -> list[Record]:
        return [{**label, **pair} for pair in _pairs(record, seed)]

    return translate(records, first_row, read, settings)


def _pairs(record: Record, seed: int) -> list[Record]:
    if not isinstance(record["prompt"], str):
        raise Unreadable(f"prompt: {excerpt(record['prompt'])}")
    responses, scores = _rated(record)
    sampled = [sorted(items(pair)) for pair in items(record.get("sampled_conflict_pairs"))]
    made = [
        {
            **_pair(record, responses[good], responses[bad], seed),
            "sampled": float(sorted([good, bad]) in sampled) if sampled else None,
        }
        for good, bad in itertools.permutations(range(len(scores)), 2)
        if scores[good] > scores[bad]
    ]
    if not made:
        raise Unreadable(f"{len(scores)} responses, none of them better than another")
    return made


def _rated(record: Record) -> tuple[list[str], list[float]]:
    names = sorted(filter(_RESPONSE.fullmatch, record), key=lambda name: int(name[9:]))
    scores = [_right(score) for score in as_list(record["scores"], "scores")]
    responses = [record[name] for name in names][: len(scores)]
    if len(responses) < len(scores) or not all(isinstance(text, str) for text in responses):
        raise Unreadable(f"{len(scores)} scores, {sum(map(bool, responses))} responses")
    return responses, scores


def _right(score: Any) -> float:
    """Return 1 for a right response, 0 for a wrong one."""
    return float(score) if isinstance(score, bool) else number(score)


def _pair(record: Record, good: str, bad: str, seed: int) -> Record:
    first = chosen_is_a(record["prompt"], good, bad, seed)
    used = {*filter(_RESPONSE.fullmatch, record), *_NEEDED, *_LISTS, "question_id", "model_name"}
    return {
        **scalars(record, used),
        "prompt": record["prompt"],
        "response_a": good if first else bad,
        "response_b": bad if first else good,
        "model_a": record.get("model_name"),
        "model_b": record.get("model_name"),
        "cluster": None if record.get("question_id") is None else str(record["question_id"]),
        **verdict(float(first)),
    }


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(_NEEDED) <= set(columns) and bool({*_LISTS, "mean_score"} & set(columns))


FORMAT = Format(
    "ppe_correctness", "PPE correctness: right and wrong responses", _recognise, _translate
)
