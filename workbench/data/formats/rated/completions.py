"""Records that hold a list of responses to one prompt, each with its ratings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.formats.rated.pairing import Items, Rule, paired, recorded
from workbench.data.formats.rated.unfolded import beside
from workbench.data.formats.records import Record, Unreadable, metadata


@dataclass(frozen=True)
class Listed:
    """The responses of one record.

    Attributes
    ----------
    shared : dict
        Judgement columns that they have in common: ``prompt``, ``annotator``, ``kind``.
    responses : list of dict
        ``response`` and ``model`` of each, and its metadata.
    ratings : list of dict
        The numbers that each was given, by name.
    says : dict
        What the record itself says of who rated: it goes before what the user names.
    """

    shared: Record
    responses: list[Record]
    ratings: list[dict[str, float]]
    says: Record = field(default_factory=dict)


def translate_lists(
    records: pa.Table,
    first_row: int,
    options: Mapping[str, Any],
    read: Callable[[Record], Listed],
    rule: Rule,
    used: Collection[str],
) -> pd.DataFrame:
    """Return the judgements that lists of rated responses make, one record a group.

    Parameters
    ----------
    records : pyarrow.Table
    first_row : int
    options : mapping
        ``seed``; ``annotator`` and ``kind`` go before what the layout says.
    read : callable
        From a record to its responses; raises ``Unreadable``.
    rule : Rule
    used : collection of str
        Columns that ``read`` gives a meaning to; the others are metadata.
    """
    at: list[int] = []
    lists: list[Listed] = []
    broken: list[Record] = []
    for place, record in enumerate(records.to_pylist()):
        try:
            found = read(record)
            if not found.responses:
                raise Unreadable("no responses")
        except Unreadable as trouble:
            row = place + first_row
            broken.append({"row": row, "problem": "unparseable", "found": trouble.found})
            continue
        lists.append(found)
        at += [place] * len(found.responses)
    extra, left_out = metadata(records, used)
    seed = int(options.get("seed") or 0)
    given = {name: options[name] for name in ("annotator", "kind") if options.get(name)}
    frame = paired(_items(lists, np.array(at, dtype="int64"), first_row, extra, given), rule, seed)
    if broken:
        frame = pd.concat([frame, pd.DataFrame(broken)], ignore_index=True)
    frame.attrs["settings"] = recorded(rule, seed, left_out)
    return frame


def _items(
    lists: list[Listed],
    at: NDArray[np.int64],
    first_row: int,
    extra: pd.DataFrame,
    given: Record,
) -> Items:
    index = range(len(at))
    shared = [found.shared | given | found.says for found in lists for _ in found.responses]
    sides = [response for found in lists for response in found.responses]
    ratings = [rating for found in lists for rating in found.ratings]
    return Items(
        at,
        at + first_row,
        beside(extra.iloc[at], pd.DataFrame.from_records(shared, index=index)),
        pd.DataFrame.from_records(sides, index=index),
        pd.DataFrame.from_records(ratings, index=index).astype("float64"),
    )
