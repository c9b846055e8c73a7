"""Scores of the arms of a plan: what a judge said in both orders, and again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.plan import REPEATS, Plan
from workbench.data.dataset import PreferenceData
from workbench.judges.base import NOT_ASKED, Judge

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scores:
    """P(A preferred) of every arm.

    Attributes
    ----------
    first : ndarray, shape (arms, 2)
        With A shown first, and with B shown first; NaN without a verdict.
    again : ndarray, shape (repeats, clean arms, 2)
        Of repeated calls on the clean pairs.
    failed : ndarray of bool, shape (arms, 2)
        Asked, and no verdict could be read.
    not_asked : int
        Verdicts that the budget did not reach.
    """

    first: Array
    again: Array = field(repr=False)
    failed: NDArray[np.bool_] = field(repr=False)
    not_asked: int

    def of(self, arms: NDArray[np.int64], turned: NDArray[np.bool_]) -> Array:
        """Return the balanced score of the watched response; NaN where an order lacks."""
        both = self.orders(arms, turned).mean(axis=1)
        return np.asarray(both)

    def orders(self, arms: NDArray[np.int64], turned: NDArray[np.bool_]) -> Array:
        """Return the scores with the watched response shown first, and second."""
        found = self.first[arms]
        return np.asarray(np.where(turned[:, None], 1.0 - found[:, ::-1], found))


def ask(plan: Plan, judge: Judge) -> Scores:
    """Let a judge say what it thinks of every arm, in both orders, clean pairs again.

    Parameters
    ----------
    plan : Plan
    judge : Judge
        One that can be asked ``again`` is; any other is called once more as it is.
    """
    data, places = _as_data(plan.arms)
    first, failed, lost = _scores(judge.verdicts(data), data, places)
    clean, _ = _as_data(plan.arms.loc[plan.clean])
    at = np.arange(len(plan.clean))
    repeats = []
    for k in range(1, REPEATS + 1):
        other = judge.again(k) if hasattr(judge, "again") else judge
        found, _, more = _scores(other.verdicts(clean), clean, at)
        repeats.append(found)
        lost += more
    return Scores(first, np.stack(repeats), failed, lost)


def _as_data(arms: pd.DataFrame) -> tuple[PreferenceData, NDArray[np.int64]]:
    labels = pd.DataFrame(
        {"pair": pd.Series(dtype="int64"), "annotator": pd.Series(dtype="str"),
         "preference": pd.Series(dtype="float64")}
    )  # fmt: skip
    data = PreferenceData.from_tables(arms.reset_index(drop=True), labels)
    return data, np.arange(len(arms))


def _scores(
    rows: pd.DataFrame, data: PreferenceData, places: NDArray[np.int64]
) -> tuple[Array, NDArray[np.bool_], int]:
    at = pd.Index(data.pairs["pair_id"])
    found = np.full((len(places), 2), np.nan)
    asked = np.zeros((len(places), 2), dtype=bool)
    unasked = rows["reason"].eq(NOT_ASKED).to_numpy(dtype=bool)
    row = at.get_indexer(rows["pair_id"])
    shown: Any = rows["order_shown"].to_numpy(dtype=object)
    for k, order in enumerate(("ab", "ba")):
        # a judge that scores responses one by one has no order: its verdict is that of both
        mine = np.array([one == order or one not in ("ab", "ba") for one in shown])
        found[row[mine], k] = rows["preference"].to_numpy("float64")[mine]
        asked[row[mine], k] = ~unasked[mine]
    return found, asked & np.isnan(found), int(unasked.sum())
