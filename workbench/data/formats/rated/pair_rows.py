"""Tables of two responses a row, whose layout says what their codes mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats.rated.unfolded import beside, by_side, spoken_column
from workbench.data.formats.records import (
    flag,
    judgements,
    metadata,
    names,
    numbers,
    require,
)

A, B, TIE = (1.0, None), (0.0, None), (0.5, "tie")
"""What a code can mean: the preference and the reason of a tie."""

Codes = Mapping[str, tuple[float, str | None]]


@dataclass(frozen=True)
class Verdicts:
    """A column of verdicts.

    Attributes
    ----------
    column : str
    codes : mapping of str to tuple
        :data:`A`, :data:`B` or :data:`TIE` by what stands in the column, in lower case.
    criterion : str, optional
        What is judged; missing where another column tells, or it is the preference overall.
    annotator, kind, order_shown : str, optional
        Who judged, where it is not who judged the others, and in which order.
    """

    column: str
    codes: Codes
    criterion: str | None = None
    annotator: str | None = None
    kind: str | None = None
    order_shown: str | None = None


@dataclass(frozen=True)
class PairRows:
    """A layout of two responses a row.

    Attributes
    ----------
    title : str
    responses : tuple of str
        Columns of the first response, which is A, and of the second.
    prompt : tuple of str
        Columns whose texts make the prompt, one below the other.
    verdicts : tuple of Verdicts
        Of which a file may lack some.
    annotator, kind : str
    models : tuple of str, optional
        Columns of the writers.
    columns : mapping of str to str
        Column of the file by judgement column: ``cluster``, ``scenario``, ``criterion``,
        ``raw``, ``row_id``.
    strength : str, optional
        Column of how strong the preference is.
    marks : tuple of str
        How names of other columns tell the sides apart, see
        :func:`workbench.data.formats.rated.unfolded.by_side`.
    dropped : tuple of str
        Columns that are not of the pair: a judge's whole prompt.
    """

    title: str
    responses: tuple[str, str]
    prompt: tuple[str, ...]
    verdicts: tuple[Verdicts, ...]
    annotator: str | None
    kind: str
    models: tuple[str, str] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    strength: str | None = None
    marks: tuple[str, str] = ("a", "b")
    dropped: tuple[str, ...] = ()


def translate_rows(
    records: pa.Table, first_row: int, options: Mapping[str, Any], layout: PairRows
) -> pd.DataFrame:
    """Return the judgements of a table of pairs: one for each row and column of verdicts.

    Parameters
    ----------
    records : pyarrow.Table
    first_row : int
    options : mapping
        ``annotator`` and ``kind`` go before the layout's, not before a column's own.
    layout : PairRows
    """
    require(records, layout.responses, layout.title)
    present = [one for one in layout.verdicts if one.column in records.column_names]
    require(records, [layout.verdicts[0].column] if not present else [], layout.title)
    base, left_out = _pairs(records, layout, [one.column for one in present])
    parts = []
    for one in present:
        part = beside(base, read_codes(records, one.column, one.codes))
        part["annotator"] = one.annotator or options.get("annotator") or layout.annotator
        part["kind"] = one.kind or options.get("kind") or layout.kind
        if one.criterion is not None:
            part["criterion"] = one.criterion
        if one.order_shown is not None:
            part["order_shown"] = one.order_shown
        parts.append(judgements(part, first_row))
    frame = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    frame.attrs["settings"] = {"columns_left_out": ", ".join(left_out)} if left_out else {}
    return frame


def read_codes(records: pa.Table, column: str, codes: Codes) -> pd.DataFrame:
    """Return ``preference, reason, problem, found`` of a column of codes.

    Examples
    --------
    >>> table = pa.table({"better": [0, 1, 7, None]})
    >>> frame = read_codes(table, "better", {"0": A, "1": B})
    >>> frame["preference"].tolist(), frame["problem"].tolist()
    ([1.0, 0.0, nan, nan], [nan, nan, 'unknown label', 'no judgement'])
    """
    found = names(records, column).str.strip()
    key = found.str.lower().str.replace(r"^(-?\d+)\.0*$", r"\1", regex=True)
    preference = key.map({code: meaning[0] for code, meaning in codes.items()})
    reason = key.map({code: meaning[1] for code, meaning in codes.items()})
    frame = pd.DataFrame(
        {"preference": preference.astype("float64"), "reason": reason.astype("str")}
    )
    shown = column + ": " + found.fillna("nothing")
    flag(frame, key.isna().to_numpy(), "no judgement", shown)
    flag(frame, frame["preference"].isna().to_numpy(), "unknown label", shown)
    return frame


def _pairs(
    records: pa.Table, layout: PairRows, verdicts: Collection[str]
) -> tuple[pd.DataFrame, list[str]]:
    used = {*layout.responses, *layout.prompt, *verdicts, *layout.dropped}
    used |= {*layout.columns.values(), *(layout.models or ())}
    extra, left_out = metadata(records, used)
    extra = by_side(extra, *layout.marks)
    prompt, bad = spoken_column(records, layout.prompt[0], "prompt")
    for name in layout.prompt[1:]:
        more, no_more = spoken_column(records, name, "prompt")
        given = more["prompt"].notna() & (more["prompt"] != "")
        prompt["prompt"] = prompt["prompt"].where(~given, prompt["prompt"] + "\n" + more["prompt"])
        bad |= no_more
    parts = [extra, prompt]
    for letter, name in zip("ab", layout.responses, strict=True):
        response, unread = spoken_column(records, name, f"response_{letter}")
        parts.append(response)
        bad |= unread
    base = beside(*parts)
    for letter, name in zip("ab", layout.models or (), strict=False):
        base[f"model_{letter}"] = names(records, name)
    for role, name in layout.columns.items():
        if name in records.column_names:
            base[role] = names(records, name)
    if layout.strength is not None:
        base["strength"] = np.abs(numbers(records, layout.strength))
    flag(base, bad, "unparseable", ["nested values in a text"] * len(base))
    return base, left_out
