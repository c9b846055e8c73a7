"""Argilla: records with fields, responses of users and suggestions of models.

Three layouts are read: Argilla 2's records as they are (``to_json``), flattened
(``to_datasets``, ``to_list(flatten=True)``), and the FeedbackDataset of Argilla 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.nested import fields, items, unpacked
from workbench.data.formats.records import Record
from workbench.data.formats.tools.answered import Answer, Task, judgements_of

_UNANSWERED = ("draft", "discarded", "missing")
_RESPONSES, _SUGGESTION = ".responses", ".suggestion"
_OWN = ("id", "_server_id", "external_id", "status", "vectors", "inserted_at", "updated_at")
_ANSWER = {"user_id", "value", "status"}
_LOOKED_AT = 100
_TIES_LOST = (
    "Argilla 2 writes rankings of users without their ranks: responses that were ranked equal "
    "are read in the order in which they stand"
)


def _translate_nested(
    records: pa.Table, first_row: int, options: Mapping[str, Any]
) -> pd.DataFrame:
    tasks = []
    for row, record in _numbered(records, first_row):
        metadata = {**_some(record.get("metadata")), **_named(record)}
        answers = [
            *_responses(_some(record.get("responses"))),
            *_suggestions(_some(record.get("suggestions"))),
        ]
        tasks.append(Task(row, _some(record.get("fields")), metadata, answers))
    return _judged(tasks, options)


def _translate_flat(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    columns = set(records.column_names)
    questions = {
        name.removesuffix(ending)
        for name in columns
        for ending in (_RESPONSES, _SUGGESTION)
        if name.endswith(ending)
    }
    tasks = []
    for row, record in _numbered(records, first_row):
        shown = {
            name: value
            for name, value in record.items()
            if name not in _OWN and not any(name.startswith(f"{q}.") for q in questions)
        }
        answers = [answer for q in sorted(questions) for answer in _flat_answers(record, q)]
        tasks.append(Task(row, shown, _named(record), answers))
    return _judged(tasks, options)


def _translate_first(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    questions = _questions(records.column_names, records.slice(0, _LOOKED_AT).to_pylist())
    used = {*_OWN, "metadata", *questions}
    used |= {f"{q}-suggestion" for q in questions} | {f"{q}-suggestion-metadata" for q in questions}
    tasks = []
    for row, record in _numbered(records, first_row):
        shown = {name: value for name, value in record.items() if name not in used}
        answers = [answer for q in questions for answer in _first_answers(record, q)]
        metadata = {**_some(record.get("metadata")), **_named(record)}
        tasks.append(Task(row, shown, metadata, answers))
    return _judged(tasks, options)


def _judged(tasks: list[Task], options: Mapping[str, Any]) -> pd.DataFrame:
    frame = judgements_of(tasks, options, "Argilla")
    asked = frame.attrs["settings"]["questions"]
    ordered = any(
        answer.question in asked
        and answer.kind == "human"
        and isinstance(value := unpacked(answer.value), list)
        and len(value) > 1
        and all(isinstance(member, str) for member in value)
        for task in tasks
        for answer in task.answers
    )
    if ordered:
        frame.attrs["notes"] = [*frame.attrs["notes"], _TIES_LOST]
    return frame


def _numbered(records: pa.Table, first_row: int) -> Iterator[tuple[int, Record]]:
    return enumerate(records.to_pylist(), start=first_row)


def _named(record: Record) -> Record:
    """Return the record's own id as metadata."""
    name = record.get("id") or record.get("external_id")
    return {} if name is None else {"source_id": str(name)}


def _some(value: Any) -> Record:
    """Return an object's fields that hold something: a table adds the fields of all records."""
    return {name: item for name, item in fields(value).items() if item is not None}


def _responses(by_question: Record) -> Iterator[Answer]:
    for question, given in by_question.items():
        for response in _rows_of(given):
            yield _response(question, response)


def _response(question: str, response: Record) -> Answer:
    status = response.get("status")
    unanswered = isinstance(status, str) and status.rsplit(".", 1)[-1] in _UNANSWERED
    return Answer(
        question,
        response.get("value"),
        annotator=_text(response.get("user_id")),
        skipped=str(status) if unanswered else None,
    )


def _suggestions(by_question: Record) -> Iterator[Answer]:
    for question, given in by_question.items():
        suggestion = fields(given)
        if suggestion.get("value") is not None:
            yield _suggested(question, suggestion["value"], suggestion)


def _suggested(question: str, value: Any, about: Record) -> Answer:
    agent = _text(about.get("agent"))
    people = about.get("type") == "human"
    extra = {} if about.get("score") is None else {"suggestion_score": about["score"]}
    if isinstance(extra.get("suggestion_score"), list):
        extra = {}
    return Answer(
        question,
        value,
        annotator=agent or "suggestion",
        kind="human" if people else "llm" if agent or about.get("type") == "model" else "unknown",
        extra=extra,
    )


def _flat_answers(record: Record, question: str) -> Iterator[Answer]:
    values = items(record.get(f"{question}{_RESPONSES}"))
    users = items(record.get(f"{question}{_RESPONSES}.users"))
    states = items(record.get(f"{question}{_RESPONSES}.status"))
    for at, value in enumerate(values):
        user, status = (one[at] if at < len(one) else None for one in (users, states))
        yield _response(question, {"value": value, "user_id": user, "status": status})
    suggested = record.get(f"{question}{_SUGGESTION}")
    if suggested is not None:
        names = ("score", "agent")
        about = {name: record.get(f"{question}{_SUGGESTION}.{name}") for name in names}
        yield _suggested(question, suggested, about)


def _first_answers(record: Record, question: str) -> Iterator[Answer]:
    for response in _rows_of(record.get(question)):
        yield _response(question, response)
    suggested = unpacked(record.get(f"{question}-suggestion"))
    if suggested not in (None, "", []) and suggested != {"rank": [], "value": []}:
        yield _suggested(question, suggested, fields(record.get(f"{question}-suggestion-metadata")))


def _rows_of(value: Any) -> list[Record]:
    """Return a list of objects, also where a table keeps it as an object of lists."""
    found = unpacked(value)
    if isinstance(found, dict) and any(isinstance(column, list) for column in found.values()):
        columns = {name: column for name, column in found.items() if isinstance(column, list)}
        return [
            dict(zip(columns, row, strict=False)) for row in zip(*columns.values(), strict=False)
        ]
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(value: Any) -> str | None:
    return None if value in (None, "", "None") else str(value)


def _is_nested(columns: list[str], records: list[dict[str, Any]]) -> bool:
    if "fields" not in columns or not {"responses", "suggestions"} & set(columns):
        return False
    return any(fields(record.get("fields")) for record in records)


def _is_flat(columns: list[str], records: list[dict[str, Any]]) -> bool:
    names = set(columns)
    responses = any(f"{name}.users" in names for name in names if name.endswith(_RESPONSES))
    return responses or any(
        f"{name}.agent" in names for name in names if name.endswith(_SUGGESTION)
    )


def _questions(columns: list[str], records: list[dict[str, Any]]) -> list[str]:
    """Return the columns of questions: with a suggestion, or with answers of users."""
    answered = {
        name
        for name in columns
        for record in records
        if any(response.keys() >= _ANSWER for response in _rows_of(record.get(name)))
    }
    return [name for name in columns if f"{name}-suggestion" in columns or name in answered]


def _is_first(columns: list[str], records: list[dict[str, Any]]) -> bool:
    named = any(name.endswith("-suggestion-metadata") for name in columns)
    return named or bool(_questions(columns, records[:20]))


NESTED = Format("argilla", "Argilla 2 records", _is_nested, _translate_nested, whole=True)
FLAT = Format("argilla_flat", "Argilla 2 records, flattened", _is_flat, _translate_flat, whole=True)
FIRST = Format("argilla_1", "Argilla 1 feedback", _is_first, _translate_first, whole=True)
