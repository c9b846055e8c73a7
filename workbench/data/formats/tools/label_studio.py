"""Label Studio: exported tasks, and their short form of one annotation a row (JSON_MIN, CSV)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.nested import fields, items, unpacked
from workbench.data.formats.records import Record
from workbench.data.formats.tools.answered import UNASKED, Answer, Task, judgements_of
from workbench.data.formats.tools.field_marks import families, parts_of

_TYPES = ("pairwise", "choices", "ranker", "rating", "number")
"""Kinds of results that can say something of responses."""

_OWN = {"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement",
        "history", "was_cancelled"}  # fmt: skip
_SHORT = {"annotation_id", "annotator", "lead_time"}


def _translate_tasks(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    tasks = []
    for row, record in enumerate(records.to_pylist(), start=first_row):
        data = {name: item for name, item in fields(record.get("data")).items() if item is not None}
        metadata = {} if record.get("id") is None else {"source_id": str(record["id"])}
        answers = [*_annotations(record), *_predictions(record)]
        tasks.append(Task(row, data, metadata, answers))
    return judgements_of(tasks, options, "Label Studio")


def _translate_short(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    rows = records.to_pylist()
    controls = _controls(records.column_names, rows)
    tasks = []
    for row, record in enumerate(rows, start=first_row):
        shown = {
            name.removeprefix("_data_"): value
            for name, value in record.items()
            if name not in _OWN and name not in controls
        }
        metadata = {} if record.get("id") is None else {"source_id": str(record["id"])}
        tasks.append(Task(row, shown, metadata, [*_short_answers(record, controls)]))
    return judgements_of(tasks, options, "Label Studio")


def _annotations(record: Record) -> Iterator[Answer]:
    given = items(record.get("annotations")) or items(record.get("completions"))
    for annotation in map(fields, given):
        cancelled = annotation.get("was_cancelled") or annotation.get("skipped")
        told = {name: annotation.get(name) for name in ("lead_time", "ground_truth")}
        person = Answer(
            UNASKED,
            annotator=_person(annotation.get("completed_by")),
            row_id=_text(annotation.get("id")),
            skipped="cancelled" if cancelled else None,
            extra={name: value for name, value in told.items() if value not in (None, False)},
        )
        yield from _answers(annotation, person)
    for draft in map(fields, items(record.get("drafts"))):
        if draft.get("annotation") is None:
            person = Answer(UNASKED, annotator=_person(draft.get("user")), skipped="draft")
            yield from _answers(draft, person)


def _predictions(record: Record) -> Iterator[Answer]:
    for prediction in map(fields, items(record.get("predictions"))):
        score = prediction.get("score")
        model = Answer(
            UNASKED,
            annotator=_text(prediction.get("model_version")) or "prediction",
            kind="llm",
            row_id=_text(prediction.get("id")),
            extra={} if score is None else {"prediction_score": score},
        )
        yield from _answers(prediction, model)


def _answers(annotation: Record, unasked: Answer) -> Iterator[Answer]:
    """Return the results of one annotation; one without any answered no question."""
    results = [fields(result) for result in items(annotation.get("result"))]
    told = [result for result in results if _text(result.get("type")) in _TYPES]
    if not told:
        yield unasked
    for result in told:
        yield _answer(result, unasked)


def _answer(result: Record, unasked: Answer) -> Answer:
    kind = str(result["type"])
    told = _value(fields(result.get("value")), kind)
    names = tuple(name.strip() for name in str(result.get("to_name") or "").split(","))
    if kind == "pairwise" and told in names:
        # the two choices can be given the names of what they choose
        told = ("left", "right")[min(names.index(told), 1)]
    about = names if kind == "pairwise" else names[:1] if kind in ("rating", "number") else ()
    question = str(result.get("from_name") or kind)
    return replace(unasked, question=question, value=told, about=about, ranking=kind == "ranker")


def _value(value: Record, kind: str) -> Any:
    if kind == "pairwise":
        return value.get("selected")
    if kind == "ranker":
        return _ranked(value.get("ranker"))
    found = value.get(kind)
    return found[0] if isinstance(found, list) and len(found) == 1 else found


def _ranked(ranker: Any) -> Any:
    """Return the ids of a ranking, best first; several buckets have no order that is known."""
    if isinstance(ranker, dict):
        filled = [bucket for bucket in ranker.values() if bucket]
        return filled[0] if len(filled) == 1 else ranker or None
    return ranker


def _short_answers(record: Record, controls: list[str]) -> Iterator[Answer]:
    time = record.get("lead_time")
    person = Answer(
        UNASKED,
        annotator=_person(record.get("annotator")),
        row_id=_text(record.get("annotation_id")),
        extra={} if time is None else {"lead_time": time},
    )
    for name in controls:
        told = unpacked(record.get(name))
        regions = [fields(one) for one in told] if isinstance(told, list) else []
        kind = next((kind for kind in _KEYS if any(kind in region for region in regions)), None)
        if kind is None:
            yield replace(person, question=name, value=told)
        else:
            region = next(region for region in regions if kind in region)
            value = _value(region, _KEYS[kind])
            yield replace(person, question=name, value=value, ranking=kind == "ranker")


_KEYS = {"selected": "pairwise", "ranker": "ranker", "choices": "choices", "rating": "rating",
         "number": "number"}  # fmt: skip


def _controls(columns: list[str], rows: list[Record]) -> list[str]:
    """Return the columns that hold what annotators said, not what they were shown.

    The short form mixes the two. A control's value is a list of regions, or, of a choice, one
    of few texts; a column of the shown data may then have ``_data_`` before its name.
    """
    free = [name for name in columns if name not in _OWN and not name.startswith("_data_")]
    shown = {name for _, family in families(free) for name in family.values()}
    controls = []
    for name in free:
        values = [value for row in rows if (value := unpacked(row.get(name))) is not None]
        regions = [one for value in values if isinstance(value, list) for one in value]
        told = any(isinstance(one, dict) and _KEYS.keys() & one.keys() for one in regions)
        if told or (name not in shown and values and _are_choices(values, shown)):
            controls.append(name)
    return controls


def _are_choices(values: list[Any], shown: set[str]) -> bool:
    """Tell whether every text names a shown field, a side or a tie."""
    known = {"left", "right", "tie", "both", "neither", "equal", "same", "bad", "good"}
    words = known | {part for name in shown for part in parts_of(name)}
    words |= {"response", "answer", "model", "option", "better", "best", "is", "the", "are"}
    return all(isinstance(value, str) and set(parts_of(value)) <= words for value in values)


def _person(value: Any) -> str | None:
    """Return who annotated: a number, an address, or an object about the person."""
    found = unpacked(value)
    if isinstance(found, dict):
        found = next((found[n] for n in ("email", "username", "id") if found.get(n)), None)
    return _text(found)


def _text(value: Any) -> str | None:
    return None if value in (None, "") else str(value)


def _is_tasks(columns: list[str], records: list[dict[str, Any]]) -> bool:
    names = set(columns)
    listed = {"annotations", "completions", "predictions"} & names
    return "data" in names and bool(listed) and any(fields(one.get("data")) for one in records)


def _is_short(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(columns) >= _SHORT


TASKS = Format("label_studio", "Label Studio tasks", _is_tasks, _translate_tasks, whole=True)
SHORT = Format(
    "label_studio_min", "Label Studio, short form", _is_short, _translate_short, whole=True
)
