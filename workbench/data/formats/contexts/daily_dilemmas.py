"""DailyDilemmas: two actions of a dilemma, one a row, the values that each holds, and choices."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.orientation import orient
from workbench.data.formats.records import Record, Unreadable, require
from workbench.data.formats.single import gathered, scalars
from workbench.data.formats.training.trl import settings_of

_ACTIONS = ("to_do", "not_to_do")
_NEEDED = ("idx", "dilemma_situation", "action_type", "action")
_VALUES = "values_names"
_THEORIES = ("wvs", "mft", "virtue", "emotion", "maslow")
_OF_ACTION = ("negative_consequence",)
_OF_DILEMMA = ("topic", "topic_group", "basic_situation")
_CHOICE, _CLEAN = "model_resp_", "_clean"


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate the two actions of each dilemma into a pair, and each model's choice into a label.

    Which action is A is decided by content and seed. The columns ``values_a`` and ``values_b``
    hold the lists of values, ``theory_NAME_a`` and ``theory_NAME_b`` what the file says of them.
    """
    require(records, _NEEDED, "DailyDilemmas")
    seed = int(options.get("seed") or 0)
    choices = [name for name in records.column_names if name.startswith(_CHOICE)]
    read = partial(_labels, choices=choices, seed=seed, kind=options.get("kind") or "llm")
    frame = gathered(_dilemmas(records, first_row), read, settings_of(seed, []))
    if "row" in frame:
        frame = frame.sort_values("row", kind="stable", ignore_index=True)
    return frame


def _dilemmas(records: pa.Table, first_row: int) -> Iterator[tuple[int, Record]]:
    """Yield the rows of each dilemma together, under the number of the first."""
    together: dict[str, list[tuple[int, Record]]] = {}
    for row, record in enumerate(records.to_pylist(), start=first_row):
        together.setdefault(str(record["idx"]), []).append((row, record))
    for rows in together.values():
        yield rows[0][0], {"rows": [record for _, record in rows]}


def _labels(record: Record, choices: list[str], seed: int, kind: str) -> Iterable[Record]:
    rows = record["rows"]
    by_action = {str(row["action_type"]).strip(): row for row in rows}
    if len(rows) != 2 or set(by_action) != set(_ACTIONS):
        found = ", ".join(str(row["action_type"]) for row in rows)
        raise Unreadable(f"dilemma {rows[0]['idx']}: actions {found}")
    texts = [by_action[name]["action"] for name in _ACTIONS]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise Unreadable(f"dilemma {rows[0]['idx']}: an action without a text")
    prompt = rows[0]["dilemma_situation"]
    first = bool(orient([prompt], texts[:1], texts[1:], seed)[0])
    sides = _ACTIONS if first else _ACTIONS[::-1]
    pair: Record = {"prompt": prompt, "scenario": rows[0].get("topic_group")}
    pair |= scalars({key: rows[0].get(key) for key in _OF_DILEMMA}, ())
    for side, action in zip("ab", sides, strict=True):
        pair |= _side(by_action[action], side)
    if not choices:
        return [{**pair, "problem": "no judgement"}]
    return [{**pair, **_label(rows[0].get(name), sides[0]), "kind": kind,
             "annotator": name.removeprefix(_CHOICE).removesuffix(_CLEAN)}
            for name in choices]  # fmt: skip


def _side(row: Record, side: str) -> Record:
    found = {f"response_{side}": row["action"], f"action_type_{side}": row["action_type"],
             f"values_{side}": _written(row.get(_VALUES))}  # fmt: skip
    found |= {f"theory_{name}_{side}": _written(row[name]) for name in _THEORIES if name in row}
    found |= {f"{name}_{side}": row[name] for name in _OF_ACTION if name in row}
    return found


def _written(cell: Any) -> Any:
    """Return a list as the text that a CSV file has in its place: a table of pairs holds text."""
    return json.dumps(list(cell)) if isinstance(cell, list | tuple) else cell


def _label(choice: Any, first: str) -> Record:
    said = str(choice).strip() if choice is not None else ""
    if said in _ACTIONS:
        return {"preference": float(said == first), "raw": said}
    if said in ("", "nan"):
        return {"problem": "no judgement"}
    return {"preference": None, "reason": "failed", "raw": said}


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(_NEEDED) <= set(columns) and any(
        str(record.get("action_type")).strip() in _ACTIONS for record in records
    )


FORMAT = Format(
    "daily_dilemmas", "DailyDilemmas: two actions of a dilemma and the values of each",
    _recognise, _translate, whole=True,
)  # fmt: skip
