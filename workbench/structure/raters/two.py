"""How far each two raters agree, from how often clusters of pairs hold the same."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.intervals import Array, as_binomial, interval_of_size, size_of_sums
from workbench.structure.raters.ratings import Ratings

MOST_RATERS = 50
"""Raters beyond which no kappa of each two is given."""

NONE_SHARED = "no pair was judged by both"
SAME = "both always say the same: chance agrees too"

_BOTH, _APART, _ONE, _TWO = (1 << shift for shift in (0, 4, 8, 12))
"""What two raters did to a pair, each a count of four bits once a cluster's pairs are added:
both judged it; one prefers A and the other B; one of them ties; both tie."""

_FEW = 15
"""Pairs of a cluster that four bits count."""

_NOTHING = 1e-12


class _Block(NamedTuple):
    """Clusters of one size, or of all larger ones.

    Attributes
    ----------
    said, there : ndarray of uint, shape (raters, units)
        What a rater says, and where that counts, as bits of :data:`_BOTH` and those after it.
    size : int
        Pairs of each cluster; units are laid out by place in the cluster, then by cluster.
    starts : ndarray of int, or None
        Where each of the larger clusters begins.
    """

    said: NDArray[Any]
    there: NDArray[Any]
    size: int
    starts: NDArray[np.int64] | None


def each_two(found: Ratings, level: float) -> pd.DataFrame:
    r"""Return kappa (quadratic weights, sides both ways) of each two raters of a few.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.structure.raters.ratings import ratings_of
    >>> len(each_two(ratings_of(wb.load("sample")), 0.95))
    66

    Notes
    -----
    Both ways the marginal shares of A and B are equal, so that kappa is
    :math:`1 - \sum_g d_g / \sum_g q_g`: of the pairs of cluster g that both judged, the squared
    differences and the squares about the tie. Clusters that hold the same numbers of alike, apart
    and tied say the same: they are counted, and the interval, which is that of
    :func:`workbench.agreement.weighted_kappa`, is made from the different ones.
    """
    if not 2 <= len(found.names) <= MOST_RATERS:
        return pd.DataFrame()
    blocks = list(_blocks(found))
    rows = []
    for one, other in combinations(range(len(found.names)), 2):
        counts, times = _clusters_alike(blocks, one, other)
        names = found.names[one], found.names[other]
        rows.append({"term": f"{names[0]} and {names[1]}", "annotator": names[0],
                     "other": names[1], **_row(counts, times, level)})  # fmt: skip
    return pd.DataFrame(rows)


def _blocks(found: Ratings) -> Iterator[_Block]:
    """Lay out what raters said by clusters of one size, in as few bits as it takes."""
    tied = bool((found.value == 1).any())
    kind = np.uint16 if tied else np.uint8
    # nothing, B, tie, A: a tie leans nowhere
    says = np.array([0, _BOTH, _BOTH | _ONE | _TWO, _BOTH | _APART])
    counts = np.array([0, _BOTH | _APART | _ONE, _BOTH | _ONE | _TWO, _BOTH | _APART | _ONE])
    sizes = np.bincount(found.cluster)
    size = np.minimum(sizes, _FEW + 1)[found.cluster]
    order = np.lexsort((found.cluster, size))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    bounds = np.searchsorted(size[order], np.arange(1, _FEW + 3))
    for here, (start, end) in enumerate(pairwise(bounds.tolist()), 1):
        if here <= _FEW:  # by place in the cluster: sums over clusters add whole rows
            inside = np.arange(end - start)
            place[order[start:end]] = start + inside % here * ((end - start) // here) + (
                inside // here)  # fmt: skip
    raters, units = len(found.names), len(order)
    given = np.zeros((raters, units), dtype=np.uint8)
    given.ravel()[found.rater * np.int64(units) + place[found.unit]] = found.value + 1
    said, there = (np.take((bits & np.iinfo(kind).max).astype(kind), given)
                   for bits in (says, counts))  # fmt: skip
    for here, (start, end) in enumerate(pairwise(bounds.tolist()), 1):
        if end > start:
            large = np.flatnonzero(np.diff(found.cluster[order[start:end]], prepend=-1))
            yield _Block(said[:, start:end], there[:, start:end], here,
                         large if here > _FEW else None)  # fmt: skip


def _clusters_alike(blocks: list[_Block], one: int, other: int) -> tuple[Array, Array]:
    """Return different counts of clusters, and how many clusters have each.

    Returns
    -------
    counts : ndarray, shape (different, 4)
        Pairs that both judged, apart, tied by one, tied by both.
    times : ndarray, shape (different,)
    """
    shifts = [bit.bit_length() - 1 for bit in (_BOTH, _APART, _ONE, _TWO)]
    counts, times = [], []
    for said, there, size, starts in blocks:
        bits = _BOTH | _TWO if said.dtype.itemsize > 1 else _BOTH
        # one says what counts where the two differ: these bits are there where both have them
        done = said[one] ^ said.dtype.type(bits)
        done ^= said[other]
        done &= there[one]
        done &= there[other]
        if starts is not None:
            parts = [np.add.reduceat((done >> shift) & 1, starts, dtype=np.int64)
                     for shift in shifts[: 2 * said.dtype.itemsize]]  # fmt: skip
            table = np.zeros((len(starts), 4))
            table[:, : len(parts)] = np.array(parts).T
            counts.append(table)
            times.append(np.ones(len(table)))
            continue
        keys = np.add.reduce(done.reshape(size, -1), axis=0, dtype=done.dtype)
        number = np.bincount(keys)
        seen = np.flatnonzero(number)
        counts.append(np.array([(seen >> shift) & 15 for shift in shifts], dtype=np.float64).T)
        times.append(number[seen].astype(np.float64))
    table, number = np.concatenate(counts), np.concatenate(times)
    used = table[:, 0] > 0
    return np.asarray(table[used]), np.asarray(number[used], dtype=np.float64)


def _row(counts: Array, times: Array, level: float) -> dict[str, Any]:
    """Return agreement and kappa of two raters from what their clusters hold."""
    both, apart, one, two = counts.T
    n, clusters = float(times @ both), float(times.sum())
    row = {"agreement": np.nan, "estimate": np.nan, "std_error": np.nan, "conf_low": np.nan,
           "conf_high": np.nan, "n": n, "n_clusters": clusters, "reason": None}  # fmt: skip
    if not n:
        return row | {"reason": NONE_SHARED}
    # of scores -1, 0, 1: squared differences, squares of both; each pair lies here both ways
    square, about = 4 * apart + one, 2 * both - one - 2 * two
    d, q = float(times @ square) / n, float(times @ about) / n
    row["agreement"] = float(times @ (both - apart - one)) / n
    if q <= 4 * _NOTHING:
        return row | {"reason": SAME}
    found = float(np.clip(1 - d / q, -1.0, 1.0))
    lean = (d / q * (about - q * both) - (square - d * both)) / (q * 2 * n)
    found_size = size_of_sums(lean, both, 2 * n, _squares(counts, times, d, q, n), level, times)
    size = as_binomial(found_size, (1 + found) / 2, 2 * n, q / 2)
    ends = interval_of_size((1 + found) / 2, size, level)
    return row | {
        "estimate": found, "std_error": 2 * ends["std_error"],
        "conf_low": 2 * ends["conf_low"] - 1, "conf_high": 2 * ends["conf_high"] - 1,
        "reason": ends["reason"],
    }  # fmt: skip


def _squares(counts: Array, times: Array, d: float, q: float, n: float) -> float:
    """Return the sum of squares of what each pair does, of both its orientations."""
    both, apart, one, two = map(float, times @ counts)
    alike = both - apart - one - two
    parts = ((alike, 0.0, 2.0), (apart, 4.0, 2.0), (one, 1.0, 1.0), (two, 0.0, 0.0))
    return 2 * sum(m * ((d / q * (about - q) - (square - d)) / (q * 4 * n)) ** 2
               for m, square, about in parts)  # fmt: skip
