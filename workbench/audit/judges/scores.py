"""Scores of the arms of a plan: what a judge said in both orders, and again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.plan import REPEATS, Plan
from workbench.clustered import Array
from workbench.data.dataset import PreferenceData
from workbench.judges.base import NOT_ASKED, Judge


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
        """Return the balanced score of the target response; NaN where an order lacks."""
        return np.asarray(self.orders(arms, turned).mean(axis=1))

    def orders(self, arms: NDArray[np.int64], turned: NDArray[np.bool_]) -> Array:
        """Return the scores with the target response shown first, and second."""
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
    data, clean = as_data(plan.arms), as_data(plan.arms.loc[plan.clean])
    first, failed, not_asked = scores_of(judge.verdicts(data), data)
    repeats = []
    for k in range(1, REPEATS + 1):
        other = judge.again(k) if hasattr(judge, "again") else judge
        found, _, more = scores_of(other.verdicts(clean), clean)
        repeats.append(found)
        not_asked += more
    return Scores(first, np.stack(repeats), failed, not_asked)


def balanced_scores(judge: Judge, pairs: pd.DataFrame) -> Array:
    """Return P(A preferred) of pairs of texts, the mean of both orders; NaN where one lacks.

    Parameters
    ----------
    judge : Judge
    pairs : DataFrame
        As :func:`as_data` takes them.
    """
    data = as_data(pairs)
    return np.asarray(scores_of(judge.verdicts(data), data)[0].mean(axis=1))


def as_data(pairs: pd.DataFrame) -> PreferenceData:
    """Return pairs of texts as data without labels, for a judge.

    Parameters
    ----------
    pairs : DataFrame
        ``prompt, response_a, response_b, cluster``.
    """
    columns = {"pair": "int64", "annotator": "str", "preference": "float64"}
    labels = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    kept = pairs[["prompt", "response_a", "response_b", "cluster"]].reset_index(drop=True)
    return PreferenceData.from_tables(kept, labels)


def scores_of(rows: pd.DataFrame, data: PreferenceData) -> tuple[Array, NDArray[np.bool_], int]:
    """Return P(A preferred) with A first and with B first, what failed, and how many lack.

    Parameters
    ----------
    rows : DataFrame
        Verdicts of a judge.
    data : PreferenceData
        The pairs that it was given.

    Returns
    -------
    scores, failed : ndarray, shape (pairs, 2)
    not_asked : int
    """
    n = len(data.pairs)
    found, asked = np.full((n, 2), np.nan), np.zeros((n, 2), dtype=bool)
    unasked = rows["reason"].eq(NOT_ASKED).to_numpy(dtype=bool)
    row = pd.Index(data.pairs["pair_id"]).get_indexer(rows["pair_id"])
    shown: Any = rows["order_shown"].to_numpy(dtype=object)
    for k, order in enumerate(("ab", "ba")):
        # a judge that scores responses one by one has no order: its verdict is that of both
        mine = np.array([one == order or one not in ("ab", "ba") for one in shown])
        found[row[mine], k] = rows["preference"].to_numpy("float64")[mine]
        asked[row[mine], k] = ~unasked[mine]
    return found, asked & np.isnan(found), int(unasked.sum())
