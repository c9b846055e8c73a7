"""Rows of judgements, made one at a time, as the frame that a format gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.data.formats.records import RESERVED, Record
from workbench.data.formats.tools.compared import Response, said


def frame_of(
    rows: Sequence[Record],
    options: Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
    notes: Iterable[str] = (),
) -> pd.DataFrame:
    """Return rows as a frame; the user names annotator and kind where the tool does not.

    Parameters
    ----------
    rows : list of dict
        Columns of judgements, each with ``row``.
    options : mapping
        Reader options.
    settings : mapping, optional
        What the reader decided.
    notes : iterable of str

    Examples
    --------
    >>> frame = frame_of([{"row": 1, "preference": 1.0, "kind": "llm"}], {"annotator": "ann"})
    >>> frame["kind"].tolist(), frame["annotator"].tolist()
    (['llm'], ['ann'])
    """
    frame = pd.DataFrame.from_records(list(rows))
    for name in ("preference", "problem", "found"):
        if name not in frame:
            frame[name] = None
    for name in ("annotator", "kind"):
        if options.get(name):
            said = frame[name] if name in frame else pd.Series(None, frame.index, dtype="str")
            is_open = said.isna() | (said == "unknown") if name == "kind" else said.isna()
            frame[name] = said.mask(is_open, options[name])
    frame.attrs = {"settings": dict(settings or {}), "notes": list(notes)}
    return frame


def sides_of(responses: Sequence[Response]) -> Record:
    """Return the columns of both sides of a pair, of one side where there is no other.

    Examples
    --------
    >>> sides_of([Response("r1", "1", "x", "m"), Response("r2", "2", "y")])
    {'response_a': 'x', 'model_a': 'm', 'response_b': 'y', 'model_b': None}
    """
    sides: Record = {}
    for letter, response in zip("ab", responses, strict=False):
        sides |= said(response.value, "response", letter)
        sides[f"model_{letter}"] = response.model
        sides |= {f"{name}_{letter}": value for name, value in plain(response.extra).items()}
    return sides


def plain(record: Mapping[str, Any]) -> Record:
    """Return the texts, numbers and flags of a record, by names that the data model leaves free.

    Examples
    --------
    >>> plain({"row": 3, "tags": ["x"], "split": "test"})
    {'source_row': 3, 'split': 'test'}
    """
    return {
        f"source_{key}" if key in RESERVED else key: value
        for key, value in record.items()
        if isinstance(value, str | int | float | bool)
    }
