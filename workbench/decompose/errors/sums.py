"""What the pulls of clusters add up to, block by block: errors of a fit without all of them."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.design import Design
from workbench.decompose.errors.blocks import BLOCK, blocks_of
from workbench.decompose.errors.clustered import Rows, clustered_rows
from workbench.decompose.errors.joint import bounded_degrees
from workbench.decompose.errors.pulls import LIGHT, Pulls, factor_of, held, pulls, ratio
from workbench.decompose.errors.sandwich import Errors
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.kernel import Array

_NAMED = 3
"""Clusters that are told of a weight which rests on too few."""


@dataclass(frozen=True, eq=False)
class PullSums:
    """What the pulls of clusters add up to: as :class:`Pulls` tells of them, one by one.

    Attributes
    ----------
    n_clusters : int
    covariance : ndarray, shape (K, K)
    own, squares, bound : ndarray, shape (K,)
        Sums of each cluster's part of the working variance, of its square, and of its product
        with the cluster's leverage.
    spread : float
        Sum of the squares of the leverages.
    products : ndarray, shape (K, A, A), or None
        By term, sums of the outer products of the roots; None where they are not held.
    alone : ndarray, shape (K,)
        Sums of the squares of the trace of each of those.
    top : ndarray, shape (K, 3)
        Largest parts of the working variance, and
    where : ndarray of int, shape (K, 3, 2)
        the part and the code of the clusters that have them.
    name_of : callable, optional
        Returns the name of such a cluster of several parts.
    """

    n_clusters: int
    covariance: Array
    own: Array
    squares: Array
    bound: Array
    spread: float
    products: Array | None
    alone: Array
    top: Array
    where: NDArray[np.int64]
    name_of: Callable[[int, int], str] | None = None

    @classmethod
    def of(cls, found: Pulls, part: int) -> PullSums:
        """Return the sums of the pulls of a part's clusters."""
        K = found.influence.shape[1]
        own = np.ascontiguousarray(found.own.T)
        n = min(_NAMED, own.shape[1])
        order = np.argpartition(own, own.shape[1] - n, axis=1)[:, -n:] if n else None
        top, where = np.zeros((K, _NAMED)), np.zeros((K, _NAMED, 2), dtype=np.int64)
        if order is not None:
            top[:, :n] = np.take_along_axis(own, order, axis=1)
            where[:, :n, 0], where[:, :n, 1] = part, found.codes[order]
        products, alone = None, np.zeros(K)
        if found.root is not None:
            by_term = np.ascontiguousarray(found.root.transpose(2, 0, 1))
            products = np.matmul(by_term.transpose(0, 2, 1), by_term)
            alone = ((by_term**2).sum(axis=2) ** 2).sum(axis=1)
        return cls(
            n_clusters=found.n_clusters,
            covariance=found.covariance,
            own=found.own.sum(axis=0),
            squares=(found.own**2).sum(axis=0),
            bound=np.asarray(found.leverage @ found.own),
            spread=float((found.leverage**2).sum()),
            products=products,
            alone=alone,
            top=top,
            where=where,
        )

    def __add__(self, other: PullSums) -> PullSums:
        top = np.concatenate([self.top, other.top], axis=1)
        order = np.argsort(-top, axis=1, kind="stable")[:, :_NAMED]
        where = np.concatenate([self.where, other.where], axis=1)
        products = self.products
        if products is not None and other.products is not None:
            products = products + other.products
        return PullSums(
            n_clusters=self.n_clusters + other.n_clusters,
            covariance=self.covariance + other.covariance,
            own=self.own + other.own,
            squares=self.squares + other.squares,
            bound=self.bound + other.bound,
            spread=self.spread + other.spread,
            products=products,
            alone=self.alone + other.alone,
            top=np.take_along_axis(top, order, axis=1),
            where=np.take_along_axis(where, order[:, :, None], axis=1),
        )

    @property
    def effective(self) -> Array:
        """Effective number of clusters behind each weight (:attr:`Pulls.effective`)."""
        return ratio(self.own**2, self.squares)

    @property
    def degrees(self) -> Array:
        """Degrees of freedom of each weight, exact or bounded (:attr:`Pulls.degrees`)."""
        if self.products is None:
            across = self.bound**2
        else:
            across = (self.products**2).sum(axis=(1, 2)) - self.alone
        return ratio(self.own**2, self.squares + across)

    def heaviest(self, term: int, name_of: Callable[[int], str]) -> list[tuple[str, float]]:
        """Return the clusters on which a weight rests most (:meth:`Pulls.heaviest`)."""
        told = self.name_of or (lambda part, code: name_of(code))
        total = self.own[term]
        parts = [
            (-float(own), told(int(part), int(code)))
            for own, (part, code) in zip(self.top[term], self.where[term], strict=True)
            if own > LIGHT * total
        ]
        return [(name, float(-own / total)) for own, name in sorted(parts)]

    def joint_degrees(self, terms: NDArray[np.bool_]) -> float:
        """Return the degrees of freedom of a joint test, at least (:meth:`Pulls.joint_degrees`)."""
        return bounded_degrees(int(terms.sum()), self.spread)


def sums_of(rows: Rows, bread: Array, part: int = 0, *, exact: bool = True) -> PullSums:
    """Return the sums of the pulls of clusters; the matrices of all of them are held by none.

    Parameters
    ----------
    rows : tuple
        Columns, working weights, residuals and sorted codes, as for :func:`pulls`.
    bread : ndarray, shape (K, K)
    part : int
        Of which part the clusters are.
    exact : bool
        Whether degrees of freedom are exact, not bounded.
    """
    X, weight, residual, codes = rows
    terms = factor_of(bread).shape[1]

    def block(first: int, last: int) -> PullSums:
        at = slice(first, last)
        found = pulls(X[at], weight[at], residual[at], codes[at], bread, exact=exact, joint=False)
        if exact and found.root is None:
            found = replace(found, root=np.zeros((0, terms, len(bread))))
        return PullSums.of(found, part)

    return functools.reduce(operator.add, itertools.starmap(block, blocks_of(codes, BLOCK)))


def summed(design: Design, fit: GroupFit) -> Errors:
    """Return the errors of a group's weights as sums: those of several fits cannot be joined.

    Parameters
    ----------
    design : Design
    fit : GroupFit
        Of this design, with ``dimensions``.
    """
    bread = np.where(np.isfinite(fit.bread), fit.bread, 0.0)
    terms, parts = factor_of(bread).shape[1], {}
    for names, rows in clustered_rows(design, fit):
        codes = rows[3]
        # what two dimensions share has no degrees of freedom of its own
        exact = len(names) == 1 and held(1 + int((np.diff(codes) > 0).sum()), terms)
        parts[names] = sums_of(rows, bread, exact=exact)
    return Errors(parts)
