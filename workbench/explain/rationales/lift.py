"""Whether a factor is named where it weighs most: beside reasons that are exchanged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from workbench.clustered import Array, Codes, cluster_error, count_clusters, share
from workbench.explain.rationales.exchange import ACROSS, Strata
from workbench.intervals import NO_VARIATION, ONE_CLUSTER, effective_rows

NEVER_LARGEST = "its contribution is never the largest where others' is, among pairs to exchange"
NOBODY_NAMES = "nobody names it there, whatever is exchanged"
NEVER_THERE = "a ratio of 0"
FEW_NAMED = "named on fewer than five pairs where it is the largest"

_FEWEST = 5
"""Pairs that must name a factor for an interval: of fewer, the log scale knows nothing."""

COLUMNS = [
    "term", "estimate", "std_error", "conf_low", "conf_high", "p_value", "q_value", "n",
    "n_clusters", "named_when_largest", "named_low", "named_high", "named_otherwise", "expected",
    "n_largest", "reason",
]  # fmt: skip


def largest(contributions: Array) -> Codes:
    """Return which factor contributes most to each pair, either way; -1 where none does.

    Parameters
    ----------
    contributions : ndarray, shape (n, K)
        NaN where a weight is undefined.

    Examples
    --------
    >>> largest(np.array([[0.1, -0.5], [0.0, 0.0], [np.nan, 0.2]])).tolist()
    [1, -1, 1]
    """
    size = np.nan_to_num(np.abs(contributions))
    top = size.argmax(axis=1) if size.shape[1] else np.zeros(len(size), np.int64)
    return np.where(size.max(axis=1, initial=0.0) > 0, top, -1)


def lift_rows(
    named: Array, top: Codes, strata: Strata, terms: list[str], level: float, permutations: int,
    seed: int,
) -> list[dict[str, Any]]:  # fmt: skip
    r"""Return the lift of each factor: how much more often it is named where it weighs most.

    .. math:: \text{lift}_k = \frac{\sum_{i: T_i = k} m_{ik}}{\sum_{i: T_i = k} \bar m_{s(i) k}}

    with the share m of a pair's reasons that name k, the factor T whose contribution is the
    pair's largest, and the mean of m over the pairs s of the stratum that i could have
    exchanged reasons with. Strata in which T is everywhere k, or nowhere, say nothing and are
    left out.

    Parameters
    ----------
    named : ndarray, shape (n, K)
        Share of each pair's reasons that name each factor.
    top : ndarray of int, shape (n,)
    strata : Strata
    terms : list of str, K
    level : float
    permutations : int
    seed : int

    Notes
    -----
    The interval is that of the logarithm of the ratio of two sums over prompts (delta method),
    by Student's t at the effective number of prompts. p counts exchanges at least as far from
    their mean as what was seen, either way: :math:`(1 + \#) / (B + 1)`.
    """
    means = strata.means(named)
    informative = _informative(top, strata, len(terms))
    p = _p_values(named, top, means, strata, informative, permutations, seed)
    return [
        _row(term, named[:, k], top == k, informative[:, k], means[:, k], strata, level)
        | {"p_value": p[k]}
        for k, term in enumerate(terms)
    ]


def _informative(top: Codes, strata: Strata, n_terms: int) -> np.ndarray:
    """Tell of which pairs the stratum holds some that are topped by a factor and some not."""
    size = np.bincount(strata.stratum)
    counts = np.zeros((len(size), n_terms))
    known = top >= 0
    np.add.at(counts, (strata.stratum[known], top[known]), 1)
    mixed = (counts > 0) & (counts < size[:, None])
    return np.asarray(mixed[strata.stratum])


def _p_values(
    named: Array, top: Codes, means: Array, strata: Strata, informative: np.ndarray,
    permutations: int, seed: int,
) -> Array:  # fmt: skip
    n_terms = named.shape[1]
    at = np.flatnonzero(top >= 0)
    kind = top[at]
    used = informative[at, kind]
    at, kind = at[used], kind[used]
    if not len(at):
        return np.full(n_terms, np.nan)
    expected = np.bincount(kind, means[at, kind], n_terms)

    def away(values: Array) -> Array:
        return np.asarray(np.abs(np.bincount(kind, values, n_terms) - expected))

    seen, beyond = away(named[at, kind]), np.zeros(n_terms)
    widest = np.zeros(n_terms)
    rng = np.random.default_rng(seed)
    for _ in range(permutations):
        other = away(named[strata.drawn(rng)[at], kind])
        beyond += other >= seen - 1e-9
        widest = np.maximum(widest, other)
    # where no exchange changes anything, nothing is tested
    return np.where(widest > 1e-9, (1 + beyond) / (permutations + 1), np.nan)


def _row(
    term: str, named: Array, topped: np.ndarray, informative: np.ndarray, means: Array,
    strata: Strata, level: float,
) -> dict[str, Any]:  # fmt: skip
    there, elsewhere = share(named[topped], strata.cluster[topped], level), named[~topped]
    used = topped & informative
    row: dict[str, Any] = {
        "term": term,
        **dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), np.nan),
        "n": float(used.sum()), "n_clusters": float(count_clusters(strata.cluster[used])),
        "named_when_largest": there["estimate"], "named_low": there["conf_low"],
        "named_high": there["conf_high"],
        "named_otherwise": float(elsewhere.mean()) if len(elsewhere) else np.nan,
        "expected": np.nan, "n_largest": float(topped.sum()), "reason": NEVER_LARGEST,
    }  # fmt: skip
    if not used.any():
        return row
    seen, expected = float(named[used].sum()), float(means[used].sum())
    row["expected"] = expected / used.sum()
    if expected <= 1e-12:
        return row | {"reason": NOBODY_NAMES}
    return row | _ratio(named, used, informative, means, strata, level, seen / expected)


def _ratio(
    named: Array, used: np.ndarray, informative: np.ndarray, means: Array, strata: Strata,
    level: float, lift: float,
) -> dict[str, Any]:  # fmt: skip
    if lift <= 0:
        return {"estimate": 0.0, "reason": NEVER_THERE}
    seen, expected = named[used].sum(), means[used].sum()
    if seen < _FEWEST:
        return {"estimate": lift, "reason": FEW_NAMED}
    pull = np.where(used, named - lift * means, 0.0) / seen
    if strata.how == ACROSS:
        # what is expected rests on the other prompts, and errs with them
        part = np.bincount(strata.stratum, used) / np.bincount(strata.stratum)
        pull = pull - part[strata.stratum] * (named - means) / expected
    some = informative
    pull, cluster = pull[some], strata.cluster[some]
    if count_clusters(cluster) < 2:
        return {"estimate": lift, "reason": ONE_CLUSTER}
    size = effective_rows(pull, np.where(used, 1.0, 1e-9)[some], cluster, level)
    error = cluster_error(pull, cluster)
    if not np.isfinite(size.clusters) or error <= 1e-12:
        return {"estimate": lift, "reason": NO_VARIATION}
    half = float(stdtrit(max(size.clusters - 1, 1), 0.5 + level / 2)) * error
    with np.errstate(over="ignore"):
        low, high = float(lift * np.exp(-half)), float(lift * np.exp(half))
    return {"estimate": lift, "std_error": error * lift, "conf_low": low, "conf_high": high,
            "reason": None}  # fmt: skip


def tabled(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a table with these columns, ``q_value`` still open."""
    return pd.DataFrame(rows).assign(q_value=np.nan)[["group", *COLUMNS]]
