"""Records that hold several judgements, and what else they say."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.formats.messages import as_messages, looks_like_messages, render, to_json
from workbench.data.formats.records import (
    Record,
    Unreadable,
    is_text,
    metadata,
    texts,
    values,
    with_columns,
)

_CHAT = r"\s*(?:(?:array\()?[\[(\s]*\{|Row\(|Human:)"


class Judged(NamedTuple):
    """A pair of responses, and what was said of it.

    Attributes
    ----------
    pair : dict
        Judgement columns that describe the pair.
    labels : list of dict
        Those of each judgement, also ``problem`` and ``found``.
    """

    pair: Record
    labels: list[Record]


def unfolded(
    records: pa.Table,
    first_row: int,
    read: Callable[[Record], Iterable[Judged]],
    used: Collection[str],
    sides: tuple[str, str] | None = None,
) -> pd.DataFrame:
    """Return the judgements that each record holds, with its other columns as metadata.

    Parameters
    ----------
    records : pyarrow.Table
    first_row : int
        Number of the first record in the file, from 1.
    read : callable
        From a record to its pairs and their judgements; raises ``Unreadable``.
    used : collection of str
        Columns that ``read`` gives a meaning to.
    sides : tuple of str, optional
        Marks of the first and the second response in names of other columns, see
        :func:`by_side`.
    """
    pairs: list[Record] = []
    labels: list[Record] = []
    places: list[tuple[int, int]] = []
    for number, record in enumerate(records.to_pylist()):
        try:
            judged = list(read(record))
        except Unreadable as trouble:
            judged = [Judged({}, [{"problem": "unparseable", "found": trouble.found}])]
        for pair, said in judged:
            labels += said
            places += [(number, len(pairs))] * len(said)
            pairs.append(pair)
    record_at, pair_at = np.array(places, dtype="int64").reshape(-1, 2).T
    extra, left_out = metadata(records, used)
    if sides is not None:
        extra = by_side(extra, *sides)
    about = pd.DataFrame.from_records(pairs, index=range(len(pairs)))
    said_frame = pd.DataFrame.from_records(labels, index=range(len(labels)))
    frame = beside(extra.iloc[record_at], about.iloc[pair_at], said_frame)
    frame.insert(0, "row", record_at + first_row)
    if "preference" not in frame:
        frame["preference"] = np.nan
    with_columns(frame, ("problem", "found"))
    frame.attrs["settings"] = {"columns_left_out": ", ".join(left_out)} if left_out else {}
    return frame


def beside(*parts: pd.DataFrame) -> pd.DataFrame:
    """Join frames of equal length side by side; a later column takes the place of an earlier.

    Examples
    --------
    >>> beside(pd.DataFrame({"x": [1], "y": [2]}), pd.DataFrame({"x": [3]})).to_dict("list")
    {'y': [2], 'x': [3]}
    """
    kept = [
        part.reset_index(drop=True).drop(
            columns=[name for name in part if any(name in later for later in parts[at:])]
        )
        for at, part in enumerate(parts, start=1)
    ]
    return pd.concat(kept, axis=1)


def by_side(frame: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """Return a frame whose columns of one side end in ``_a`` or ``_b``.

    Names stand for a side where a part of them, between ``_`` or ``.`` or at an end, is the
    mark of the one and there is a name with that of the other.

    Parameters
    ----------
    frame : DataFrame
    first, second : str
        Marks of the sides A and B, such as ``0`` and ``1``.

    Examples
    --------
    >>> frame = pd.DataFrame({"is_0_safe": [1], "is_1_safe": [0], "words_0": [5], "n": [1]})
    >>> list(by_side(frame, "0", "1"))
    ['is_safe_a', 'is_safe_b', 'words_0', 'n']
    """
    renamed: dict[str, str] = {}
    for name in map(str, frame.columns):
        found = re.search(rf"(?:^|(?<=[_.])){re.escape(first)}(?=$|[_.])", name)
        if found is None:
            continue
        before, after = name[: found.start()], name[found.end() :]
        other, base = before + second + after, (before.rstrip("_.") + after).strip("_.")
        if other in frame and not {f"{base}_a", f"{base}_b"} & set(frame):
            renamed |= {name: f"{base}_a", other: f"{base}_b"}
    return frame.rename(columns=renamed)


def named(value: Any) -> str | None:
    """Return a name or an id as text, None of what can be none.

    Examples
    --------
    >>> named("gpt-4"), named(7), named({"id": 7}), named(None)
    ('gpt-4', '7', None, None)
    """
    return str(value) if isinstance(value, str | int | float) else None


def spoken(value: Any, name: str) -> Record:
    """Return a text or chat as judgement columns: ``name``, and its messages where it is one.

    Examples
    --------
    >>> spoken("Hi", "prompt")
    {'prompt': 'Hi'}
    >>> spoken([{"role": "user", "content": "Hi"}], "response_a")
    {'response_a': 'Hi', 'response_a_messages': '[{"content":"Hi","role":"user"}]'}
    """
    if isinstance(value, str) and name != "prompt" and not looks_like_messages(value):
        # only a prompt is a dialogue: a response that begins with "Human:" is a text
        return {name: value}
    messages = as_messages(value)
    if messages is not None:
        return {name: render(messages), f"{name}_messages": to_json(messages)}
    if isinstance(value, Mapping | list) or (isinstance(value, str) and looks_like_messages(value)):
        raise Unreadable(value)
    return {name: value if value is None else str(value)}


def spoken_column(
    records: pa.Table, name: str, role: str
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Return a column of texts or chats as judgement columns, and which could not be read.

    Parameters
    ----------
    records : pyarrow.Table
    name : str
        Column of the records.
    role : str
        ``prompt``, ``response_a``, ...

    Examples
    --------
    >>> frame, bad = spoken_column(pa.table({"x": ["Hi", None]}), "x", "prompt")
    >>> frame["prompt"].tolist(), bad.tolist()
    (['Hi', nan], [False, False])
    """
    text = texts(records, name)
    bad = np.zeros(len(records), dtype=bool)
    if is_text(records.schema.field(name).type):
        rows = np.flatnonzero(text.str.match(_CHAT).fillna(False).astype(bool))
    else:
        rows = np.arange(len(records))
    read: list[Record] = []
    for place, value in zip(rows, values(records.take(pa.array(rows)), name), strict=True):
        try:
            read.append(spoken(value, role))
        except Unreadable:
            bad[place] = True
            read.append({role: None})
    frame = pd.DataFrame({role: text})
    for column in dict.fromkeys(key for record in read for key in record):
        whole = frame[column].astype(object) if column in frame else pd.Series([None] * len(text))
        whole.iloc[rows] = [record.get(column) for record in read]
        frame[column] = whole.astype("str")
    return frame, bad
