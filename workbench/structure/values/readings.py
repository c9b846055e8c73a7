"""What the marginal share and the joint weight of a value say together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

_Q = 0.05

SAME = "chosen for itself"
REVERSED = "reversed"
OTHER_SIGN = "other sign, not clear"
BUNDLE = "not clear at given others"
HIDDEN = "seen only at given others"
UNCLEAR = "cannot tell"
UNDEFINED = "no joint weight"

READINGS = {
    SAME: "both are clear, with one sign",
    REVERSED: "both are clear, with opposite signs",
    OTHER_SIGN: "the marginal is clear; the joint weight has the other sign, but may be 0",
    BUNDLE: "the marginal is clear; the joint weight has its sign, but may be 0",
    HIDDEN: "only the joint weight is clear",
    UNCLEAR: "neither is clear",
    UNDEFINED: "the data cannot tell its weight from that of others",
}
"""What each reading means; clear is q < 0.05 over all judges and values."""

DISAGREE = (REVERSED, OTHER_SIGN)


def with_readings(table: pd.DataFrame) -> pd.DataFrame:
    """Add ``reading`` to a table with marginals and joint weights.

    Examples
    --------
    >>> row = {"estimate": 30.0, "q_value": 0.01, "joint": -0.4, "joint_q": 0.02}
    >>> with_readings(pd.DataFrame([row]))["reading"].tolist()
    ['reversed']
    """
    return table.assign(reading=[_reading(row) for row in table.to_dict("records")])


def _reading(row: dict[Any, Any]) -> str:
    if not np.isfinite(row["joint"]):
        return UNDEFINED
    seen, weighs = row["q_value"] < _Q, row["joint_q"] < _Q
    same = row["estimate"] * row["joint"] > 0
    if seen and weighs:
        return SAME if same else REVERSED
    if seen:
        return BUNDLE if same else OTHER_SIGN
    return HIDDEN if weighs else UNCLEAR


def in_words(row: dict[Any, Any]) -> str:
    """Say of a value whose marginal and joint weight disagree what it comes with.

    Examples
    --------
    >>> row = {"group": "m", "term": "fame", "estimate": 40.0, "joint": -0.5, "reading": REVERSED,
    ...        "companion": "care", "correlation": 0.8, "companion_joint": 2.0}
    >>> in_words(row)
    'm: fame is selected (+40 points) but weighs -0.50 at given others: comes in bundles with care \
(r = +0.80, weight +2.00)'
    """
    verb = "selected" if row["estimate"] > 0 else "neglected"
    clear = "" if row["reading"] == REVERSED else " (not clear)"
    said = (
        f"{row['group']}: {row['term']} is {verb} ({row['estimate']:+.0f} points) but weighs "
        f"{row['joint']:+.2f} at given others{clear}"
    )
    if not isinstance(row["companion"], str):
        return said
    weight = f", weight {row['companion_joint']:+.2f}" * bool(np.isfinite(row["companion_joint"]))
    return (
        f"{said}: comes in bundles with {row['companion']} (r = {row['correlation']:+.2f}{weight})"
    )
