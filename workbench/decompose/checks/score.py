"""Tests of one added term at a time, many at once, without a refit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.checks.fitted import Fitted
from workbench.decompose.kernel import Array, run_sums

FEWEST = 4.0
"""Degrees of freedom below which nothing is told."""

_TOLD = 1e-8
"""Share of a column's information that the other terms must leave to it."""

_ALONE = 1e-6
_SOLE = 0.01
"""Share of the information that a cluster without residual freedom may hold."""

_BLOCK_VALUES = 4_000_000
_ROWS = 2_048


@dataclass(frozen=True, eq=False)
class Scores:
    """What some added terms would change; one value a column.

    Attributes
    ----------
    estimate, error : ndarray
        One-step estimate of the term's weight, and its cluster-robust error.
    df : ndarray
        Satterthwaite degrees of freedom of the error.
    gain : ndarray
        Log-loss a label that the term would save, to second order.
    told : ndarray of bool
        Whether the column says anything beside the terms of the fit.
    """

    estimate: Array
    error: Array
    df: Array
    gain: Array
    told: NDArray[np.bool_]


def added_terms(base: Fitted, Z: Array) -> Scores:
    r"""Test each column as an added term of the model.

    .. math:: \hat\gamma = \frac{\sum_g s_g}{I}, \quad
              s_g = \sum_{i \in g} \tilde z_i (w_i y_i - w_i p_i), \quad
              I = \sum_i w_i p_i (1 - p_i) \tilde z_i^2

    with :math:`\tilde z` the column less what the fitted terms tell of it.

    Parameters
    ----------
    base : Fitted
    Z : ndarray, shape (rows, m)

    Notes
    -----
    One step of Newton's method from the fit, of which the score test is the numerator; the
    error sums scores by cluster at the step. Each cluster's score is scaled up for what the
    fit and the step took from it, so that the variance is unbiased under the model (CR2 of
    Bell and McCaffrey 2002, for one coefficient), and the degrees of freedom are theirs.
    With equal clusters they are one less than there are clusters.
    """
    score, share, pull, before = _sums(base, Z)
    information = share.sum(axis=0)
    told = information > _TOLD * np.maximum(before, 1e-300)
    # columns of unit information: then the step is the score
    scale = np.where(told, np.sqrt(np.where(told, information, 1.0)), np.inf)
    score, pull, share = score / scale, pull / scale, share / scale**2
    step = score.sum(axis=0)
    taken = share**2
    taken[base.heavy] += (pull**2).sum(axis=1)
    left = share - taken
    alone = left <= _ALONE * share
    factor = np.divide(share, left, out=np.where(share > 0, 0.0, 1.0), where=~alone)
    variance = (factor * (score - share * step) ** 2).sum(axis=0)
    spread = (
        ((factor * share) ** 2 - 2 * factor**2 * share * taken).sum(axis=0)
        + _products(factor, share, pull, base.heavy)
    )  # fmt: skip
    df = np.where(told & (spread > 0), 1.0 / np.where(spread > 0, spread, 1.0), 0.0)
    df[(share * (alone & (share > 0))).sum(axis=0) > _SOLE] = 0.0
    return Scores(
        estimate=step / scale,
        error=np.sqrt(variance) / scale,
        df=df,
        gain=step**2 / (2 * base.weight.sum()),
        told=told,
    )


def _sums(base: Fitted, Z: Array) -> tuple[Array, Array, Array, Array]:
    """Return by cluster the score and information of what the fit leaves of each column.

    Beside them how heavy clusters' columns move the fitted weights, (heavy, K, m), and the
    information of the whole columns. Rows are taken a few at a time, which stay in cache.
    """
    parts = _row_blocks(base)
    moment, before = np.zeros((base.X.shape[1], Z.shape[1])), np.zeros(Z.shape[1])
    for rows, _ in parts:
        weighted = base.information[rows, None] * Z[rows]
        moment += base.X[rows].T @ weighted
        before += np.einsum("ij,ij->j", Z[rows], weighted)
    taken = base.bread @ moment
    score, share = np.empty((2, len(base.starts), Z.shape[1]))
    heavy = [base.bounds(int(cluster)) for cluster in base.heavy]
    pull = np.empty((len(heavy), *moment.shape))
    for rows, clusters in parts:
        rest = Z[rows] - base.X[rows] @ taken
        starts = base.starts[clusters] - rows.start
        score[clusters] = run_sums(rest, base.residual[rows], starts)
        inside = np.searchsorted(base.heavy, (clusters.start, clusters.stop))
        for k in range(*inside):
            own = heavy[k]
            local = rest[own.start - rows.start : own.stop - rows.start]
            pull[k] = base.whitened[own].T @ (base.information[own, None] * local)
        rest *= rest
        share[clusters] = run_sums(rest, base.information[rows], starts)
    return score, share, pull, before


def _row_blocks(base: Fitted) -> list[tuple[slice, slice]]:
    """Return blocks of whole clusters: their rows, and their clusters."""
    n, groups = len(base.X), len(base.starts)
    near = np.unique(np.searchsorted(base.starts, np.arange(0, n, _ROWS)))
    first = [int(k) for k in near if k < groups]
    ends = [*first[1:], groups]
    bounds = np.append(base.starts, n)
    return [
        (slice(int(bounds[start]), int(bounds[end])), slice(start, end))
        for start, end in zip(first, ends, strict=True)
    ]


def _products(factor: Array, share: Array, pull: Array, heavy: NDArray[np.int64]) -> Array:
    """Return the squared norm of ``sum c b b'``, with b what the fit and the step take."""
    own = (factor * share**2).sum(axis=0) ** 2
    if not len(heavy):
        return np.asarray(own)
    c = factor[heavy]
    columns = np.ascontiguousarray(pull.transpose(2, 1, 0))
    scaled = columns * c.T[:, None, :]
    among = scaled @ columns.transpose(0, 2, 1)
    across = np.einsum("gm,mkg->mk", share[heavy], scaled)
    return np.asarray(own + (among**2).sum(axis=(1, 2)) + 2 * (across**2).sum(axis=1))


def blocks(base: Fitted, columns: int) -> Iterator[slice]:
    """Yield slices of so many columns that a block of them stays small.

    Parameters
    ----------
    base : Fitted
    columns : int
    """
    values = max(len(base.X), len(base.heavy) * base.X.shape[1], 1)
    step = max(1, _BLOCK_VALUES // values)
    for start in range(0, columns, step):
        yield slice(start, min(start + step, columns))
