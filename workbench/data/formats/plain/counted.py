"""Votes that a table counts, and numbers beside its verdicts: weights, strengths, orders."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats.records import excerpt, flag, names, numbers, values
from workbench.errors import DataError

VOTES_RULE = "share of votes for A, weight = number of votes"
_WITHDRAWN = {"rejected", "reject", "cancelled", "canceled", "discarded", "draft", "withdrawn",
              "skipped", "expired", "abandoned", "returned"}  # fmt: skip
"""States of an assignment whose answer is no judgement."""


def votes(table: pa.Table, roles: Mapping[str, str]) -> pd.DataFrame:
    """Return one soft label a row: the share of votes for A, a tie's vote half to each.

    Ten votes each are ten wins each, no tie: ``n_ties`` counts the ties among ``n_votes``.

    Examples
    --------
    >>> table = pa.table({"x": [3, 1], "y": [1, 1]})
    >>> votes(table, {"votes_a": "x", "votes_b": "y"})[["preference", "weight"]].values.tolist()
    [[0.75, 4.0], [0.5, 2.0]]
    """
    sides = [side for side in ("votes_a", "votes_b", "votes_tie") if side in roles]
    counts = {side: numbers(table, roles[side]) for side in sides}
    a, b = counts["votes_a"], counts["votes_b"]
    tie = np.nan_to_num(counts.get("votes_tie", np.zeros(len(table))))
    total = a + b + tie
    usable = np.isfinite(total) & (total > 0) & (a >= 0) & (b >= 0) & (tie >= 0)
    share = np.full(len(table), np.nan)
    np.divide(a + tie / 2, total, out=share, where=usable)
    nothing = pd.Series([None] * len(table), dtype="str")
    shown = pd.DataFrame({side: names(table, roles[side]).fillna("nothing") for side in sides})
    return pd.DataFrame(
        {
            "preference": share,
            "weight": np.where(usable, total, 1.0),
            "n_votes": np.where(usable, total, np.nan),
            "n_ties": np.where(usable, tie, np.nan),
            "reason": nothing.mask(usable & (tie == total), "tie"),
            "problem": nothing.mask(~usable, "unknown label"),
            "found": ("votes " + shown.agg(", ".join, axis=1)).where(~usable),
        }
    )


def beside(
    table: pa.Table, roles: Mapping[str, str], order: str | None, notes: list[str]
) -> pd.DataFrame:
    """Return what a table says beside its verdicts: order, strength, weight, replicate, reply.

    Parameters
    ----------
    table : pyarrow.Table
    roles : mapping of str to str
        Column by role.
    order : {"shown"}, optional
        The responses stand in the order in which they were shown.
    notes : list of str
        Notes on what had to be left open are added.

    Examples
    --------
    >>> table = pa.table({"x": ["ab", "?"], "m": ["2", "3"]})
    >>> beside(table, {"order_shown": "x", "strength": "m"}, None, [])["strength"].tolist()
    [2.0, 3.0]
    """
    if order not in (None, "shown"):
        raise DataError(
            "The order is not one that a table can have.",
            found=repr(order),
            expected="shown: the responses stand in the order in which they were shown",
            fix="Leave order out where the file does not tell.",
        )
    rest = pd.DataFrame(index=range(len(table)))
    for role in ("reason", "raw", "criterion"):
        if role in roles:
            rest[role] = names(table, roles[role])
    if "order_shown" in roles:
        given = names(table, roles["order_shown"]).str.strip().str.lower()
        rest["order_shown"] = given.where(given.isin(["ab", "ba"]))
        _note_lost(given, rest["order_shown"], "order_shown", "neither ab nor ba", notes)
    elif order == "shown":
        rest["order_shown"] = "ab"
    for role in ("strength", "weight", "replicate"):
        if role in roles and not (role == "weight" and "votes_a" in roles):
            column = _numbers(table, roles[role], role, notes)
            if column is not None:
                rest[role] = column
    if "n_votes" in roles and "votes_a" not in roles:
        column = _numbers(table, roles["n_votes"], "weight", notes)
        if column is not None:
            rest["n_votes"] = column.where(column > 0)
            # a share of votes counts as often as there are votes
            rest["weight"] = rest.get("weight", column)
    return rest


def withdrawn(table: pa.Table, roles: Mapping[str, str], frame: pd.DataFrame) -> None:
    """Mark the rows of a table whose answer was rejected or withdrawn, in place."""
    if "status" in roles:
        status = names(table, roles["status"])
        bad = status.str.strip().str.casefold().isin(_WITHDRAWN).to_numpy(dtype=bool)
        flag(frame, bad, "no judgement", roles["status"] + " " + status.fillna(""))


def check_weights(result: pd.DataFrame) -> None:
    """Mark the rows whose weight is not positive, in place."""
    if "weight" in result:
        weight = result["weight"]
        bad = (~(weight > 0) & weight.notna()) | np.isinf(weight)
        shown = "weight " + weight.astype("str").replace("-inf", "that is no number")
        flag(result, bad.to_numpy(), "unparseable", shown)


def _numbers(table: pa.Table, name: str, role: str, notes: list[str]) -> pd.Series | None:
    found = pd.Series(numbers(table, name))
    given = pd.Series(values(table, name), dtype=object)
    if role == "weight":
        # text instead of a weight is marked, an open one counts once
        return found.where(found.notna() | given.isna(), -np.inf)
    if role == "replicate" and not (found == found.round()).all():
        notes.append("replicate: not all are whole numbers; numbered in file order instead")
        return None
    _note_lost(given, found, role, "no number", notes)
    return found


def _note_lost(before: pd.Series, after: pd.Series, role: str, what: str, notes: list[str]) -> None:
    lost = before.notna() & after.isna()
    if lost.any():
        example = excerpt(before[lost].iloc[0])
        notes.append(f"{role}: left open in {int(lost.sum()):,} rows, {what} (such as {example})")
