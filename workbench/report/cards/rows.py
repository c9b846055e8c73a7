"""The numbers on one judge in the tables of any result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from workbench.json_values import json_ready
from workbench.results import Result

_WHO = ("judge", "annotator", "group", "term")
"""Columns that may name the judge, the first that does decides."""

_TWO = (("a", "b"), ("term", "other"))
"""Columns that name two who are compared."""

_TELLS = ("what", "measure", "term", "calibrator", "verdicts", "scenario", "slice", "by", "group",
          "against", "other", "panel", "bin", "dimension", "dose")  # fmt: skip
"""Columns that say of what a number is."""

_NUMBERED = ("bin", "dose")
"""Those of them that say it by a number."""


def numbers_of(result: Result, judge: str, *, alone: bool = False) -> list[dict[str, Any]]:
    """Return every number that the tables of a result have on a judge, one record each.

    A rank in a table of this judge alone is left out: there is nobody to be before. So is a table
    that a part of the result has too.

    Parameters
    ----------
    result : Result
    judge : str
    alone : bool
        The result is of this judge alone, whether its settings say so or not.

    Returns
    -------
    list of dict
        ``table, measure, estimate, conf_low, conf_high, n, method, reason``; the reason says why
        there is no estimate or no interval. A measure that two tables have is named after its
        table.

    Examples
    --------
    >>> import workbench as wb
    >>> found = wb.observe(wb.load("sample"), reference="human")
    >>> numbers_of(found, "sim-reward")[0]["table"]
    'estimates'
    """
    alone = alone or is_of(result, judge)
    method = result.settings.get("method")
    theirs = [table for part in result.parts() for table in part.tables().values()]
    found = []
    for name, table in result.tables().items():
        if any(table is other for other in theirs):
            continue
        mine, naming = _of(table, judge, alone)
        if "rank" in table and table["rank"].count() < 2:
            mine = mine.drop(columns="rank")
        tells = [column for column in _TELLS if column in table and column != naming
                 and (column in _NUMBERED or not is_numeric_dtype(table[column]))]  # fmt: skip
        for row in json_ready(mine.to_dict("records")):
            row["method"] = row.get("method") or method
            found += _numbers(name, row, tells)
    times = Counter(one["measure"] for one in found)
    return [one | {"measure": f"{one['table']}: {one['measure']}"}
            if times[one["measure"]] > 1 else one for one in found]  # fmt: skip


def is_of(result: Result, judge: str) -> bool:
    """Return whether a result is of this judge alone.

    Parameters
    ----------
    result : Result
    judge : str
    """
    given = result.settings.get("judge")
    return bool((given.get("name") if isinstance(given, Mapping) else given) == judge)


def _of(table: pd.DataFrame, judge: str, alone: bool) -> tuple[pd.DataFrame, str | None]:
    """Return the rows of a table that are of the judge, and the column that names it."""
    # a rate of the judge has its name too
    naming = [name for name in _WHO if name in table and not is_numeric_dtype(table[name])]
    if alone and not {"judge", "annotator"} & set(naming):
        return table, None
    two = next((both for both in _TWO if {*both} <= {*table}), None)
    if two is not None and (mine := table[list(two)].eq(judge).any(axis=1)).any():
        return table[mine], None
    for column in naming:
        mine = table[column].astype("object").eq(judge)
        if mine.any():
            return table[mine], column
    return table.iloc[:0], None


def _numbers(table: str, row: dict[str, Any], tells: list[str]) -> list[dict[str, Any]]:
    """Return the estimate of a row, and each other number of it that has ends."""
    told = [str(row[name]) for name in tells if row.get(name) is not None]
    # what stands beside the agreement of verdicts that were read is that of all
    plain = "agreement" if "agreement_read" in row else "estimate"
    found = []
    for key in row:
        low, high = (
            ("conf_low", "conf_high") if key == "estimate" else (f"{key}_low", f"{key}_high")
        )
        if low not in row or high not in row:
            continue
        reason = row.get(f"{key}_reason", row.get("reason"))
        if key != "estimate" and row[key] is None and reason is None:
            # a number that rows of this kind do not have
            continue
        parts = told if key == "estimate" else [*told, key.replace("_", " ")]
        if row[key] is not None and None in (row[low], row[high]):
            reason = reason or "no interval"
        found.append({
            "table": table, "measure": ", ".join(dict.fromkeys(parts)) or plain,
            "estimate": row[key], "conf_low": row[low], "conf_high": row[high],
            "n": row.get("n"), "method": row["method"],
            "reason": reason or ("no value" if row[key] is None else None),
        })  # fmt: skip
    return found
