r"""Cluster-robust errors that hold with few and unequal clusters.

The bias-reduced sandwich (CR2) of Bell and McCaffrey (2002) for a logistic fit, with the
degrees of freedom of Satterthwaite for single weights and of Hotelling's T-squared for
several (Pustejovsky and Tipton 2018). All of it rests on the fit's linearisation: with
working weights :math:`w = p (1 - p)`, :math:`S_g = \sum_{i \in g} w_i x_i x_i'` and the
bread :math:`M = (\sum_g S_g)^{-1} = L L'`, a cluster matters through
:math:`T_g = L' S_g L` alone, a matrix of the terms whatever the size of the cluster.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.errors.blocks import BLOCK, blocks_of, starts_of
from workbench.decompose.errors.joint import JointSums, bounded_degrees, whitening
from workbench.decompose.kernel import Array, Codes, RunSums, run_sums

_EXACT = 1e8
"""Clusters times terms cubed up to which every cluster's matrix is held."""

_JOINT = 4e8
"""Clusters times squared length of their matrices up to which the joint test is exact."""

_SERIES = (1.0, 1 / 2, 3 / 8, 5 / 16, 35 / 128, 63 / 256, 231 / 1024)
"""Coefficients of the power series of (1 - x)^(-1/2)."""

_SMALL = 0.1
"""Trace of T from which the series, within 2e-8 of the root below it, gives way to
eigenvalues; with :data:`_TINY` its first three terms are within 4e-7."""

_TINY = 0.01

_ALONE = 1e-8
"""Distance of an eigenvalue of T from 1 at which a cluster alone carries a direction."""

_EMPTY = 1e-12
"""Share of the largest eigenvalue below which a direction has no part in the errors."""

LIGHT = 0.01
"""Part of a weight's working variance up to which a cluster is not named."""


@dataclass(frozen=True, eq=False)
class Pulls:
    r"""What each cluster does to the weights of a fit, adjusted for its leverage.

    Attributes
    ----------
    codes : ndarray of int, shape (G,)
        The clusters, sorted.
    influence : ndarray, shape (G, K)
        CR2 pulls :math:`M (I - S_g M)^{-1/2} s_g` with the scores :math:`s_g`; the
        covariance is the sum of their outer products.
    own : ndarray, shape (G, K)
        Diagonals of :math:`M S_g M`: each cluster's part of the working variance.
    leverage : ndarray, shape (G,)
        Trace of :math:`S_g M`; they sum to the number of terms.
    gram : ndarray, shape (G, K, K), or None
        :math:`M S_g M`; None where there are too many clusters to hold them.
    root : ndarray, shape (G, A, K), or None
        :math:`(I - T_g)^{-1/2} T_g L'`, likewise.
    """

    codes: Codes
    influence: Array
    own: Array
    leverage: Array
    gram: Array | None
    root: Array | None

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self.codes)

    @property
    def covariance(self) -> Array:
        """The CR2 covariance of the weights."""
        return np.asarray(self.influence.T @ self.influence)

    @property
    def effective(self) -> Array:
        r"""Effective number of clusters behind each weight.

        :math:`(\sum_g v_g)^2 / \sum_g v_g^2` with the parts :math:`v_g` of the working
        variance (Carter, Schnepel and Steigerwald 2017).
        """
        return ratio(self.own.sum(axis=0) ** 2, self._squares)

    @property
    def _squares(self) -> Array:
        return np.asarray(np.einsum("gk,gk->k", self.own, self.own))

    @cached_property
    def degrees(self) -> Array:
        """Satterthwaite's degrees of freedom of each weight; at least those, if bounded."""
        if self.root is None:
            # |b_g' M b_h| is at most the root of both clusters' leverage times own part
            across = (self.leverage @ self.own) ** 2
        else:
            by_term = np.ascontiguousarray(self.root.transpose(2, 0, 1))
            turned = by_term.transpose(0, 2, 1)
            # the squares of R R' and of R'R have one sum: of the two, the smaller
            few = by_term.shape[1] < by_term.shape[2]
            products = np.matmul(by_term, turned) if few else np.matmul(turned, by_term)
            across = (products**2).sum(axis=(1, 2)) - ((by_term**2).sum(axis=2) ** 2).sum(axis=1)
        return ratio(self.own.sum(axis=0) ** 2, self._squares + across)

    def heaviest(self, term: int, name_of: Callable[[int], str]) -> list[tuple[str, float]]:
        """Return the clusters, up to three, on which a weight rests most, with their parts."""
        own = self.own[:, term]
        at = np.argsort(-own, kind="stable")[:3]
        at = at[own[at] > LIGHT * own.sum()]
        return [(name_of(int(self.codes[g])), float(own[g] / own.sum())) for g in at]

    def minus(self, other: Pulls, scale: float = 1.0) -> Pulls:
        """Return the pulls on these weights minus ``scale`` times the other's.

        Clusters are matched by their codes; one side's own count as well.
        """
        codes = np.union1d(self.codes, other.codes)
        mine, theirs = np.searchsorted(codes, self.codes), np.searchsorted(codes, other.codes)

        def joined(a: Array, b: Array) -> Array:
            total = np.zeros((len(codes), *a.shape[1:]))
            total[mine] = a
            total[theirs] += b
            return total

        gram = root = None
        if self.gram is not None and other.gram is not None:
            gram = joined(self.gram, scale**2 * other.gram)
        if self.root is not None and other.root is not None:
            first, second = self.root.shape[1], other.root.shape[1]
            root = np.zeros((len(codes), first + second, self.root.shape[2]))
            root[mine, :first] = self.root
            root[theirs, first:] = scale * other.root
        return Pulls(
            codes,
            joined(self.influence, -scale * other.influence),
            joined(self.own, scale**2 * other.own),
            joined(self.leverage, other.leverage),
            gram,
            root,
        )

    def scaled(self, scale: float) -> Pulls:
        """Return the pulls on ``scale`` times the weights."""
        gram = None if self.gram is None else scale**2 * self.gram
        root = None if self.root is None else scale * self.root
        return Pulls(
            self.codes, scale * self.influence, scale**2 * self.own, self.leverage, gram, root
        )

    def through(self, jacobian: Array) -> Pulls:
        """Return the pulls on linear functions of the weights.

        Parameters
        ----------
        jacobian : ndarray, shape (M, K)
        """
        influence = self.influence @ jacobian.T
        if self.gram is None or self.root is None:
            own = (np.sqrt(self.own) @ np.abs(jacobian).T) ** 2
            return Pulls(self.codes, influence, own, self.leverage, None, None)
        gram = jacobian @ self.gram @ jacobian.T
        own = np.ascontiguousarray(np.einsum("gkk->gk", gram))
        return Pulls(self.codes, influence, own, self.leverage, gram, self.root @ jacobian.T)

    def joint_degrees(self, terms: NDArray[np.bool_]) -> float:
        r"""Return the degrees of freedom of a joint test of some terms.

        :math:`\eta = q (q + 1) / \sum_{s,t} \mathrm{Var}(d_{st})` of the elements of the
        covariance in units of the working one (Pustejovsky and Tipton 2018, section 3.2).
        NaN where some direction has no part in the clusters' errors: they do not bound it.
        """
        q = int(terms.sum())
        if (
            self.root is None
            or self.gram is None
            or not joint_held(len(self.codes), self.root.shape[1] * q)
        ):
            return bounded_degrees(q, float((self.leverage**2).sum()))
        gram = self.gram[:, terms][:, :, terms]
        whiten = whitening(gram.sum(axis=0))
        if whiten is None:
            return float("nan")
        return JointSums.of(gram, self.root[:, :, terms], whiten).degrees

    def cross(self, other: Pulls) -> Array:
        """Return the sum over clusters of both of the products of their pulls, (K, K)."""
        _, a, b = np.intersect1d(self.codes, other.codes, assume_unique=True, return_indices=True)
        return np.asarray(self.influence[a].T @ other.influence[b])


def pulls(
    X: Array, weight: Array, residual: Array, codes: Codes, bread: Array, *, exact: bool = True,
    joint: bool = True,
) -> Pulls:  # fmt: skip
    """Return the leverage-adjusted pulls of the clusters on a fit's weights.

    Parameters
    ----------
    X : ndarray, shape (n, K)
        Rows of one cluster are neighbours.
    weight : ndarray, shape (n,)
        Working weights ``w p (1 - p)``.
    residual : ndarray, shape (n,)
        ``w (y - p)``.
    codes : ndarray of int, shape (n,)
        Sorted cluster codes.
    bread : ndarray, shape (K, K)
        Inverse Hessian; rows and columns of terms outside the model are 0.
    exact : bool
        Whether degrees of freedom are wanted exactly, not bounded; with many clusters they
        are bounded anyway.
    joint : bool
        Whether :attr:`Pulls.gram` is made, which tests of several terms and sums of fits need.

    Examples
    --------
    >>> X, half = np.ones((4, 1)), np.full(4, 0.25)
    >>> found = pulls(X, half, np.array([0.5, 0.5, -0.5, -0.5]), np.arange(4), np.eye(1))
    >>> bool(np.isclose(found.degrees[0], 3)), float(found.effective[0])
    (True, 4.0)
    """
    starts, factor = starts_of(codes), factor_of(bread)
    if len(X) == 0:
        none = np.zeros((0, len(bread)))
        return Pulls(codes, none, none, np.zeros(0), None, None)
    if exact and held(len(starts), factor.shape[1]):
        return _held(X, weight, residual, codes[starts], starts, factor, joint)
    # blocks of clusters whose rows stay in the processor's cache
    cuts = blocks_of(codes, BLOCK)
    places = np.searchsorted(starts, [*(a for a, _ in cuts), len(X)])
    influence, own = (np.empty((len(starts), X.shape[1])) for _ in range(2))
    leverage = np.empty(len(starts))
    for (a, b), (first, last) in zip(cuts, itertools.pairwise(places), strict=True):
        at, rows = slice(first, last), slice(a, b)
        influence[at], own[at], leverage[at] = _light(
            X[rows], weight[rows], residual[rows], starts[at] - a, factor
        )
    return Pulls(codes[starts], influence, own, leverage, None, None)


def held(clusters: int, terms: int) -> bool:
    """Tell whether every cluster's matrix is held, so that degrees of freedom are exact."""
    return clusters * terms**3 <= _EXACT


def joint_held(clusters: int, size: int) -> bool:
    """Tell whether a joint test has exact degrees of freedom, of matrices of that length."""
    return clusters * size**2 <= _JOINT


def factor_of(bread: Array) -> Array:
    """Return L, shape (K, A), of the bread ``M = L L'`` of a model of A terms."""
    in_model = np.diag(bread) > 0
    factor = np.zeros((len(bread), int(in_model.sum())))
    factor[in_model] = np.linalg.cholesky(bread[np.ix_(in_model, in_model)])
    return factor


def matrices_of(
    X: Array, weight: Array, residual: Array, codes: Codes, factor: Array
) -> tuple[Codes, Array, Array]:
    """Return each cluster's code, matrix T (A, A) and scores (A): they add up over parts of it."""
    starts = starts_of(codes)
    rows = (X @ factor) * np.sqrt(weight)[:, None]
    return codes[starts], _matrices(rows, starts), run_sums(X, residual, starts) @ factor


def pulls_of(codes: Codes, matrices: Array, scores: Array, factor: Array) -> Pulls:
    """Return the pulls of clusters from :func:`matrices_of`.

    With more of them than are held, degrees of freedom are bounded as in :func:`pulls`.
    """
    leverage = np.einsum("gaa->g", matrices)
    inverse, _ = _inverse_root(matrices, leverage)
    influence = np.einsum("gab,gb->ga", inverse, scores) @ factor.T
    gram = factor @ matrices @ factor.T
    own = np.ascontiguousarray(np.einsum("gkk->gk", gram))
    if not held(len(codes), factor.shape[1]):
        return Pulls(codes, influence, own, leverage, None, None)
    return Pulls(codes, influence, own, leverage, gram, inverse @ matrices @ factor.T)


def _held(
    X: Array, weight: Array, residual: Array, codes: Codes, starts: Codes, factor: Array,
    joint: bool,
) -> Pulls:  # fmt: skip
    """Return the pulls with every cluster's matrices."""
    rows = (X @ factor) * np.sqrt(weight)[:, None]
    reach, scores = rows @ factor.T, run_sums(X, residual, starts) @ factor
    sizes = np.diff(np.append(starts, len(X)))
    K, A = factor.shape
    own, leverage = np.empty((len(starts), K)), np.empty(len(starts))
    gram = np.empty((len(starts), K, K)) if joint else None
    by_term = np.empty((K, len(starts), A))
    root = by_term.transpose(1, 2, 0)
    for size in np.unique(sizes):
        at = np.flatnonzero(sizes == size)
        of = starts[at, None] + np.arange(size)
        z, c = rows[of], reach[of]
        across = z.swapaxes(1, 2)
        if gram is not None:
            gram[at] = c.swapaxes(1, 2) @ c
        own[at], leverage[at] = (c * c).sum(axis=1), (z * z).sum(axis=(1, 2))
        if size <= A:
            # (I - Z'Z)^(-1/2) Z' is Z' (I - ZZ')^(-1/2), a matrix of the cluster's few rows
            whole, rest = _inverse_root(z @ across, leverage[at])
            root[at] = across @ (whole @ c)
            seen = rest @ (z @ scores[at, :, None])
            scores[at] += (across @ seen)[:, :, 0]
        else:
            whole, _ = _inverse_root(across @ z, leverage[at])
            root[at] = whole @ (across @ c)
            scores[at] = (whole @ scores[at, :, None])[:, :, 0]
    return Pulls(codes, scores @ factor.T, own, leverage, gram, root)


def _light(
    X: Array, weight: Array, residual: Array, starts: Codes, factor: Array
) -> tuple[Array, Array, Array]:
    """Return influence, own parts and leverage of many clusters, nearly all of tiny leverage."""
    bread = factor @ factor.T
    reach = X @ bread
    leverage = weight * np.einsum("ik,ik->i", X, reach)
    if len(starts) == len(X):
        # a cluster of one row: T has one eigenvalue, the leverage
        left = 1.0 - leverage
        alone = left < _ALONE
        scale = np.where(alone, 0.0, residual / np.sqrt(np.where(alone, 1.0, left)))
        return reach * scale[:, None], weight[:, None] * reach**2, leverage
    sums = RunSums(len(X), starts)
    sizes = np.diff(np.append(starts, len(X)))
    of_row = np.repeat(np.arange(len(starts)), sizes)
    leverage, own = np.add.reduceat(leverage, starts), sums.of(np.square(reach, out=reach), weight)
    influence = power = sums.of(X, residual) @ bread
    for coefficient in _SERIES[1:3]:
        power = sums.of(X, weight * np.einsum("ik,ik->i", X, power[of_row])) @ bread
        influence = influence + coefficient * power
    large = np.flatnonzero(leverage > _TINY)
    if len(large):
        inside = np.isin(of_row, large)
        part = np.r_[0, np.cumsum(sizes[large])[:-1]]
        rows = (X[inside] @ factor) * np.sqrt(weight[inside])[:, None]
        inverse, _ = _inverse_root(_matrices(rows, part), leverage[large])
        scores = run_sums(X[inside], residual[inside], part) @ factor
        influence[large] = np.einsum("gab,gb->ga", inverse, scores) @ factor.T
    return influence, own, leverage


def _matrices(rows: Array, starts: Codes) -> Array:
    """Return ``sum r r'`` of each cluster, shape (G, A, A)."""
    if len(rows) == len(starts):
        return np.asarray(rows[:, :, None] * rows[:, None, :])
    found = np.empty((len(starts), rows.shape[1], rows.shape[1]))
    for g, (start, stop) in enumerate(zip(starts, [*starts[1:], len(rows)], strict=True)):
        part = rows[start:stop]
        np.matmul(part.T, part, out=found[g])
    return found


def _inverse_root(matrices: Array, leverage: Array) -> tuple[Array, Array]:
    """Return ``(I - T)^(-1/2)``, generalised where a cluster alone carries a direction.

    Second: that less I, over T, from where it has to act on scores of a few rows.
    """
    unit = np.eye(matrices.shape[1])
    whole, rest = np.empty_like(matrices), np.empty_like(matrices)
    small = leverage <= _SMALL
    if small.any():
        own = matrices[small]
        series = np.broadcast_to(_SERIES[-1] * unit, own.shape)
        for coefficient in _SERIES[-2:0:-1]:
            series = own @ series + coefficient * unit
        whole[small], rest[small] = own @ series + unit, series
    if not small.all():
        values, vectors = np.linalg.eigh(matrices[~small])
        left = 1.0 - values
        alone = left < _ALONE
        scaled = np.where(alone, 0.0, 1.0 / np.sqrt(np.where(alone, 1.0, left)))
        told = values > _EMPTY
        over = np.where(told, (scaled - 1.0) / np.where(told, values, 1.0), 0.5)
        for target, factor in ((whole, scaled), (rest, over)):
            target[~small] = (vectors * factor[:, None, :]) @ vectors.transpose(0, 2, 1)
    return whole, rest


def ratio(a: Array, b: Array) -> Array:
    """Return ``a / b``, NaN where ``b`` is not above 0."""
    return np.asarray(np.divide(a, b, out=np.full(np.shape(a), np.nan), where=b > 0))
