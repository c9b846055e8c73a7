"""Paired differences of many comparisons: interval, test, equivalence, detectable difference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from workbench.clustered import Array, Codes, flip_p_value, starts_of
from workbench.decompose.errors.tidy import holm, q_values
from workbench.flips import Flips, score_at, score_ends
from workbench.intervals import ONE_CLUSTER, size_of_sums
from workbench.results import TIDY

POWER = 0.8
"""Chance with which a detectable difference is found."""

MCNEMAR = "McNemar, mid-P"
SIGNS = "signs of prompts, mid-P"
SCORE = "score test"
"""How a difference is tested: one pair a prompt; several; parts of verdicts."""

INTERVAL = "score interval (Tango) at the size that prompts leave"

A_AHEAD, B_AHEAD = "a ahead", "b ahead"
WITHIN = ", within the margin"
EQUIVALENT, NOT_TOLD, UNDEFINED = "equivalent", "not told apart", "undefined"

TOO_FEW = "not even the largest difference would be found"

MEASURED = (*TIDY, "holm", "n_clusters", "a", "b", "value_a", "value_b", "a_ahead", "b_ahead",
            "alike", "equivalence_p", "equivalence_holm", "detectable", "verdict", "test",
            "method", "reason")  # fmt: skip
"""Columns of a table of comparisons."""


class Case(NamedTuple):
    """The differences of one comparison, on pairs whose clusters stand beside each other.

    Attributes
    ----------
    difference : ndarray, shape (n,)
        0 where the pair does not count; whole numbers of ``unit`` where that is one half.
    counts : ndarray of bool, shape (n,)
    """

    difference: NDArray[Any]
    counts: NDArray[np.bool_]


class _Counted(NamedTuple):
    values: Array
    times: Array
    size: float
    error: float
    clusters: int
    p: float | None
    test: str


def sums_of(values: NDArray[Any], starts: Codes) -> Array:
    """Return the sums of clusters that stand beside each other.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Truth values, whole numbers from -2 to 2 in one byte, or any floats.
    starts : ndarray of int, shape (clusters,)

    Examples
    --------
    >>> sums_of(np.array([True, True, False]), np.array([0, 2])).tolist()
    [2.0, 0.0]
    """
    if values.dtype.itemsize > 1:
        return np.asarray(np.add.reduceat(values, starts), dtype=np.float64)
    # of whole numbers, differences of running sums are exact and take a third of the time
    running = np.cumsum(values.view(np.int8), dtype=np.int32)
    ends: Array = running[np.r_[starts[1:], len(values)] - 1].astype(np.float64)
    ends[1:] -= ends[:-1].copy()
    return ends


def compared(
    cases: Iterable[Case], cluster: Codes, unit: float, margin: float, level: float
) -> pd.DataFrame:
    r"""Return what the differences of comparisons tell, one row each.

    Parameters
    ----------
    cases : iterable of Case
        At least one.
    cluster : ndarray of int, shape (n,)
        Not falling.
    unit : float
        One half where differences are counted in halves, else 1.
    margin : float
        Differences within it are taken for none.
    level : float

    Returns
    -------
    DataFrame
        ``estimate, std_error, conf_low, conf_high, p_value, n, n_clusters, a_ahead, b_ahead,
        alike, equivalence_p, detectable, test, reason``.

    Notes
    -----
    Interval and equivalence (two one-sided tests) are Tango's score test at the effective size
    (:mod:`workbench.flips`). The detectable difference solves Connor's (1987)

    .. math:: \delta \sqrt{n^*} = t_{1 - \alpha / 2} \sqrt{\psi}
              + t_{.8} \sqrt{\psi - \delta^2}, \qquad
              \psi = \max(\overline{d^2}, \delta)

    so that without a difference seen it is about :math:`7.8 / n^*`, and never 0.

    Examples
    --------
    >>> d = np.repeat(np.array([1.0, -1, 0]), [14, 5, 81])
    >>> row = compared([Case(d, d < 2)], np.arange(100), 1.0, 0.1, 0.95).iloc[0]
    >>> row["test"], round(float(row["p_value"]), 4), int(row["a_ahead"])
    ('McNemar, mid-P', 0.0414, 14)
    """
    starts = starts_of(cluster)
    found = [_counted(case, starts, unit, level) for case in cases]
    values = np.unique(np.concatenate([one.values for one in found] + [np.zeros(1)]))
    times = np.zeros((len(found), len(values)))
    for k, one in enumerate(found):
        times[k, np.searchsorted(values, one.values)] = one.times
    n = times.sum(axis=1)
    # a comparison without a pair has no size; its shares are those of anything
    shares = np.where(n[:, None] > 0, times, values == 0) / np.maximum(n, 1)[:, None]
    flips = Flips(values, shares, np.array([one.size for one in found]), n)
    low, high = score_ends(flips, level)
    mean, df = np.where(n > 0, flips.mean, np.nan), np.maximum(n - 1, 1)
    score = 2 * stdtr(df, -np.abs(score_at(flips, np.zeros(len(n)))))
    p = np.array([one.p if one.p is not None else s for one, s in zip(found, score, strict=True)])
    above, below = (score_at(flips, np.full(len(n), end)) for end in (-margin, margin))
    reason = [
        "no value" if not rows else ONE_CLUSTER if np.isnan(size) else None
        for rows, size in zip(n, flips.size, strict=True)
    ]
    return pd.DataFrame(
        {
            "estimate": mean,
            "std_error": [one.error for one in found],
            "conf_low": np.minimum(low, mean),
            "conf_high": np.maximum(high, mean),
            "p_value": np.where(np.isnan(flips.size), np.nan, p),
            "n": n,
            "n_clusters": [float(one.clusters) for one in found],
            "a_ahead": times[:, values > 0].sum(axis=1),
            "b_ahead": times[:, values < 0].sum(axis=1),
            "alike": times[:, values == 0].sum(axis=1),
            "equivalence_p": np.maximum(stdtr(df, -above), stdtr(df, below)),
            "detectable": detectable(flips, level),
            "test": [one.test for one in found],
            "reason": reason,
        }
    )


def told(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Return a table of comparisons as one family: q-values, Holm's p-values, and verdicts.

    Parameters
    ----------
    table : DataFrame
        Of :func:`compared`.
    level : float

    Examples
    --------
    >>> d = np.repeat(np.array([1.0, 0.0]), [40, 60])
    >>> told(compared([Case(d, d < 2)], np.arange(100), 1.0, 0.1, 0.95), 0.95)["verdict"].tolist()
    ['a ahead']
    """
    table = table.assign(
        q_value=q_values(table["p_value"].to_numpy("float64")),
        holm=holm(table["p_value"].to_numpy("float64")),
        equivalence_holm=holm(table["equivalence_p"].to_numpy("float64")),
    )
    alpha = 1 - level
    # the test and the interval are not of one statistic: who is ahead is so by both
    apart = (table["conf_low"] > 0) | (table["conf_high"] < 0)
    sure, same = (table["q_value"] < alpha) & apart, table["equivalence_holm"] < alpha
    ahead = pd.Series(np.where(table["estimate"] > 0, A_AHEAD, B_AHEAD), index=table.index)
    verdict = np.select(
        [table["p_value"].isna(), sure & same, sure, same],
        [UNDEFINED, ahead + WITHIN, ahead, EQUIVALENT],
        NOT_TOLD,
    )
    return table.assign(verdict=verdict, method=INTERVAL + "; p: " + table["test"])


def detectable(flips: Flips, level: float) -> Array:
    """Return the smallest difference that pairs like these find with 80 % power, shape (R,).

    NaN where not even a difference of 1 would be found; see :func:`compared`.

    Parameters
    ----------
    flips : Flips
    level : float

    Examples
    --------
    >>> none = Flips(np.zeros(1), np.ones((1, 1)), np.array([1000.0]), np.array([1000.0]))
    >>> detectable(none, 0.95).round(4)
    array([0.0078])
    """
    df = np.maximum(flips.n - 1, 1)
    one, other = stdtrit(df, 0.5 + level / 2), stdtrit(df, POWER)
    squares = flips.share @ flips.values**2

    def lacks(delta: Array) -> Array:
        spread = np.maximum(squares, delta)
        needed = one * np.sqrt(spread) + other * np.sqrt(spread - delta**2)
        return np.asarray(delta * np.sqrt(flips.size) < needed)

    low, high = np.zeros(len(df)), np.ones(len(df))
    never = lacks(high) | np.isnan(flips.size)
    for _ in range(50):
        middle = (low + high) / 2
        short = lacks(middle)
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.where(never, np.nan, high)


def _counted(case: Case, starts: Codes, unit: float, level: float) -> _Counted:
    """Count one comparison by value, and say what its rows are worth."""
    n = int(np.count_nonzero(case.counts))
    if n == 0:
        return _Counted(np.zeros(0), np.zeros(0), np.nan, np.nan, 0, np.nan, SCORE)
    sums = sums_of(case.difference, starts)
    sizes = sums_of(case.counts, starts)
    values, times = _values(case, n, unit)
    mean = float(values @ times / n)
    squares = float(times @ (values - mean) ** 2) / n**2
    pull = (unit * sums - mean * sizes) / n
    size = size_of_sums(pull, sizes, float(n), squares, level)
    # signs are of whole numbers: of halves, twice the difference is one
    exact = bool(np.array_equal(2 * values, np.rint(2 * values)))
    halves = sums if unit == 0.5 else np.rint(2 * sums)
    p = flip_p_value(halves, mid=True) if exact else None
    single = int(sizes.max()) == 1 and bool(np.isin(values, (-1.0, 0.0, 1.0)).all())
    test = MCNEMAR if single else SIGNS if exact else SCORE
    clusters = int(np.count_nonzero(sizes))
    return _Counted(values, times, size.size, size.error, clusters, p, test)


def _values(case: Case, n: int, unit: float) -> tuple[Array, Array]:
    """Return the values of the differences that count, and how often each is there."""
    if unit != 0.5:
        values, times = np.unique(case.difference[case.counts], return_counts=True)
        return values.astype(np.float64), times.astype(np.float64)
    steps = np.array([-2, -1, 1, 2])
    times = np.array([float(np.count_nonzero(case.difference == step)) for step in steps])
    whole, often = np.r_[steps, 0] / 2, np.r_[times, n - times.sum()]
    return whole[often > 0], often[often > 0]
