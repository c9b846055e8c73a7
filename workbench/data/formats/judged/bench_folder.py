"""The folders of FastChat's and Arena-Hard's benchmarks: questions, answers and judgements.

``question.jsonl``, ``model_answer/<model>.jsonl``, ``model_judgment/...jsonl`` and perhaps
``reference_answer/<model>.jsonl`` lie beside each other; the judgements name questions and
models, and the texts are in the other files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from workbench.data.formats.records import Record, Unreadable, excerpt
from workbench.data.reading.files import Reading, open_bytes

UNREAD = "unread_line"
"""Field of a record that stands for a line of a folder's file that is none."""

JUDGEMENTS, ANSWERS = "model_judgment", "model_answer"


def readable(record: Record) -> Record:
    """Return a record; raise ``Unreadable`` where it stands for a broken line."""
    if record.get(UNREAD) is not None:
        raise Unreadable(record[UNREAD])
    return record


def lines_of(path: Path) -> list[Record]:
    """Return the records of a file of JSON lines, or of one JSON list.

    A line that is no record becomes one with the field :data:`UNREAD`, so that it is counted.
    """
    with Reading(path), open_bytes(path) as stream:
        content = stream.read().decode("utf-8", "replace").removeprefix("\ufeff")
    found = _parsed(content) if content.lstrip().startswith("[") else None
    if not isinstance(found, list):
        found = [_parsed(line) or line for line in content.splitlines() if line.strip()]
    return [one if isinstance(one, dict) else {UNREAD: excerpt(one)} for one in found]


def first_of(path: Path) -> Record:
    """Return the first record of a file of JSON lines, empty where that line is none."""
    with Reading(path), open_bytes(path) as stream:
        line = stream.readline().decode("utf-8", "replace").removeprefix("\ufeff")
    found = _parsed(line)
    return found if isinstance(found, dict) else {}


def files_in(folder: Path, pattern: str) -> list[Path]:
    """Return the files under a folder whose names match a pattern, also with .gz or .zst."""
    packed = re.compile(r"\.(?:gz|zst)$")
    found = (p for p in folder.rglob("*") if fnmatch(packed.sub("", p.name), pattern))
    return sorted(p for p in found if p.is_file())


def stem_of(path: Path) -> str:
    """Return a file's name without .jsonl or .json, and without .gz or .zst.

    Examples
    --------
    >>> stem_of(Path("model_answer/vicuna-13b-v1.3.jsonl.gz"))
    'vicuna-13b-v1.3'
    """
    name = path.name
    for end in (".gz", ".zst", ".jsonl", ".json"):
        name = name.removesuffix(end)
    return name


def benchmark_in(folder: Path) -> Path | None:
    """Return the folder that holds ``model_judgment``, where it is this one or around it."""
    if (folder / JUDGEMENTS).is_dir():
        return folder
    around = [part for part in folder.resolve().parents if (part / JUDGEMENTS).is_dir()]
    inside = JUDGEMENTS in folder.resolve().parts
    return around[0] if inside and around else None


def judgements_in(folder: Path) -> Iterator[tuple[Path, list[Record]]]:
    """Yield each file of judgements under a folder with its records."""
    under = folder / JUDGEMENTS
    for path in files_in(under if under.is_dir() else folder, "*.jsonl"):
        yield path, lines_of(path)


def questions_of(base: Path) -> dict[str, Record]:
    """Return ``turns`` (the user's texts) and ``category`` of each question of a benchmark."""
    found = {}
    for path in files_in(base, "question.jsonl"):
        for record in lines_of(path):
            turns = record.get("turns") or [record.get("prompt") or record.get("text")]
            found[question_id(record)] = {
                "turns": [_said(turn) for turn in turns],
                "category": record.get("category"),
            }
    return found


def answers_of(base: Path, name: str = ANSWERS) -> dict[tuple[Any, str], list[str | None]]:
    """Return the texts of each model's answer to each question, one a turn.

    Parameters
    ----------
    base : Path
        Folder of the benchmark.
    name : str
        Folder of the answers in it.

    Returns
    -------
    dict of list
        By model, as its file is named, and question.
    """
    found = {}
    for path in files_in(base / name, "*.jsonl"):
        for record in lines_of(path):
            found[stem_of(path), question_id(record)] = _turns(record)
    return found


def question_id(record: Record) -> str:
    """Return the id of a record's question as text.

    Examples
    --------
    >>> question_id({"question_id": 81}), question_id({"uid": "ab1"})
    ('81', 'ab1')
    """
    found = record.get("question_id")
    return str(record.get("uid") if found is None else found)


def _turns(record: Record) -> list[str | None]:
    if isinstance(record.get("messages"), list):
        spoken = [m for m in record["messages"] if isinstance(m, dict)]
        return [_said(m.get("content")) for m in spoken if m.get("role") == "assistant"]
    choices = record.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else {}
    turns = first.get("turns") if isinstance(first, dict) else None
    return [_said(turn) for turn in turns] if isinstance(turns, list) else []


def _said(turn: Any) -> str | None:
    """Return a turn's text: bare, as ``content`` or ``answer``, or before images."""
    if isinstance(turn, dict):
        return _said(turn.get("content") or turn.get("answer"))
    if isinstance(turn, list):
        return _said(turn[0]) if turn else None
    return turn if isinstance(turn, str) else None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
