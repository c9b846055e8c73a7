"""Whether different people labelled different edges: pools that make cycles of their own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.decompose.kernel import Array, Codes

_APART = 0.6
"""Overlap between two pools below which, relative to that within, edges are two pools'."""

_EXCHANGES = 39

_LARGEST = 5_000_000
"""Numbers in the overlaps of all edges above which only pools that share nobody are found."""

APART_ONLY = "too many edges and annotators to compare: only pools that share nobody are looked for"


def composition(
    labels: pd.DataFrame, a: Codes, b: Codes, first: Codes, second: Codes, M: int
) -> tuple[Array, list[str]]:
    """Return the labels of each edge by annotator, shape (E, P), and the annotators.

    Parameters
    ----------
    labels : DataFrame
        ``annotator`` of each label.
    a, b : ndarray of int
        Its items; -1 for those that are no items here.
    first, second : ndarray of int, shape (E,)
    M : int
    """
    low, high = np.minimum(a, b), np.maximum(a, b)
    key = first.astype(np.int64) * M + second
    wanted = low.astype(np.int64) * M + high
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    met = (low >= 0) & (key[at] == wanted)
    who, names = pd.factorize(labels["annotator"].astype("str"), sort=True)
    table = np.zeros((len(first), len(names)))
    np.add.at(table, (at[met], who[met]), 1.0)
    return table, [str(name) for name in names]


def pools(counts: Array) -> NDArray[np.int64]:
    """Return the pool of each edge, 0 the largest; all 0 where the same people labelled all.

    Two edges overlap by the share of their labels that the same annotators gave. Pools are apart
    where edges of two overlap, on average, by less than six tenths of what edges of one do, and
    further than in any of 39 random exchanges of the annotators between labels.

    Parameters
    ----------
    counts : ndarray, shape (E, P)
        Labels by edge and annotator.

    Examples
    --------
    >>> pools(np.array([[20, 20], [20, 20], [20, 20], [40, 0]])).tolist()
    [0, 0, 0, 1]
    >>> pools(np.array([[9, 11], [10, 10], [12, 8]])).tolist()
    [0, 0, 0]
    """
    counts = counts[:, np.lexsort(counts[::-1])]  # other names give the same exchanges
    E, P = counts.shape
    size = counts.sum(axis=1)
    if P < 2 or E < 2:
        return np.zeros(E, dtype=np.int64)
    if too_large(counts):
        return _largest_first(_apart_entirely(counts), size)
    pool, gap = _by_overlap(counts)
    if gap > 0 and any(_by_overlap(one)[1] >= gap for one in _exchanged(counts)):
        pool = np.zeros(E, dtype=np.int64)
    return _largest_first(pool, size)


def too_large(counts: Array) -> bool:
    """Tell whether only pools that share nobody are looked for."""
    E, P = counts.shape
    return bool(E > 1 and P > 1 and E * E * P > _LARGEST)


def _apart_entirely(counts: Array) -> NDArray[np.int64]:
    """Return pools that no annotator joins."""
    from scipy.sparse import csr_array, hstack, vstack
    from scipy.sparse.csgraph import connected_components

    E, P = counts.shape
    met = csr_array(counts > 0)
    graph = vstack([csr_array((P, P + E)), hstack([met, csr_array((E, E))])])
    return np.asarray(connected_components(graph, directed=False)[1][P:], dtype=np.int64)


def _exchanged(counts: Array) -> Iterator[Array]:
    """Yield tables of the same margins, annotators exchanged at random between the labels."""
    E, P = counts.shape
    edge, who = (np.repeat(part, counts.astype(np.int64).ravel()) for part in
                 (np.repeat(np.arange(E), P), np.tile(np.arange(P), E)))  # fmt: skip
    rng = np.random.default_rng(0)
    for _ in range(_EXCHANGES):
        key = edge * P + rng.permutation(who)
        yield np.bincount(key, minlength=E * P).reshape(E, P).astype(np.float64)


def _by_overlap(counts: Array) -> tuple[NDArray[np.int64], float]:
    """Return pools between which annotators overlap much less than within, and by how much."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    E = len(counts)
    share = counts / np.maximum(counts.sum(axis=1), 1.0)[:, None]
    overlap = np.minimum(share[:, None, :], share[None, :, :]).sum(axis=2)
    np.fill_diagonal(overlap, 1.0)
    tree = linkage(squareform(1.0 - np.clip(overlap, 0, 1), checks=False), "average")
    off = ~np.eye(E, dtype=bool)
    found, best = np.zeros(E, dtype=np.int64), 0.0
    for k in range(2, min(E, 6) + 1):
        pool = fcluster(tree, k, "maxclust") - 1
        same = pool[:, None] == pool[None, :]
        if not (same & off).any() or same.all():
            continue
        within, between = float(overlap[same & off].mean()), float(overlap[~same].mean())
        if between < _APART * within and within - between > best:
            found, best = np.asarray(pool, dtype=np.int64), within - between
    return found, best


def _largest_first(pool: NDArray[np.int64], size: Array) -> NDArray[np.int64]:
    total = np.bincount(pool, size)
    order = np.lexsort((np.arange(len(total)), -total))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place[pool]
