"""Verdicts of one annotator on one pair in both orders, repeat beside repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]

NO_REPEATS = "unnamed votes may be of different people: none of them repeats another"
"""Why an annotator that the file does not name has no consistency."""


@dataclass(frozen=True, eq=False)
class BothOrders:
    """What was said in both orders; one row a pair and repeat.

    Attributes
    ----------
    pair : ndarray, shape (n,)
        Whatever names the pair.
    ab, ba : ndarray, shape (n,)
        P(A preferred) where A was shown first, and where B was.
    side_ab, side_ba : ndarray, shape (n,)
        The sides that they lean to: 1 for A, -1 for B, 0 a tie.
    majority : ndarray of bool, shape (n,)
        Whether the row is of the majority of a pair's repeats (and of their mean), as its
        orders were not asked equally often.
    """

    pair: NDArray[Any]
    ab: Array
    ba: Array
    side_ab: Array
    side_ba: Array
    majority: NDArray[np.bool_]

    def told(self, method: str) -> str:
        """Return the method of a measure of sides: whether some are soft, or of a majority."""
        single = ~self.majority
        method = by_side(method, np.concatenate([self.ab[single], self.ba[single]]))
        return method + self._unequal("majority")

    def averaged(self, method: str) -> str:
        """Return the method of a measure of P(A preferred): whether some are means."""
        return method + self._unequal("mean")

    def _unequal(self, what: str) -> str:
        n = int(self.majority.sum())
        return f"; {what} of repeats on {n:,} pairs with more of one order" if n else ""


def both_orders(pair: Any, order_shown: Any, replicate: Any, preference: Any) -> BothOrders:
    """Pair the k-th repeat of one order with the k-th of the other.

    Parameters
    ----------
    pair : array, shape (labels,)
        Of the labels of one annotator under one criterion, failed ones too.
    order_shown : array of str, shape (labels,)
        Labels that are neither ``ab`` nor ``ba`` are passed over.
    replicate : array of int, shape (labels,)
        Numbers of repeats: only their order counts.
    preference : array of float, shape (labels,)
        NaN where a verdict failed: that repeat has no row.

    Returns
    -------
    BothOrders
        Pairs that were asked in one order only have no row. Where one order was asked more
        often than the other, no number says which belong together: the pair has one row,
        of the majority.

    Examples
    --------
    >>> said = both_orders(["p"] * 4, ["ab", "ba"] * 2, [0, 0, 1, 1], [1.0, 1.0, 1.0, 0.0])
    >>> (said.side_ab == said.side_ba).tolist()
    [True, False]
    """
    labels = pd.DataFrame(
        {
            "pair": np.asarray(pair),
            "order": np.asarray(order_shown, dtype=object),
            "replicate": np.asarray(replicate),
            "preference": np.asarray(preference, dtype="float64"),
        }
    )
    labels = labels[labels["order"].isin(["ab", "ba"])]
    labels = labels.sort_values(["pair", "order", "replicate"], kind="stable")
    labels["k"] = labels.groupby(["pair", "order"], sort=False).cumcount()
    asked = labels.groupby(["pair", "order"])["k"].max().unstack().reindex(columns=["ab", "ba"])
    alike = (asked["ab"] == asked["ba"]).reindex(labels["pair"]).to_numpy(dtype=bool)
    each = _wide(labels[alike].set_index(["pair", "k", "order"])["preference"])
    rest = labels[~alike & labels["preference"].notna().to_numpy()]
    rest = rest.assign(side=np.sign(rest["preference"] - 0.5)).groupby(["pair", "order"])
    mean, votes = _wide(rest["preference"].mean()), _wide(rest["side"].sum())
    said = np.concatenate([each.to_numpy(), mean.to_numpy()])
    side = np.sign(np.concatenate([each.to_numpy() - 0.5, votes.to_numpy()]))
    return BothOrders(
        pair=np.concatenate([each.index.get_level_values("pair"), mean.index]),
        ab=said[:, 0],
        ba=said[:, 1],
        side_ab=side[:, 0],
        side_ba=side[:, 1],
        majority=np.arange(len(said)) >= len(each),
    )


def by_side(method: str, preference: Any) -> str:
    """Return a method that counts verdicts by their side, which says so where some are soft.

    Examples
    --------
    >>> by_side("share", [1.0, 0.5]), by_side("share", [0.9])
    ('share', 'share; soft verdicts count by the side they lean to')
    """
    known = np.asarray(preference, dtype="float64")
    soft = np.isfinite(known) & ~np.isin(known, (0.0, 0.5, 1.0))
    return f"{method}; soft verdicts count by the side they lean to" if soft.any() else method


def mean_by_side(method: str, mean: Any, single: Any) -> str:
    """Return a method that counts a pair's mean verdict by its side, which says so.

    Parameters
    ----------
    method : str
    mean, single : array of float
        The mean verdicts of pairs, and the verdicts that they are of.

    Examples
    --------
    >>> mean_by_side("share", [2 / 3], [1.0, 1.0, 0.0])
    'share; several verdicts on a pair count by the side of their mean'
    """
    method = by_side(method, single)
    if by_side("", mean) and not by_side("", single):
        method += "; several verdicts on a pair count by the side of their mean"
    return method


def _wide(values: pd.Series) -> pd.DataFrame:
    """Return a column for each order, where both are known."""
    return values.unstack("order").reindex(columns=["ab", "ba"]).dropna().astype("float64")
