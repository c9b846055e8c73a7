"""From what a group of responses got, a choice, ranks, scores, to judgements on pairs."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats.orientation import chosen_is_a
from workbench.data.formats.records import Record, metadata, with_columns


def sides(a: Mapping[str, Any], b: Mapping[str, Any]) -> Record:
    """Return what is known of two responses with the letter of its side at the end of a name.

    Examples
    --------
    >>> sides({"model": "m1", "response_messages": "[1]"}, {"model": "m2"})
    {'model_a': 'm1', 'response_a_messages': '[1]', 'model_b': 'm2'}
    """
    named: Record = {}
    for side, item in (("a", a), ("b", b)):
        for name, value in item.items():
            at = f"response_{side}_messages" if name == "response_messages" else f"{name}_{side}"
            named[at] = value
    return named


def by_number(
    items: Sequence[Mapping[str, Any]], numbers: Sequence[float], *, lower_is_better: bool
) -> Iterator[Record]:
    """Yield the judgement on each two of n responses that got a number; equal is a tie.

    Parameters
    ----------
    items : sequence of mapping, length n
        What is known of each response, see :func:`sides`.
    numbers : sequence of float, length n
        Ranks or scores; a response without one (NaN) is in no pair.
    lower_is_better : bool
        Ranks, not scores.

    Examples
    --------
    >>> pairs = by_number([{"model": "m1"}, {"model": "m2"}], [2, 1], lower_is_better=True)
    >>> next(pairs)
    {'model_a': 'm1', 'model_b': 'm2', 'preference': 0.0, 'reason': None}
    """
    known = [(item, x) for item, x in zip(items, numbers, strict=True) if x == x]
    for (a, x), (b, y) in itertools.combinations(known, 2):
        better = x < y if lower_is_better else x > y
        preference = 0.5 if x == y else float(better)
        yield {**sides(a, b), "preference": preference, "reason": "tie" if x == y else None}


def by_choice(items: Sequence[Mapping[str, Any]], chosen: int) -> Iterator[Record]:
    """Yield the judgements of a choice of one of n: it is preferred to each of the others.

    Sides keep the order of the items, so that they do not tell which one was chosen.

    Examples
    --------
    >>> items = [{"model": "m1"}, {"model": "m2"}, {"model": "m3"}]
    >>> [(pair["model_a"], pair["preference"]) for pair in by_choice(items, 1)]
    [('m1', 0.0), ('m2', 1.0)]
    """
    for other in range(len(items)):
        if other != chosen:
            first, second = sorted((chosen, other))
            pair = sides(items[first], items[second])
            yield {**pair, "preference": float(first == chosen), "reason": None}


def shuffled(items: Sequence[Record], prompt: str, by: str, seed: int) -> list[Record]:
    """Return items in an order that only their contents and a seed decide.

    Files may list the best one first; then the side would tell the verdict.

    Parameters
    ----------
    items : sequence of dict
    prompt : str
    by : str
        Name of the text of an item that tells it from the others.
    seed : int

    Examples
    --------
    >>> items = [{"media": "a.png"}, {"media": "b.png"}]
    >>> shuffled(items, "p", "media", 0) == shuffled(items[::-1], "p", "media", 0)
    True
    """

    def compare(one: Record, other: Record) -> int:
        if one[by] == other[by]:
            return 0
        return -1 if chosen_is_a(prompt, one[by], other[by], seed) else 1

    return sorted(items, key=functools.cmp_to_key(compare))


def table(
    rows: Iterable[Record],
    records: pa.Table,
    first_row: int,
    used: Collection[str],
    settings: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Return judgements beside what else their records say.

    Parameters
    ----------
    rows : iterable of dict
        Judgement columns; ``row`` is the number of the record.
    records : pyarrow.Table
    first_row : int
        Number of the first record in the file, from 1.
    used : collection of str
        Columns of the records that the layout reads itself.
    settings : mapping, optional
        What the reader decided, for the load report.

    Examples
    --------
    >>> records = pa.table({"choice": ["x"], "language": ["en"]})
    >>> table([{"row": 1, "preference": 1.0}], records, 1, {"choice"})["language"].tolist()
    ['en']
    """
    frame = pd.DataFrame.from_records(list(rows))
    for name in ("row", "preference"):
        if name not in frame:
            frame[name] = np.nan
    rest, left_out = metadata(records, used)
    at = frame["row"].to_numpy("int64") - first_row
    rest = rest.drop(columns=[c for c in rest if c in frame]).iloc[at].reset_index(drop=True)
    frame = with_columns(pd.concat([rest, frame], axis=1), ("problem", "found"))
    decided = {**(settings or {}), "columns_left_out": ", ".join(left_out)}
    frame.attrs["settings"] = {k: v for k, v in decided.items() if v not in (None, "")}
    return frame


def nobody(row: int, found: str) -> Record:
    """Return the record of what nobody compared, to be counted.

    Examples
    --------
    >>> nobody(3, "a single image")["problem"]
    'no judgement'
    """
    return {"row": row, "problem": "no judgement", "found": found}


def unread(row: int, found: str, problem: str = "unparseable") -> Record:
    """Return the record of what could not be read, to be counted.

    Examples
    --------
    >>> unread(3, "ranking: A>A")["found"]
    'ranking: A>A'
    """
    return {"row": row, "problem": problem, "found": found}
