"""One group's fit as the tests of added terms need it: rows, residuals, information."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.design import Design
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.kernel import Array, Codes, logistic, run_sums

HEAVY = 0.01
"""Leverage above which a cluster's pull on the other weights is taken off its score."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """Labels of one group with what its fit makes of them.

    Attributes
    ----------
    terms : list of str
        Terms that have a weight.
    X : ndarray, shape (rows, K)
        Their columns, on the rows that the weights come from.
    eta, information, residual : ndarray, shape (rows,)
        Linear predictor ``x'b``; ``w p (1 - p)``; ``w y - w p``.
    weight, votes : ndarray, shape (rows,)
        Sums of ``w`` and ``w y``.
    row : ndarray of int
        Design row of each.
    starts : ndarray of int, shape (clusters,)
        First row of each cluster.
    bread : ndarray, shape (K, K)
        Inverse of ``sum w p (1 - p) x x'``.
    whitened : ndarray, shape (rows, K)
        ``X`` times a root of ``bread``.
    leverage : ndarray, shape (clusters,)
        Share of the K weights that rests on each cluster; they sum to K.
    n : int
        Labels.
    """

    terms: list[str]
    X: Array
    eta: Array
    information: Array
    residual: Array
    weight: Array
    votes: Array
    row: NDArray[np.int64]
    starts: Codes
    bread: Array
    whitened: Array
    leverage: Array
    n: int

    @cached_property
    def heavy(self) -> NDArray[np.int64]:
        """Clusters with a leverage of 0.01 or more: never more than 100 a term."""
        return np.flatnonzero(self.leverage >= HEAVY)

    @property
    def coin_gain(self) -> float:
        """Log-loss a label that the fit saves over a coin, on the labels it was fitted on."""
        loss = np.logaddexp(0.0, self.eta) @ self.weight - self.eta @ self.votes
        return float(np.log(2.0) - loss / self.weight.sum())

    def bounds(self, cluster: int) -> slice:
        """Return where the rows of a cluster stand."""
        end = self.starts[cluster + 1] if cluster + 1 < len(self.starts) else len(self.X)
        return slice(int(self.starts[cluster]), int(end))


def fitted(design: Design, group: int, fit: GroupFit) -> Fitted | None:
    """Return one group's fit with its rows; None where no weight could be estimated.

    Parameters
    ----------
    design : Design
    group : int
        Its position in the design.
    fit : GroupFit
    """
    active = fit.active
    if not active.any():
        return None
    row, cells = design.compact(group)
    if len(fit.decided):
        # rows that a separating direction decides say nothing on the weights
        keep = ~np.isin(row, fit.decided)
        row, cells = row[keep], cells.take(keep)
    X = np.ascontiguousarray(design.X[row][:, active])
    weight, votes = cells.weight[:, 0], cells.votes[:, 0]
    terms = [term for term, kept in zip(design.terms, active, strict=True) if kept]
    eta = X @ fit.coef[active]
    starts = first_rows(design.cluster[row])
    return at_predictor(eta, weight, votes, starts, terms=terms, X=X, row=row, n=fit.n)


def first_rows(cluster: NDArray[np.int64]) -> Codes:
    """Return the first row of each cluster, where rows of one cluster are neighbours.

    Examples
    --------
    >>> first_rows(np.array([3, 3, 8])).tolist()
    [0, 2]
    """
    return np.flatnonzero(np.r_[True, cluster[1:] != cluster[:-1]])


def at_predictor(
    eta: Array, weight: Array, votes: Array, starts: Codes, *, terms: list[str], X: Array,
    row: NDArray[np.int64], n: int,
) -> Fitted:  # fmt: skip
    """Return what the tests need at a linear predictor; see :class:`Fitted`.

    Parameters
    ----------
    eta, weight, votes, starts, terms, X, row, n
        As in :class:`Fitted`; ``X`` may have no column.
    """
    p = logistic(eta.copy())
    information = weight * p * (1 - p)
    bread = np.linalg.inv(X.T @ (information[:, None] * X))
    whitened = X @ np.linalg.cholesky(bread)
    return Fitted(
        terms=terms,
        X=X,
        eta=eta,
        information=information,
        residual=votes - weight * p,
        weight=weight,
        votes=votes,
        row=row,
        starts=starts,
        bread=np.asarray(bread, dtype=np.float64),
        whitened=whitened,
        leverage=run_sums(whitened**2, information, starts).sum(axis=1),
        n=n,
    )
