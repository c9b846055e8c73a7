"""Which labels a fit takes: the groups that they make, and what is left out for what reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.data.rows import Coded
from workbench.decompose.weights import SEPARATOR
from workbench.errors import DesignError

Ties = Literal["half", "drop"]

NO_VALUE = "missing factor value"
"""Why a label is left out whose pair lacks the value of a factor."""

_WHY = ("", NO_VALUE, "no positive weight", "tie", "no verdict")
"""Why labels are left out, a later reason before an earlier one; those of ties and of verdicts
that there are not give way to what the label says itself."""


def group_columns(
    data: PreferenceData, by: Sequence[str]
) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Return the combination of each label, and the columns of ``by`` of each, as text."""
    combination, parts = np.zeros(len(data.labels), dtype=np.int64), pd.DataFrame(index=[0])
    for name in by:
        codes, names = _column(data, name)
        values = names.append(pd.Index(["(none)"], dtype="str"))
        # missing values stand last
        together = combination * len(values) + np.where(codes < 0, len(names), codes)
        combination, distinct = pd.factorize(together)
        parts = parts.iloc[distinct // len(values)].reset_index(drop=True)
        parts[name] = values[distinct % len(values)].array
    return combination, parts


def _column(data: PreferenceData, name: str) -> Coded:
    """Return the value of each label in a column of the labels or of the pairs, as text."""
    if name not in data.labels and name not in data.pairs:
        known = [*data.labels.columns, *data.pairs.columns]
        raise DesignError(
            f"Cannot group by {name!r}.",
            found=", ".join(dict.fromkeys(known)),
            expected="a column of labels or pairs",
            fix="Name one of these columns in by=.",
        )
    table: Literal["labels", "pairs"] = "labels" if name in data.labels else "pairs"
    column = getattr(data, table)[name]
    if column.dtype == "str":
        codes, names = data.coded(table, name)
    else:
        codes, names = pd.factorize(column.astype("str"))
    return Coded(codes if table == "labels" else codes[data.pair_rows], pd.Index(names))


def joined(combination: NDArray[np.int64], parts: pd.DataFrame) -> Coded:
    """Return the group of each label, its name made of all parts."""
    rows = parts.itertuples(index=False)
    told = [SEPARATOR.join(row) for row in rows] if len(parts.columns) else ["all"]
    codes, names = pd.factorize(pd.Series(told, dtype="str"), sort=True)
    return Coded(codes[combination], pd.Index(names))


def left_out(
    data: PreferenceData, group: Coded, complete: NDArray[np.bool_], ties: Ties
) -> tuple[NDArray[np.bool_], pd.DataFrame]:
    """Return which labels are kept, and how many of each group are left out for what reason."""
    labels = data.labels
    weight, preference = labels["weight"].to_numpy(), labels["preference"].to_numpy()
    why = np.zeros(len(labels), dtype=np.int8)
    why[~complete[data.pair_rows]] = 1
    why[~(np.isfinite(weight) & (weight > 0))] = 2
    if ties == "drop":
        share = labels["n_votes"].to_numpy() > 1 if "n_votes" in labels else False
        why[(preference == 0.5) & ~np.asarray(share)] = 3
    elif ties != "half":
        raise DesignError(
            "Unknown treatment of ties.",
            found=repr(ties),
            expected='"half" or "drop"',
            fix='Use ties="half" to count a tie as half a vote for each side.',
        )
    why[np.isnan(preference)] = 4
    left = np.flatnonzero(why)
    said = pd.Series(np.array(_WHY)[why[left]], dtype="str")
    own = labels["reason"].iloc[left].reset_index(drop=True)
    reason = own.where((why[left] > 2) & own.notna(), said)
    table = pd.DataFrame({"group": group.names[group.codes[left]], "reason": reason})
    return why == 0, table.groupby(["group", "reason"]).size().rename("n").reset_index()
