"""The numbers on one judge in the tables of any result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.json_values import json_ready
from workbench.results import Result

_WHO = ("judge", "annotator", "group", "term")
"""Columns that may name the judge, the first that does decides."""

_TELLS = ("term", "calibrator", "verdicts", "scenario", "slice", "bin", "measure", "dimension")
"""Columns that say of what a number is."""


def numbers_of(result: Result, judge: str) -> list[dict[str, Any]]:
    """Return every number that the tables of a result have on a judge, one record each.

    A rank in a table of this judge alone is left out: there is nobody to be before.

    Parameters
    ----------
    result : Result
    judge : str

    Returns
    -------
    list of dict
        ``table, measure, estimate, conf_low, conf_high, n, method, reason``; the reason says why
        there is no estimate or no interval.

    Examples
    --------
    >>> import workbench as wb
    >>> found = wb.observe(wb.load("sample"), reference="human")
    >>> numbers_of(found, "sim-reward")[0]["table"]
    'estimates'
    """
    alone = _named(result.settings.get("judge")) == judge
    found = []
    for name, table in result.tables().items():
        mine = _of(table, judge, alone)
        if "rank" in table and table["rank"].count() < 2:
            mine = mine.drop(columns="rank")
        for row in json_ready(mine.to_dict("records")):
            found += _numbers(name, row, judge)
    return found


def _named(judge: object) -> object:
    return judge.get("name") if isinstance(judge, Mapping) else judge


def _of(table: pd.DataFrame, judge: str, alone: bool) -> pd.DataFrame:
    """Return the rows of a table that are of the judge."""
    for column in _WHO:
        if column in table:
            mine = table[column].astype("object").eq(judge)
            if mine.any():
                return table[mine]
    foreign = [name for name in ("judge", "annotator", "group") if name in table]
    return table if alone and not foreign else table.iloc[:0]


def _numbers(table: str, row: dict[str, Any], judge: str) -> list[dict[str, Any]]:
    """Return the estimate of a row, and each other number of it that has ends."""
    told = [str(row[name]) for name in _TELLS if row.get(name) not in (None, judge)]
    # what stands beside the agreement of verdicts that were read is that of all
    plain = "agreement" if "agreement_read" in row else "estimate"
    found = []
    for key in row:
        low, high = (
            ("conf_low", "conf_high") if key == "estimate" else (f"{key}_low", f"{key}_high")
        )
        if low not in row or high not in row:
            continue
        parts = told if key == "estimate" else [*told, key.replace("_", " ")]
        reason = row.get("reason")
        if row[key] is not None and None in (row[low], row[high]):
            reason = reason or "no interval"
        found.append({
            "table": table, "measure": ", ".join(parts) or plain, "estimate": row[key],
            "conf_low": row[low], "conf_high": row[high], "n": row.get("n"),
            "method": row.get("method"),
            "reason": reason or ("no value" if row[key] is None else None),
        })  # fmt: skip
    return found
