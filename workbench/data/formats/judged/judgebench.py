"""JudgeBench: pairs with an objective label, and the games of judges over them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.judged.places import SHOWN, by_scores, placed_verdict
from workbench.data.formats.nested import fields, items
from workbench.data.formats.records import Record, Unreadable, excerpt, require
from workbench.data.formats.single import number, scalars, translate

_NEEDED = ("question", "response_A", "response_B", "label")
_USED = {*_NEEDED, "pair_id", "response_model", "source", "judgments", "judge_name"}


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate pairs: ``label`` is a judgement, and so is each game of a judge.

    The second game shows B first, and its letters are places. A reward model scores either
    response alone: where both games hold the same scores, they are one judgement.
    """
    require(records, _NEEDED, "JudgeBench")
    named = re.search(r"judge_model=(.+?)(?:\.jsonl?)?(?:\.gz|\.zst)?$", _source(options))

    def read(record: Record) -> list[Record]:
        return _judgements(record, named[1] if named else None, options)

    return translate(records, first_row, read, {})


def _source(options: Mapping[str, Any]) -> str:
    return str(options.get("source") or "")


def _judgements(record: Record, named: str | None, options: Mapping[str, Any]) -> list[Record]:
    for name in _NEEDED[:3]:
        if not isinstance(record.get(name), str):
            raise Unreadable(f"{name}: {excerpt(record.get(name))}")
    pair = {
        **scalars(record, _USED),
        "prompt": record["question"],
        "response_a": record["response_A"],
        "response_b": record["response_B"],
        "model_a": record.get("response_model"),
        "model_b": record.get("response_model"),
        "item": record.get("pair_id"),
        "scenario": record.get("source"),
    }
    return [{**pair, **one} for one in [_gold(record), *_games(record, named, options)]]


def _gold(record: Record) -> Record:
    found = placed_verdict(record["label"], None)
    if found["reason"] == "failed":
        return {"problem": "unknown label", "found": f"label: {excerpt(record['label'])}"}
    return {**found, "strength": None, "annotator": "gold", "kind": "objective", **_once(record)}


def _once(record: Record) -> Record:
    """Return the id of a gold label: every file of judges' games repeats the same one."""
    pair = record.get("pair_id")
    return {} if pair is None else {"row_id": f"gold {pair}"}


def _games(record: Record, named: str | None, options: Mapping[str, Any]) -> list[Record]:
    found = items(record.get("judgments"))
    games = [fields(game) for game in found]
    said = [fields(game.get("judgment")) for game in games]
    models = [one.get("judge_model") for one in said if one.get("judge_model")]
    is_reward = record.get("judge_name") == "reward_model"
    judge = {
        # of the judge, not of the pair: every file has the same gold label beside its own judge
        "judge_name": record.get("judge_name"),
        "annotator": (models[0] if models else named) or options.get("annotator"),
        "kind": "reward_model" if is_reward else options.get("kind") or "llm",
    }
    scores = [[number(score) for score in items(one.get("scores"))] for one in said]
    if scores and all(len(pair) == 2 for pair in scores):
        scores = [pair if k == 0 else pair[::-1] for k, pair in enumerate(scores)]
        once = [pair for k, pair in enumerate(scores) if k == 0 or pair != scores[0]]
        return [{**judge, **by_scores(*pair)} for pair in once]
    return [
        {
            **judge,
            **placed_verdict(game.get("decision"), order, one.get("response")),
            "strength": None,
        }
        for game, one, order in zip(games, said, SHOWN, strict=False)
    ]


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(_NEEDED) <= set(columns) and bool({"pair_id", "judgments"} & set(columns))


FORMAT = Format("judgebench", "JudgeBench: labels and judges' outputs", _recognise, _translate)
