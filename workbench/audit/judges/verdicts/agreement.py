"""Agreement, bias and variance as AlpacaEval defines them, over modes of votes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.judges.verdicts.preferences import Chosen, positions
from workbench.clustered import Array
from workbench.data.columns import POOLS
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.judges.both_orders import NO_REPEATS

_NEAR = np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 1.0]])
"""1 - |a - b| of the values B, tie and A: 0, .5 and 1."""


def vote_counts(data: PreferenceData, chosen: Chosen) -> Array:
    """Return how many labels of a pair say B, tie, A: shape (pairs, 3).

    Parameters
    ----------
    data : PreferenceData
    chosen : ndarray of bool, shape (labels,), or of int
        Which labels, or their positions. Soft preferences count as the side that they lean to.
    """
    preference = data.labels["preference"].to_numpy("float64")[chosen]
    known = np.isfinite(preference)
    side = (np.sign(preference[known] - 0.5) + 1).astype(np.int64)
    cells = data.pair_rows[chosen][known] * 3 + side
    counts = np.bincount(cells, minlength=3 * len(data.pairs)).astype(np.float64)
    return counts.reshape(-1, 3)


def unread_counts(data: PreferenceData, chosen: Chosen) -> Array:
    """Return how many verdicts of a pair were asked for and could not be read: shape (pairs,).

    Parameters
    ----------
    data : PreferenceData
    chosen : ndarray of bool, shape (labels,), or of int
        Which labels, or their positions.
    """
    at = positions(chosen)
    at = at[np.isnan(data.labels["preference"].to_numpy("float64")[at])]
    failed = data.labels["reason"].iloc[at].eq("failed").to_numpy(dtype=bool)
    rows = data.pair_rows[at[failed]]
    return np.bincount(rows, minlength=len(data.pairs)).astype(np.float64)


def of_all_asked(agreement: Array, read: Array, unread: Array) -> Array:
    """Return agreement by pair where a verdict that could not be read agrees with nobody.

    Parameters
    ----------
    agreement : ndarray, shape (pairs,)
        Of the verdicts that were read; NaN without one, or where there is no reference.
    read, unread : ndarray, shape (pairs,)
        How many were read, and were not, on pairs that the reference decided.

    Returns
    -------
    ndarray, shape (pairs,)
        NaN where nothing was asked.

    Examples
    --------
    >>> of_all_asked(np.array([1.0, np.nan, np.nan]), np.array([3.0, 0, 0]), np.array([1.0, 2, 0]))
    array([0.75, 0.  ,  nan])
    """
    asked = read + unread
    right = np.where(read > 0, np.nan_to_num(agreement) * read, 0.0)
    return np.asarray(np.divide(right, asked, out=np.full(len(asked), np.nan), where=asked > 0))


def one_against_mode(one: Array, other: Array) -> Array:
    """Return the mean 1 - |a - b| of a vote against the mode of others, by pair.

    Parameters
    ----------
    one, other : ndarray, shape (pairs, 3)
        Counts of :func:`vote_counts`.

    Returns
    -------
    ndarray, shape (pairs,)
        NaN where one of the two has no vote.

    Notes
    -----
    AlpacaEval breaks a tie between modes at random; this is the mean over its draws.

    Examples
    --------
    >>> one_against_mode(np.array([[0.0, 0, 1]]), np.array([[1.0, 0, 3]])).tolist()
    [1.0]
    """
    return expected_agreement(vote_shares(one), modes(other))


def mode_against_mode(one: Array, other: Array) -> Array:
    """Return the same of the mode of both: one minus AlpacaEval's bias."""
    return expected_agreement(modes(one), modes(other))


def leave_one_out(counts: Array) -> Array:
    """Return the mean 1 - |a - b| of each vote against the mode of the others, by pair.

    One minus it is AlpacaEval's variance of a judge, and for several people the ceiling that
    no judge can be asked to pass.

    Examples
    --------
    >>> leave_one_out(np.array([[0.0, 0.0, 4.0], [2.0, 0.0, 2.0]])).tolist()
    [1.0, 0.0]
    """
    total = total_votes(counts)
    several = total > 1
    if not several.any():
        return np.full(len(counts), np.nan)
    if not several.all():
        # most judges are asked once
        found = np.full(len(counts), np.nan)
        found[several] = leave_one_out(counts[several])
        return found
    found = np.zeros(len(counts))
    for k in range(3):
        rest = counts.copy()
        rest[:, k] -= 1
        mine = np.zeros_like(counts)
        mine[:, k] = 1
        agreed = expected_agreement(mine, modes(np.maximum(rest, 0)))
        found += np.where(counts[:, k] > 0, counts[:, k] * np.nan_to_num(agreed), 0.0)
    return np.asarray(found / total)


def same_side(one: Array, other: Array) -> Array:
    """Return 1 - |a - b| of the sides that two mean preferences lean to: B, tie, A as 0, .5, 1.

    Parameters
    ----------
    one, other : ndarray, shape (pairs,)
        NaN without a label.

    Examples
    --------
    >>> same_side(np.array([0.7, 0.5, 0.2]), np.array([1.0, 1.0, 1.0])).tolist()
    [1.0, 0.5, 0.0]
    """
    # weighted means round: a tie and its mirror image are one side
    sides = [np.sign(np.round(values - 0.5, 9)) for values in (one, other)]
    return np.asarray(1 - np.abs(sides[0] - sides[1]) / 2)


def vote_shares(counts: Array) -> Array:
    """Return the share of each value among a pair's votes; NaN without a vote.

    Examples
    --------
    >>> vote_shares(np.array([[1.0, 0.0, 3.0]])).tolist()
    [[0.25, 0.0, 0.75]]
    """
    total = total_votes(counts)
    return np.asarray(counts / np.where(total > 0, total, np.nan)[:, None])


def modes(counts: Array) -> Array:
    """Return the chance of each value to be the mode; NaN without a vote.

    Examples
    --------
    >>> modes(np.array([[2.0, 2.0, 1.0]])).tolist()
    [[0.5, 0.5, 0.0]]
    """
    most = np.maximum(np.maximum(counts[:, 0], counts[:, 1]), counts[:, 2])
    return vote_shares(((counts == most[:, None]) & (most > 0)[:, None]).astype(float))


def total_votes(counts: Array) -> Array:
    """Return the sums of the three columns: a reduction along so short rows is ten times slower.

    Examples
    --------
    >>> total_votes(np.array([[2.0, 2.0, 1.0]])).tolist()
    [5.0]
    """
    return counts[:, 0] + counts[:, 1] + counts[:, 2]


def expected_agreement(one: Array, other: Array) -> Array:
    """Return the mean 1 - |a - b| of values drawn with these chances, by pair.

    Examples
    --------
    >>> expected_agreement(np.array([[0.0, 0.0, 1.0]]), np.array([[0.0, 0.5, 0.5]])).tolist()
    [0.75]
    """
    return total_votes(one * (other @ _NEAR))


def repetition_stability(data: PreferenceData, annotator: str) -> pd.Series:
    """Return by pair and order how large the share of the most frequent verdict is.

    Parameters
    ----------
    data : PreferenceData
    annotator : str

    Returns
    -------
    Series
        Over pairs that were asked at least twice in the same order; Shi et al. (2024).
        Soft verdicts count by the side they lean to.

    Raises
    ------
    DesignError
        Votes that the file gives no name: none of them repeats another.
    """
    if annotator in POOLS:
        raise DesignError(
            "Repetition stability is undefined.",
            found=f"votes of {annotator!r}",
            expected="several verdicts of one annotator on a pair",
            fix=f"Name who voted when loading; {NO_REPEATS}.",
        )
    data = data.decided()
    labels = data.labels[data.labels["annotator"].eq(annotator) & data.labels["preference"].notna()]
    side: Any = np.sign(labels["preference"] - 0.5)
    keys = [labels["pair_id"], labels["order_shown"].fillna("")]
    counts = side.groupby([*keys, side.rename("side")]).size()
    by_call = counts.groupby(level=[0, 1])
    shares = by_call.max() / by_call.sum()
    return shares[by_call.sum() > 1]
