"""Items: stated preferences and questions that they bear on, such as PrefEval's files."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.audit.followed.cases import names_of, open_table
from workbench.data.dataset import PreferenceData
from workbench.data.load_report import LeftOut, LoadReport
from workbench.errors import DataError

_KINDS = ("*.json", "*.jsonl", "*.csv", "*.parquet")
_OPTIONS = ("options", "classification_task_options")
_MOST_OPTIONS = 26


def read_items(source: str | Path | pd.DataFrame) -> PreferenceData:
    """Read stated preferences and questions: a table, a file, or a folder of files by topic.

    Parameters
    ----------
    source : str, Path or DataFrame
        ``preference`` and ``question``, where there are any ``topic``, ``reply_with`` and
        ``reply_without`` (replies that are there), and ``options``, a list of which the first
        follows the preference unless ``right`` counts it from 0. PrefEval's files are read as
        they are; in a folder a file's name is its topic.

    Returns
    -------
    PreferenceData
        No labels: the prompt is the question, ``stated`` the preference, the scenario the topic;
        response A is the reply with the preference, B that without it.

    Raises
    ------
    DataError
        A column is missing, a cell is empty, or options cannot be told apart.

    Examples
    --------
    >>> data = read_items(pd.DataFrame({"preference": ["I eat no fish."], "question": ["Lunch?"]}))
    >>> data.pairs[["stated", "prompt"]].to_numpy().tolist()
    [['I eat no fish.', 'Lunch?']]
    """
    frame, where = _opened(source)
    absent = [name for name in ("preference", "question") if name not in frame]
    if absent:
        raise _bad(where, f"no column {absent[0]!r}")
    for name in ("preference", "question"):
        empty = ~frame[name].map(lambda one: isinstance(one, str) and bool(one.strip()))
        if empty.any():
            raise _bad(where, f"{int(empty.sum()):,} rows without a {name}")
    read = len(frame)
    frame = frame.drop_duplicates(["preference", "question"], ignore_index=True)
    keys = [_key(*row) for row in frame[["preference", "question"]].to_numpy()]
    pairs = pd.DataFrame({
        "pair_id": keys, "prompt": frame["question"], "stated": frame["preference"],
        "cluster": keys, "scenario": _texts(frame, "topic"),
        "response_a": _texts(frame, "reply_with"), "response_b": _texts(frame, "reply_without"),
    })  # fmt: skip
    listed = next((name for name in _OPTIONS if name in frame), None)
    if listed is not None:
        pairs["options"] = [_options(row, listed, where) for row in frame.to_dict("records")]
    columns = {"pair": "int64", "annotator": "str", "preference": "float64"}
    labels = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    data = PreferenceData.from_tables(pairs.sort_values("pair_id", ignore_index=True), labels)
    lost = {"duplicate": LeftOut(read - len(pairs))} if read > len(pairs) else {}
    told = LoadReport(where, "stated preferences", read, len(pairs), len(pairs), 0, lost)
    return replace(data, load_report=told)


def _opened(source: str | Path | pd.DataFrame) -> tuple[pd.DataFrame, str]:
    if isinstance(source, pd.DataFrame) or not Path(source).is_dir():
        return open_table(source)
    folder = Path(source)
    files = sorted(path for kind in _KINDS for path in folder.rglob(kind))
    if not files:
        raise _bad(folder.name, "no JSON, JSON-lines, CSV or Parquet file")
    tables = [open_table(path)[0] for path in files]
    named = [
        one if "topic" in one else one.assign(topic=path.stem)
        for one, path in zip(tables, files, strict=True)
    ]
    return pd.concat(named, ignore_index=True), folder.name


def _options(row: dict[Any, Any], name: str, where: str) -> str:
    """Return options as JSON, the one that follows first."""
    value = row[name]
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise _bad(where, f"options {value[:60]!r}") from None
    found = list(value) if hasattr(value, "__iter__") and not isinstance(value, str) else []
    found = [one for one in found if isinstance(one, str) and one.strip()]
    if not 2 <= len(found) <= _MOST_OPTIONS or len(names_of(found)) < len(found):
        raise _bad(where, f"{len(found)} options of {row['question'][:60]!r}, or two alike")
    right = row.get("right", 0)
    at = 0 if right is None or right != right else int(right)
    if not 0 <= at < len(found):
        raise _bad(where, f"right = {right!r} of {len(found)} options")
    return json.dumps([found[at], *found[:at], *found[at + 1 :]], ensure_ascii=False)


def _texts(frame: pd.DataFrame, name: str) -> list[str | None]:
    if name not in frame:
        return [None] * len(frame)
    return [one if isinstance(one, str) else None for one in frame[name]]


def _key(preference: str, question: str) -> str:
    text = f"{len(preference)}:{preference}{question}".encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=16).hexdigest()


def _bad(where: str, found: str) -> DataError:
    return DataError(
        "The stated preferences cannot be used.",
        where=where,
        found=found,
        expected="preference and question; where there are any topic, reply_with, reply_without, "
        "options (a list, the first follows) and right",
        fix="Name the columns so; a table of graded replies needs no model.",
    )
