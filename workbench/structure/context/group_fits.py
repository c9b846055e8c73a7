"""Logistic weights of many groups of labels at once, with the clusters' pulls on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.compare.subsets import Stack, Subset, typical
from workbench.decompose.kernel import Array, Codes, logistic

_NEWTON = 40
_WIDEST = 5.0
"""Scale of the weak prior that holds a separated weight, in logits per typical difference."""

FEWEST_CLUSTERS = 10
"""Clusters in which a term must differ for a weight of a group."""

FEWEST_FREE = 4
"""Clusters beyond the number of terms."""

_NOTHING = 1e-12


@dataclass(frozen=True, eq=False)
class GroupFits:
    """Weights of S groups of labels on K terms.

    Attributes
    ----------
    estimate, error : ndarray, shape (S, K)
        NaN where there is no weight.
    df : ndarray, shape (S,)
        Clusters less terms.
    pull : list of ndarray, shape (rows, K)
        First-order change of the group's weights due to each of its rows.
    n, n_clusters : ndarray of int, shape (S,)
    reason : ndarray of object, shape (S, K)
        Why there is no weight, else None.
    """

    estimate: Array
    error: Array
    df: Array
    pull: list[Array]
    n: NDArray[np.int64]
    n_clusters: NDArray[np.int64]
    reason: NDArray[np.object_]


def fit_groups(subsets: Sequence[Subset], clusters: Sequence[Codes]) -> GroupFits:
    r"""Fit every group's weights together.

    Parameters
    ----------
    subsets : sequence of Subset
        One row a label.
    clusters : sequence of ndarray of int
        Cluster of each row.

    Returns
    -------
    GroupFits
        Errors are the larger of the cluster-robust one, with :math:`G / (G - K)`, and the
        model's: with few clusters the first is often far too small.

    Examples
    --------
    >>> x = np.tile([[1.0], [-1.0]], (40, 1))
    >>> y = (np.arange(80) % 8 < 6) * 1.0
    >>> found = fit_groups([Subset(x, np.ones(80), y)], [np.arange(80)])
    >>> found.estimate.round(3).tolist(), found.df.tolist()
    ([[0.0]], [79.0])
    """
    scale = typical(subsets)
    b, inverse = _newton(Stack(subsets), (scale / _WIDEST) ** 2)
    S, K = b.shape
    error, df = np.empty((S, K)), np.empty(S)
    reason = np.full((S, K), None, dtype=object)
    pulls, n_clusters = [], np.empty(S, dtype=np.int64)
    for s, (one, cluster) in enumerate(zip(subsets, clusters, strict=True)):
        p = logistic(one.X @ b[s])
        pull = (one.X * (one.votes - one.weight * p)[:, None]) @ inverse[s]
        _, code = np.unique(cluster, return_inverse=True)
        G, terms = int(code.max(initial=-1)) + 1, int((one.X != 0).any(axis=0).sum())
        order = np.argsort(code, kind="stable")
        starts = np.flatnonzero(np.diff(code[order], prepend=-1))
        sums = np.add.reduceat(pull[order], starts, axis=0) if G else np.zeros((0, K))
        free = max(G - terms, 1)
        robust = np.sqrt(G / free * (sums**2).sum(axis=0))
        error[s] = np.maximum(robust, np.sqrt(np.diag(inverse[s])))
        differ = np.add.reduceat((one.X != 0)[order].astype(float), starts, axis=0) > 0
        _why(reason[s], differ.sum(axis=0), G - terms)
        df[s], n_clusters[s] = free, G
        pulls.append(pull)
    lacking = np.array([[why is not None for why in row] for row in reason])
    b[lacking], error[lacking] = np.nan, np.nan
    n = np.array([len(one.X) for one in subsets])
    return GroupFits(b, error, df, pulls, n, n_clusters, reason)


def weights_of(subsets: Sequence[Subset]) -> Array:
    """Return the weights of every group alone, shape (S, K).

    Examples
    --------
    >>> x = np.array([[1.0], [1.0], [1.0], [1.0]])
    >>> weights_of([Subset(x, np.ones(4), np.array([1.0, 1, 1, 0]))]).round(1).tolist()
    [[1.0]]
    """
    return _newton(Stack(subsets), (typical(subsets) / _WIDEST) ** 2)[0]


def _newton(stack: Stack, ridge: Array) -> tuple[Array, Array]:
    """Return the weights of all groups and the inverse of their information."""
    b = np.zeros((stack.S, stack.K))
    eye = np.diag(np.maximum(ridge, _NOTHING))
    inverse = np.empty((stack.S, stack.K, stack.K))
    for _ in range(_NEWTON):
        gradient, hessian = stack.derivatives(b)
        inverse = np.linalg.inv(hessian + eye)
        step = np.einsum("skl,sl->sk", inverse, gradient - ridge * b)
        # a long step of a logistic fit overshoots: two logits per typical difference at a time
        size = np.abs(step * np.sqrt(ridge) * _WIDEST).max(axis=1)
        step *= np.minimum(1.0, 2.0 / np.maximum(size, _NOTHING))[:, None]
        b = b + step
        if size.max() < 1e-9:
            break
    return b, inverse


def _why(reason: NDArray[np.object_], differ: NDArray[np.int64], free: int) -> None:
    """Write why a group has no weight, in place."""
    for k, clusters in enumerate(differ.tolist()):
        if clusters == 0:
            reason[k] = "it does not differ in this group"
        elif clusters < FEWEST_CLUSTERS:
            reason[k] = f"it differs in {clusters} clusters, fewer than {FEWEST_CLUSTERS}"
        elif free < FEWEST_FREE:
            reason[k] = f"fewer than {FEWEST_FREE} clusters beyond the number of terms"
