"""CoBBLEr's folder: each judge's counts of wins, joined by position with what was compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.battles.compared import by_number
from workbench.data.formats.judged.bench_folder import files_in, lines_of, stem_of
from workbench.data.formats.nested import fields
from workbench.data.formats.records import Record, Unreadable, require
from workbench.data.formats.single import number, translate

_PREFIX = "nC2_preferences_"
_NEEDED = ("judge", "place", "wins", "texts")

RULE = "of two responses to an instruction the one with more wins against the others is preferred"
"""Recorded in the load report: the single comparisons behind the counts are in no file."""


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate a judge's ranking of one instruction's responses to pairs by :data:`RULE`."""
    require(records, _NEEDED, "CoBBLEr's folder")

    def read(record: Record) -> list[Record]:
        return _ranking(record, options)

    return translate(records, first_row, read, {"rule": RULE})


def _ranking(record: Record, options: Mapping[str, Any]) -> list[Record]:
    texts, wins = fields(record["texts"]), fields(record["wins"])
    whole = all(isinstance(texts.get(model), str) for model in wins)
    found = [{"model": m, **({"response": texts[m]} if whole else {})} for m in wins]
    numbers = [number(count) for count in wins.values()]
    common = {
        "prompt": texts.get("instruction"),
        "reference": texts.get("reference"),
        "item": f"row {record['place']}",
        "cluster": f"row {record['place']}",
        "file": record.get("file"),
        "annotator": record["judge"] or options.get("annotator"),
        "kind": options.get("kind") or "llm",
    }
    pairs = [{**common, **pair} for pair in by_number(found, numbers, lower_is_better=False)]
    if not pairs:
        raise Unreadable(record["wins"])
    return pairs


def _of_folder(folder: Path) -> list[Record] | None:
    """Join every judge's counts with the file of as many rows that holds the responses."""
    judges = {path: lines_of(path) for path in files_in(folder, f"{_PREFIX}*.json")}
    if not judges:
        return None
    others = [lines_of(path) for path in files_in(folder, "*.json") if path not in judges]
    joined = []
    for path, rows in judges.items():
        models = set(rows[0]) if rows else set()
        alike = [one for one in others if rows and len(one) == len(rows)]
        fitting = [one for one in alike if {"instruction", *models} <= set(one[0])]
        texts: list[Record] = fitting[0] if fitting else [{} for _ in rows]
        for place, (wins, said) in enumerate(zip(rows, texts, strict=True), start=1):
            joined.append({
                "judge": stem_of(path).removeprefix(_PREFIX), "place": place, "file": path.name,
                "wins": json.dumps(wins), "texts": json.dumps(said),
            })  # fmt: skip
    return joined


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(_NEEDED) <= set(columns)


FORMAT = Format(
    "cobbler",
    "CoBBLEr's folder: wins by judge, responses by position",
    _recognise,
    _translate,
    whole=True,
    of_folder=_of_folder,
)
