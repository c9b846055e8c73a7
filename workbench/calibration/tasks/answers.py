"""What a labelling tool exported, as answers to tasks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.calibration.tasks.tasks import LEFT, QUESTION, RIGHT
from workbench.data.formats.records import excerpt
from workbench.data.formats.registry import get_format
from workbench.data.formats.verdicts import read_labels
from workbench.data.on_view.spreadsheet import guard
from workbench.data.reading.container import Container
from workbench.data.reading.containers import open_source
from workbench.data.reading.translation import judgements_of
from workbench.errors import DataError

_TOOLS = ("label_studio", "label_studio_min", "argilla", "argilla_flat", "argilla_1")
_ROLES = {"prompt": "prompt", "response_a": LEFT, "response_b": RIGHT, "label": QUESTION}

SUGGESTED = "suggested by a model"

COLUMNS = (
    "row", "task_id", "annotator", "preference", "reason", "problem", "found", "left", "raw",
)  # fmt: skip
"""Of answers: ``preference`` is P(left preferred); ``left`` what the tool says it showed there."""


def read_answers(source: str | Path) -> tuple[pd.DataFrame, list[str]]:
    """Read an export of Label Studio or Argilla, or a table with ``task_id`` and ``preference``.

    Parameters
    ----------
    source : str or Path

    Returns
    -------
    answers : DataFrame
        :data:`COLUMNS`.
    notes : list of str

    Raises
    ------
    DataError
        The file cannot be read, or is none of these.
    """
    container = open_source(source)
    head = container.head()
    for name in _TOOLS:
        found = get_format(name)
        if found.recognise(container.columns, head):
            frame = judgements_of(container, found, {"mapping": _ROLES})
            return _of_tool(frame), list(frame.attrs["notes"])
    if {"task_id", QUESTION} <= set(container.columns):
        return _of_table(container), list(container.notes)
    raise DataError(
        "These are no answers to tasks.",
        where=container.name,
        found="columns " + ", ".join(container.columns[:12]),
        expected=f"an export of Label Studio or Argilla, or columns task_id and {QUESTION}",
        fix="Export the project with its task_id, as JSON or CSV.",
    )


def _of_tool(frame: pd.DataFrame) -> pd.DataFrame:
    """Return judgements of a tool as answers: A is what was left."""
    ids = [frame[name] for name in ("task_id", "source_id") if name in frame]
    task = pd.Series(None, index=frame.index, dtype="object")
    for one in ids:
        task = task.where(task.notna(), one)
    answers = frame.rename(columns={"response_a": LEFT}).assign(task_id=task)
    if "kind" in answers:
        # what a model suggested in the tool is nobody's answer
        answers["problem"] = answers["problem"].mask(answers["kind"].eq("llm"), SUGGESTED)
    return _completed(answers)


def _of_table(container: Container) -> pd.DataFrame:
    table = container.table.to_pandas()
    said = table[QUESTION].astype("str")
    read = read_labels(said.str.strip().str.lower(), {LEFT: "a", RIGHT: "b"})
    answers = read.assign(row=np.arange(1, len(table) + 1), task_id=table["task_id"], raw=said)
    for name in ("annotator", LEFT):
        if name in table:
            answers[name] = table[name].array
    blank = said.fillna("").str.strip().eq("")
    answers["problem"] = answers["problem"].mask(blank, "no judgement")
    answers["found"] = answers["found"].mask(blank, "empty")
    return _completed(answers)


def _completed(answers: pd.DataFrame) -> pd.DataFrame:
    table = answers.reindex(columns=list(COLUMNS)).reset_index(drop=True)
    for name in ("task_id", "annotator", "reason", "problem", "found", LEFT, "raw"):
        table[name] = table[name].astype("object").where(table[name].notna(), None)
    for name, read in (("task_id", _plain), ("annotator", str.strip)):
        told = [None if one is None else read(str(one)) or None for one in table[name]]
        # a list would become text, in which nothing is NaN
        table[name] = pd.Series(told, index=table.index, dtype="object")
    table["preference"] = pd.to_numeric(table["preference"], errors="coerce").astype("float64")
    return table


def _plain(text: str) -> str:
    """Return a cell without the apostrophe that keeps a spreadsheet from running it."""
    text = text.strip()
    return text[1:] if text.startswith("'") and guard(text[1:]) == text else text


def same_text(shown: object, expected: str) -> bool:
    r"""Tell whether a tool showed a text, but for white space and a guarding apostrophe.

    Examples
    --------
    >>> same_text("'=1+1\n", "=1+1"), same_text("1", "2"), same_text(None, "2")
    (True, False, True)
    """
    if shown is None:
        return True
    return expected.split() in (str(shown).split(), _plain(str(shown)).split())


def examples_of(answers: pd.DataFrame, rows: Sequence[int]) -> list[dict[str, object]]:
    """Return a few answers for a report: their row, and what they are."""
    return [
        {
            "row": int(answers["row"].iloc[at]),
            "found": f"{excerpt(answers['task_id'].iloc[at])}: "
            f"{excerpt(answers['found'].iloc[at] or answers['raw'].iloc[at] or 'nothing')}",
        }
        for at in rows
    ]
