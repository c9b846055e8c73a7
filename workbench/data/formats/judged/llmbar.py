"""LLMBar: instructions with one response that follows them, and evaluators' verdicts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.judged.bench_folder import files_in, lines_of
from workbench.data.formats.judged.places import by_scores, verdict
from workbench.data.formats.nested import fields, items
from workbench.data.formats.records import Record, Unreadable, excerpt, require
from workbench.data.formats.single import number, scalars, translate

_NEEDED = ("input", "output_1", "output_2")
_USED = {*_NEEDED, "label", "results", "evaluator", "subset"}
_SIDES = {1.0: 1.0, 2.0: 0.0}
_GAMES = {"swap = False": "ab", "swap = True": "ba"}


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate a data set (``label`` 1 or 2 by construction) or an evaluator's results.

    The last of ``results`` holds the verdicts of both orders, already turned to outputs 1 and
    2. Evaluators that rate each output alone hold two ratings: these are one judgement.
    """
    require(records, _NEEDED, "LLMBar")

    def read(record: Record) -> list[Record]:
        return _judgements(record, options)

    return translate(records, first_row, read, {})


def _judgements(record: Record, options: Mapping[str, Any]) -> list[Record]:
    for name in _NEEDED:
        if not isinstance(record.get(name), str):
            raise Unreadable(f"{name}: {excerpt(record.get(name))}")
    pair = {
        **scalars(record, _USED),
        "prompt": record["input"],
        "response_a": record["output_1"],
        "response_b": record["output_2"],
        "scenario": record.get("subset"),
    }
    return [{**pair, **one} for one in [*_gold(record), *_games(record, options)]]


def _gold(record: Record) -> list[Record]:
    label = record.get("label")
    if label is None:
        return []
    side = _SIDES.get(number(label))
    if side is None:
        return [{"problem": "unknown label", "found": f"label: {excerpt(label)}"}]
    return [{**verdict(side), "annotator": "gold", "kind": "objective"}]


def _games(record: Record, options: Mapping[str, Any]) -> list[Record]:
    results = items(record.get("results"))
    if not results:
        return []
    last = fields(results[-1])
    judge = {
        "annotator": record.get("evaluator") or options.get("annotator") or "evaluator",
        "kind": options.get("kind") or "llm",
    }
    ratings = [items(last.get(f"score_{side}")) for side in (1, 2)]
    if any(ratings):
        return [{**judge, **_rated(*ratings)}]
    games = [(fields(last.get(name)), order) for name, order in _GAMES.items()]
    made = []
    for game, order in games:
        if "winner" in game:
            side = _SIDES.get(number(game["winner"]), math.nan)
            made.append({**judge, **verdict(side, order, raw=_said(game.get("completion")))})
    if not made:
        raise Unreadable(f"results: {excerpt(results[-1])}")
    return made


def _rated(one: list[Any], other: list[Any]) -> Record:
    scores = [number(said[0]) if said else math.nan for said in (one, other)]
    unread = [said for said, score in zip((one, other), scores, strict=True) if math.isnan(score)]
    raw = _said(unread[0]) if unread else None
    return {**by_scores(*scores, raw=raw), "score_a": scores[0], "score_b": scores[1]}


def _said(completion: Any) -> str | None:
    """Return a reply: a text, or the first of text and why it ended."""
    found = items(completion)
    text = found[0] if found else completion
    return text if text is None or isinstance(text, str) else json.dumps(text, default=str)


def _of_folder(folder: Path) -> list[Record] | None:
    """Join data sets with the results of the evaluators beside them."""
    found: list[Record] = []
    judged = False
    for path in files_in(folder, "dataset.json"):
        base = path.parent
        subset = {"subset": str(base.relative_to(folder))} if base != folder else {}
        found.extend({**record, **subset, "file": path.name} for record in lines_of(path))
        for result in files_in(base / "evaluators", "result.json"):
            judged = True
            name = result.parent.relative_to(base / "evaluators").as_posix()
            about = {**subset, "evaluator": name, "file": f"{name}/{result.name}"}
            for record in lines_of(result):
                # the label stands in the data set already
                found.append({**record, **about, "label": None, "results": record.get("results")})
    return [_flat(record) for record in found] if judged else None


def _flat(record: Record) -> Record:
    """Write the results as text: evaluators differ in what they hold."""
    results = record.get("results")
    return {**record, "results": json.dumps(results) if results else None}


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    if not set(_NEEDED) <= set(columns):
        return False
    labels = {number(record["label"]) for record in records if record.get("label") is not None}
    return "results" in columns or (bool(labels) and labels <= set(_SIDES))


FORMAT = Format(
    "llmbar",
    "LLMBar: data set, or evaluators' results",
    _recognise,
    _translate,
    of_folder=_of_folder,
)
