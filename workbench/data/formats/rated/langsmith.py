"""Pairwise experiments of LangSmith: an example, its runs, and a score of each run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.messages import to_json
from workbench.data.formats.nested import fields, items, unpacked
from workbench.data.formats.rated.unfolded import Judged, named, spoken, unfolded
from workbench.data.formats.records import Record, Unreadable
from workbench.data.formats.single import number

_NEEDED = {"inputs", "runs", "feedback"}
_ASKED = ("question", "input", "prompt", "query", "messages")
_ANSWERED = ("answer", "output", "response", "content", "messages")


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate examples: the run with the higher score is preferred, equal ones are a tie.

    The key of a feedback is who judged. The order of the runs may have been drawn for the
    judge and is not stored.
    """

    def read(record: Record) -> list[Judged]:
        runs = [fields(run) for run in items(record.get("runs"))]
        given = unpacked(record.get("feedback"))
        feedback = [fields(one) for one in given] if isinstance(given, list) else [fields(given)]
        if len(runs) < 2 or not any(feedback):
            raise Unreadable(record.get("runs") if len(runs) < 2 else "no feedback")
        asked = _said(record.get("inputs"), _ASKED, "prompt")
        example = record.get("example_id")
        if example is not None:
            asked["cluster"] = named(example)
        return [
            Judged(
                {**asked, **_side(a, "a"), **_side(b, "b")},
                [_label(one, a, b, options) for one in feedback],
            )
            for a, b in combinations(runs, 2)
        ]

    return unfolded(records, first_row, read, _NEEDED | {"example_id"})


def _label(feedback: Record, a: Record, b: Record, options: Mapping[str, Any]) -> Record:
    scores = fields(feedback.get("scores"))
    first, second = (number(scores.get(str(run.get("id")))) for run in (a, b))
    comment = feedback.get("comment")
    label = {
        "annotator": named(feedback.get("key")) or options.get("annotator"),
        "kind": options.get("kind") or "llm",
        "raw": comment if isinstance(comment, str) else None,
    }
    if first != first or second != second:
        return {**label, "preference": None, "reason": "failed"}
    tie = first == second
    preference = 0.5 if tie else float(first > second)
    return {**label, "preference": preference, "reason": "tie" if tie else None}


def _side(run: Record, letter: str) -> Record:
    model = named(run.get("experiment", run.get("session_name", run.get("name"))))
    return {**_said(run.get("outputs"), _ANSWERED, f"response_{letter}"), f"model_{letter}": model}


def _said(value: Any, known: Iterable[str], role: str) -> Record:
    """Return the text of an example's inputs or a run's outputs: the field of a known name.

    Where there is none it is the only field, or all of them as JSON.
    """
    found = fields(value)
    given = {name: item for name, item in found.items() if item is not None}
    if not given:
        return spoken(value if isinstance(value, str) else None, role)
    name = next((name for name in known if name in given), None)
    if name is None and len(given) == 1:
        name = next(iter(given))
    return spoken(given[name], role) if name is not None else {role: to_json([given])[1:-1]}


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(columns) >= _NEEDED and any(
        "outputs" in fields(run) for record in records for run in items(record.get("runs"))
    )


FORMAT = Format("langsmith", "LangSmith's pairwise experiments", _recognise, _translate)
