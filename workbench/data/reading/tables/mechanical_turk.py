"""Batch results of Mechanical Turk: workers' answers beside what they were shown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.data.reading.container import BadRow, Container

_PREFIX = re.compile(r"(?:Input|Answer)\.")
_FLAGS = {"true": True, "false": False}
_TASK = "Answer.taskAnswers"
_WORKER, _STATUS = "WorkerId", "AssignmentStatus"


def of_assignments(container: Container) -> Container:
    """Return the accepted assignments of a batch, its columns called by their own names.

    ``Input.`` and ``Answer.`` are taken off the names, ``WorkerId`` names the rater
    (``worker_id``), the flags of a question with several choices
    (``Answer.better.left``, ``Answer.better.right``) become the choice, and so do task
    answers as JSON. An assignment that was rejected is nobody's judgement.

    Parameters
    ----------
    container : Container
        Any table; another one than a batch is returned as it is.

    Examples
    --------
    >>> batch = pa.table({
    ...     "WorkerId": ["W1", "W2"], "AssignmentStatus": ["Approved", "Rejected"],
    ...     "Answer.label": ["a", "b"]})
    >>> read = of_assignments(Container("batch.csv", batch))
    >>> read.table.to_pylist(), read.bad[0].problem
    ([{'worker_id': 'W1', 'AssignmentStatus': 'Approved', 'label': 'a'}], 'no judgement')
    """
    columns = container.columns
    if _WORKER not in columns or not ({_STATUS, "HITId"} & set(columns)):
        return container
    table = _with_choices(_with_task_answers(container.table))
    names = _own_names(table.column_names)
    notes = [*container.notes, f"Mechanical Turk: {_WORKER} names the rater"]
    if any(_PREFIX.match(name) for name in columns):
        notes[-1] += "; Input. and Answer. are taken off the columns' names"
    own = dict(zip(table.column_names, names, strict=True))
    quoted = {own.get(name, name) for name in container.quoted}
    container = replace(container, table=table.rename_columns(names), notes=notes, quoted=quoted)
    return _accepted(container) if _STATUS in columns else container


def _accepted(container: Container) -> Container:
    words = pc.utf8_lower(container.table.column(_STATUS).cast(pa.large_string()))
    rejected = np.asarray(pc.fill_null(pc.equal(words, "rejected"), False))
    if not rejected.any():
        return container
    rows = np.asarray(
        np.arange(1, len(container.table) + 1) if container.rows is None else container.rows
    )
    found = f"{_STATUS}: Rejected"
    bad = [BadRow(int(row), found, "no judgement") for row in rows[rejected]]
    return replace(
        container,
        table=container.table.filter(pa.array(~rejected)),
        rows=rows[~rejected],
        bad=[*container.bad, *bad],
    )


def _own_names(columns: list[str]) -> list[str]:
    """Return names without prefixes, where that keeps them apart."""
    short = [_PREFIX.sub("", name) if name != _WORKER else "worker_id" for name in columns]
    return [
        new if short.count(new) == 1 and (new == old or new not in columns) else old
        for old, new in zip(columns, short, strict=True)
    ]


def _with_choices(table: pa.Table) -> pa.Table:
    """Put the chosen one in place of a question's columns of true and false."""
    groups: dict[str, list[str]] = {}
    for name in table.column_names:
        question, _, choice = name.rpartition(".")
        if question.startswith("Answer.") and choice:
            groups.setdefault(question, []).append(name)
    for question, names in groups.items():
        flags = [_flags(table.column(name)) for name in names]
        if len(names) < 2 or any(flag is None for flag in flags):
            continue
        on = np.column_stack([flag for flag in flags if flag is not None])
        choices = np.array([name.rpartition(".")[2] for name in names], dtype=object)
        chosen = np.where(on.sum(axis=1) == 1, choices[on.argmax(axis=1)], None)
        table = table.drop_columns(names).append_column(question, pa.array(chosen, pa.string()))
    return table


def _flags(column: pa.ChunkedArray) -> np.ndarray | None:
    words = [str(value).lower() for value in column.to_pylist() if value is not None]
    if not words or set(words) - set(_FLAGS):
        return None
    return np.array([str(value).lower() == "true" for value in column.to_pylist()])


def _with_task_answers(table: pa.Table) -> pa.Table:
    """Put the fields of answers that are JSON in place of them."""
    if _TASK not in table.column_names:
        return table
    given = table.column(_TASK).to_pylist()
    answers = [_answers(value) for value in given]
    if any(value and not answer for value, answer in zip(given, answers, strict=True)):
        return table
    names = dict.fromkeys(name for answer in answers for name in answer)
    table = table.drop_columns([_TASK])
    for name in names:
        values = [answer.get(name) for answer in answers]
        table = table.append_column(f"Answer.{name}", pa.array(values, pa.string()))
    return table


def _answers(value: Any) -> dict[str, str | None]:
    try:
        found = json.loads(value or "null")
    except ValueError:
        found = None
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, Mapping):
        return {}
    return {str(name): _one(item) for name, item in found.items()}


def _one(item: Any) -> str | None:
    """Return an answer as text: of several flags the one that is set, of a class its label."""
    if isinstance(item, Mapping):
        chosen = [str(name) for name, on in item.items() if on is True]
        if all(isinstance(on, bool) for on in item.values()):
            return chosen[0] if len(chosen) == 1 else None
        label = item.get("label")
        return label if isinstance(label, str) else json.dumps(dict(item))
    return item if isinstance(item, str) else json.dumps(item)
