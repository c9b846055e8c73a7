"""Auto-J's test set: people's labels, and beside them its own verdicts in both orders."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.judged.bench_folder import files_in, lines_of
from workbench.data.formats.judged.places import verdict
from workbench.data.formats.records import Record, Unreadable, excerpt, require
from workbench.data.formats.single import number, scalars, translate

_NEEDED = ("prompt", "response 1", "response 2", "label")
_FIRST = {0.0: 1.0, 1.0: 0.0, 2.0: 0.5}
"""0 is the first response, 1 the second, 2 a tie."""

_OUTPUTS = {"output": "ab", "output_exchanged": "ba"}
_USED = {*_NEEDED, *_OUTPUTS, "scenario"}


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate pairs: ``label`` is of people, the outputs of a folder are Auto-J's.

    The exchanged output was asked with response 2 first; its numbers are places.
    """
    require(records, _NEEDED, "Auto-J's test set")

    def read(record: Record) -> list[Record]:
        return _judgements(record, options)

    return translate(records, first_row, read, {})


def _judgements(record: Record, options: Mapping[str, Any]) -> list[Record]:
    for name in _NEEDED[:3]:
        if not isinstance(record.get(name), str):
            raise Unreadable(f"{name}: {excerpt(record.get(name))}")
    pair = {
        **scalars(record, _USED),
        "prompt": record["prompt"],
        "response_a": record["response 1"],
        "response_b": record["response 2"],
        "scenario": record.get("scenario"),
    }
    label = _FIRST.get(number(record["label"]))
    if label is None:
        people = {"problem": "unknown label", "found": f"label: {excerpt(record['label'])}"}
    else:
        people = {
            **verdict(label),
            "annotator": options.get("annotator") or "human",
            "kind": options.get("kind") or "human",
        }
    return [{**pair, **one} for one in [people, *_outputs(record)]]


def _outputs(record: Record) -> list[Record]:
    made = []
    for name, order in _OUTPUTS.items():
        if record.get(name) is None:
            continue
        first = _FIRST.get(number(record[name]), math.nan)
        found = verdict(first if order == "ab" else 1.0 - first, order, raw=str(record[name]))
        made.append({**found, "annotator": "auto-j", "kind": "llm"})
    return made


def _of_folder(folder: Path) -> list[Record] | None:
    """Join the pairs with the outputs of the same line, where there is one file of pairs."""
    tests = files_in(folder, "testdata_pairwise.jsonl")
    if len(tests) != 1:
        return None
    pairs = lines_of(tests[0])
    files = files_in(folder, "pairwise*output.jsonl")
    for field, exchanged in (("output", False), ("output_exchanged", True)):
        of_order = [path for path in files if ("exchange" in path.name) == exchanged]
        said = lines_of(of_order[0]) if of_order else []
        if len(said) == len(pairs):
            pairs = [{**p, field: s.get("output")} for p, s in zip(pairs, said, strict=True)]
    return [{**pair, "file": tests[0].name} for pair in pairs]


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(_NEEDED) <= set(columns)


FORMAT = Format(
    "auto_j", "Auto-J's pairwise test set", _recognise, _translate, of_folder=_of_folder
)
