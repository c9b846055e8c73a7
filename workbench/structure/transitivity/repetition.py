"""How many labels say as much as one, where those of one cluster repeat each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array, Codes

FEWEST = 5
"""Clusters that an edge needs where its clusters are large."""

_LARGE = 10.0
"""Labels a cluster, on average, that make clusters large."""

_REPEATS = 10
"""Clusters with several labels on one edge, over all edges, that tell how alike they are."""

_MATTERS = 1.5
"""Design effect of labels wholly alike below which repetition is no matter."""


def repetition(edge: Codes, cluster: Codes, y: Array, share: Array) -> tuple[Array, str | None]:
    r"""Return the design effect of each edge, and why a test of the shares would not hold.

    Parameters
    ----------
    edge, cluster : ndarray of int, shape (n,)
    y : ndarray, shape (n,)
    share : ndarray, shape (E,)
        Mean of y on each edge.

    Notes
    -----
    Labels of one cluster on one edge have a correlation :math:`\rho`, one for all edges, by the
    moments of sums over clusters (Kish 1965; exact for clusters of unequal size). An edge of
    clusters of m labels, n in all, has the design effect :math:`1 + \rho (\sum m^2 / n - 1)`:
    one whose labels are all of different clusters has 1, whatever others have.

    Examples
    --------
    >>> edge, cluster = np.repeat([0, 1], 20), np.arange(40) // 2  # two labels a cluster, alike
    >>> y = np.tile([1.0, 1.0, 0.0, 0.0], 10)
    >>> per_vote, reason = repetition(edge, cluster, y, np.array([0.5, 0.5]))
    >>> per_vote.tolist(), reason
    ([2.0, 2.0], None)
    """
    E = len(share)
    cell, at, m = np.unique(
        edge.astype(np.int64) * (cluster.max() + 1) + cluster,
        return_inverse=True, return_counts=True,
    )  # fmt: skip
    if (m == 1).all():
        return np.ones(E), None
    own = cell // (cluster.max() + 1)
    n = np.bincount(edge, minlength=E).astype(np.float64)
    G = np.bincount(own, minlength=E).astype(np.float64)
    alike = _per_edge(own, m**2, E) / n
    reason = _too_few(G, n, alike, own, m)
    r = y - share[edge]
    together = _per_edge(own, np.bincount(at, r) ** 2, E)
    rho = _correlation(own, m, n, together, _per_edge(edge, r**2, E), G > 1)
    return 1.0 + rho * (alike - 1.0), reason


def _per_edge(at: Codes, values: NDArray[Any], E: int) -> Array:
    return np.asarray(np.bincount(at, values, E), dtype=np.float64)


def _too_few(G: Array, n: Array, alike: Array, own: Codes, m: Codes) -> str | None:
    if not (alike >= _MATTERS).any():
        return None
    told = int(((m > 1) & (G[own] > 1)).sum())
    if told < _REPEATS:
        return (
            f"too few clusters: labels of one cluster repeat each other on the same two items, "
            f"and {told} clusters, not {_REPEATS}, tell how alike they are"
        )
    few = (G < FEWEST) & (n >= _LARGE * G)
    if few.any():
        return (
            f"too few clusters: {int(few.sum()):,} edges rest on fewer than {FEWEST} clusters of "
            f"{_LARGE:.0f} labels or more each, the fewest on {int(G[few].min())}"
        )
    return None


def _correlation(
    own: Codes, m: Codes, n: Array, together: Array, alone: Array, told: NDArray[np.bool_]
) -> float:
    """Return the correlation within clusters that explains the squares of their sums, 0 to 1."""
    E = len(n)
    pairs = _per_edge(own, m * (m - 1.0), E)
    square, cubic = _per_edge(own, m**2.0, E), _per_edge(own, m**2 * (m - 1.0), E)
    # variances of sums over clusters, and of labels, about the mean of the edge
    free, slope = n - square / n, pairs - 2 * cubic / n + square * pairs / n**2
    left, lost = n - 1.0, pairs / n
    told = told & (alone > 0)

    def above(rho: float) -> float:
        sigma = alone[told] / (left[told] - rho * lost[told])
        return float((together[told] - sigma * (free[told] + rho * slope[told])).sum())

    if not told.any() or above(0.0) <= 0:
        return 0.0
    if above(1.0) >= 0:
        return 1.0
    from scipy.optimize import brentq

    return float(brentq(above, 0.0, 1.0, xtol=1e-10))
