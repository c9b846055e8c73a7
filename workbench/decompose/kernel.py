"""Passes over the rows of a design: what a logistic fit needs, for many groups at once.

All groups share one matrix of differences, so a pass costs a few matrix products for all
of them together. Rows are cut into a fixed number of chunks, summed in a fixed order, so
the same data give the same bits whatever the number of processors.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from workbench.threads import one_thread

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
Piece = TypeVar("Piece")

_CHUNKS = 8
_BLOCK_VALUES = 65_536
_MANY_GROUPS = 6


@dataclass(frozen=True, eq=False)
class Cells:
    """Sufficient statistics of the labels in each design row and group.

    With ``y`` a preference in [0, 1] and ``w`` its weight, summed over the labels of one
    design row (a pair in one shown order) and one group.

    Attributes
    ----------
    weight, votes : ndarray, shape (rows, groups)
        Sums of ``w`` and of ``w y``; 0 where the group has no label.
    squares : tuple of three ndarray, or None
        Sums of ``w^2``, ``w^2 y`` and ``w^2 y^2``, only where a cell holds several labels:
        the heteroskedasticity-robust covariance needs them.
    """

    weight: Array
    votes: Array
    squares: tuple[Array, Array, Array] | None = None

    def take(self, rows: Any = slice(None), groups: Any = slice(None)) -> Cells:
        """Return the cells of some rows and groups (slices, positions or masks)."""

        def cut(part: Array) -> Array:
            return np.asarray(part[rows][:, groups])

        squares = self.squares and tuple(cut(part) for part in self.squares)
        return Cells(cut(self.weight), cut(self.votes), squares)  # type: ignore[arg-type]

    def kept(self, share: Array) -> Cells:
        """Return the cells where ``share`` (rows, groups) is 1, and nothing where it is 0."""
        squares = self.squares and tuple(part * share for part in self.squares)
        return Cells(self.weight * share, self.votes * share, squares)  # type: ignore[arg-type]

    def squared_residuals(self, p: Array) -> Array:
        """Return the sum over a cell's labels of ``w^2 (y - p)^2``."""
        if self.squares is None:
            return np.asarray((self.votes - self.weight * p) ** 2)
        w2, w2y, w2y2 = self.squares
        return np.asarray(np.maximum(w2y2 - 2 * p * w2y + p * p * w2, 0.0))


@dataclass
class Moments:
    """Sums over rows at given coefficients; they add up over chunks.

    Attributes
    ----------
    gradient : ndarray, shape (K, J)
        ``sum x (w y - w p)``.
    hessian : ndarray, shape (J, K, K), or None
        ``sum w p (1 - p) x x'``.
    meat : ndarray, shape (J, K, K), or None
        Sum over clusters (or labels) of the outer product of their scores.
    log_likelihood, slope, steepest : ndarray, shape (J,)
        Log-likelihood, ``sum w p (1 - p)`` and the largest ``|x'b|`` of a labelled row.
    curvature : ndarray, shape (K, J), or None
        ``sum w p (1 - p) (1 - 2 p) x``, for the average marginal effect's error.
    """

    gradient: Array
    hessian: Array | None = None
    meat: Array | None = None
    log_likelihood: Array | None = None
    slope: Array | None = None
    steepest: Array | None = None
    curvature: Array | None = None

    def __add__(self, other: Moments) -> Moments:
        def add(name: str) -> Any:
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine is None:
                return None
            return np.maximum(mine, theirs) if name == "steepest" else mine + theirs

        return Moments(**{name: add(name) for name in self.__dataclass_fields__})

    def of_groups(self, at: Any) -> Moments:
        """Return the sums of some groups."""

        def cut(name: str) -> Any:
            mine = getattr(self, name)
            if mine is None:
                return None
            return mine[:, at] if name in ("gradient", "curvature") else mine[at]

        return Moments(**{name: cut(name) for name in self.__dataclass_fields__})


def gradient_pass(X: Array, cells: Cells, beta: Array) -> Moments:
    """Return gradients only, the cheapest pass."""
    return _map_chunks(partial(_chunk, beta=beta, hessian=False), X, cells, None)


def newton_pass(X: Array, cells: Cells, beta: Array) -> Moments:
    """Return gradients, Hessians and log-likelihoods."""
    return _map_chunks(partial(_chunk, beta=beta, hessian=True), X, cells, None)


def final_pass(X: Array, cells: Cells, beta: Array, starts: Codes | None, robust: bool) -> Moments:
    """Return everything that a result reports.

    Parameters
    ----------
    X : ndarray, shape (rows, K)
    cells : Cells
    beta : ndarray, shape (K, J)
    starts : ndarray or None
        First row of each cluster; rows of one cluster are neighbours. None: each label by
        itself (HC).
    robust : bool
        Whether the meat of the sandwich is wanted.
    """
    work = partial(_final_chunk, beta=beta, robust=robust)
    return _map_chunks(work, X, cells, starts)


def gram(X: Array, weight: Array) -> Array:
    """Return ``sum w x x'`` for each column of weights, shape (J, K, K)."""
    return _map_chunks(_gram_chunk, X, Cells(weight, weight), None).hessian  # type: ignore[return-value]


def logistic(eta: Array) -> Array:
    """Return 1 / (1 + exp(-eta)), in place.

    ``eta`` is held within +-700, where the result is 0 or 1 to the last bit anyway.
    """
    np.clip(eta, -700.0, 700.0, out=eta)
    np.negative(eta, out=eta)
    np.exp(eta, out=eta)
    eta += 1.0
    return np.asarray(np.reciprocal(eta, out=eta))


def run_sums(X: Array, weight: Array, starts: Codes) -> Array:
    """Return ``sum w x`` of each run of neighbouring rows, shape (runs, K).

    Parameters
    ----------
    X : ndarray, shape (rows, K)
    weight : ndarray, shape (rows,)
    starts : ndarray of int, shape (runs,)
        First row of each run.

    Examples
    --------
    >>> run_sums(np.ones((3, 1)), np.array([1.0, 2, 4]), np.array([0, 1])).tolist()
    [[1.0], [6.0]]
    """
    return RunSums(len(X), starts).of(X, weight)


class RunSums:
    """Sums over runs of neighbouring rows, of several matrices.

    Parameters
    ----------
    n : int
        Rows.
    starts : ndarray of int, shape (runs,)
        First row of each run.

    Examples
    --------
    >>> RunSums(3, np.array([0, 1])).of(np.ones((3, 1)), np.array([1.0, 2, 4])).tolist()
    [[1.0], [6.0]]
    """

    def __init__(self, n: int, starts: Codes) -> None:
        # a sparse matrix that holds the weights multiplies and sums in one pass
        bounds = np.append(starts, n).astype(np.int32)
        parts = (np.ones(n), np.arange(n, dtype=np.int32), bounds)
        self.matrix = sparse.csr_array(parts, shape=(len(starts), n))

    def of(self, X: Array, weight: Array) -> Array:
        """Return ``sum w x`` of each run, shape (runs, K)."""
        # its places are checked once; only the weights change
        self.matrix.data = np.ascontiguousarray(weight)
        return np.asarray(self.matrix @ X)


def _chunk(X: Array, cells: Cells, starts: Codes | None, *, beta: Array, hessian: bool) -> Moments:
    K, J = beta.shape
    gradient, loglik = np.zeros((K, J)), np.zeros(J)
    outer = _OuterProducts(K, J) if hessian else None
    for start, stop in _blocks(len(X), K, J):
        x, w, votes = X[start:stop], cells.weight[start:stop], cells.votes[start:stop]
        eta = x @ beta
        if outer is not None:
            loglik += _log_likelihood(eta, w, votes)
        p = logistic(eta)
        wp = w * p
        gradient += x.T @ (votes - wp)
        if outer is not None:
            wp -= wp * p
            outer.add(x, wp)
    if outer is None:
        return Moments(gradient)
    return Moments(gradient, outer.total()[0], log_likelihood=loglik)


def _final_chunk(
    X: Array, cells: Cells, starts: Codes | None, *, beta: Array, robust: bool
) -> Moments:
    K, J = beta.shape
    by_label = robust and starts is None
    outer = _OuterProducts(K, J, sets=2 if by_label else 1)
    gradient, curvature = np.zeros((K, J)), np.zeros((K, J))
    loglik, slope, steepest = np.zeros(J), np.zeros(J), np.zeros(J)
    scores = np.empty((len(X), J)) if robust and not by_label else None
    for start, stop in _blocks(len(X), K, J):
        x, block = X[start:stop], cells.take(slice(start, stop))
        eta = x @ beta
        steepest = np.maximum(steepest, np.where(block.weight > 0, np.abs(eta), 0.0).max(axis=0))
        loglik += _log_likelihood(eta, block.weight, block.votes)
        p = logistic(eta)
        residual = block.votes - block.weight * p
        gradient += x.T @ residual
        w = block.weight * p * (1.0 - p)
        slope += w.sum(axis=0)
        curvature += x.T @ (w * (1.0 - 2.0 * p))
        if by_label:
            outer.add(x, w, block.squared_residuals(p))
        else:
            outer.add(x, w)
        if scores is not None:
            scores[start:stop] = residual
    totals = outer.total()
    meat = totals[1] if by_label else None
    if scores is not None and starts is not None:
        meat = _cluster_meat(X, scores, starts)
    return Moments(gradient, totals[0], meat, loglik, slope, steepest, curvature)


def _log_likelihood(eta: Array, weight: Array, votes: Array) -> Array:
    softplus = np.maximum(eta, 0.0) + np.log1p(np.exp(-np.abs(eta)))
    return np.asarray((votes * eta - weight * softplus).sum(axis=0))


def _gram_chunk(X: Array, cells: Cells, starts: Codes | None) -> Moments:
    K, J = X.shape[1], cells.weight.shape[1]
    outer = _OuterProducts(K, J)
    for start, stop in _blocks(len(X), K, J):
        outer.add(X[start:stop], cells.weight[start:stop])
    return Moments(np.zeros((K, J)), outer.total()[0])


class _OuterProducts:
    """Accumulates ``sum w x x'`` for every group and set of weights.

    With many groups the products of each two columns are formed once a block, and one
    matrix product serves all groups; with few, each group is cheaper by itself.
    """

    def __init__(self, K: int, J: int, sets: int = 1) -> None:
        self.K, self.J, self.sets = K, J, sets
        self.pooled = sets * J >= _MANY_GROUPS
        self.upper = np.triu_indices(K)
        pairs = len(self.upper[0])
        self.sum: Array = np.zeros((pairs, sets * J) if self.pooled else (sets * J, K, K))
        self.buffer: Array = np.empty((0, 0))

    def add(self, x: Array, *weights: Array) -> None:
        w = weights[0] if len(weights) == 1 else np.concatenate(weights, axis=1)
        if not self.pooled:
            for column in range(w.shape[1]):
                self.sum[column] += x.T @ (x * w[:, column : column + 1])
            return
        xt = np.ascontiguousarray(x.T)
        if self.buffer.shape != (len(self.sum), len(x)):
            self.buffer = np.empty((len(self.sum), len(x)))
        position = 0
        for k in range(self.K):
            width = self.K - k
            np.multiply(xt[k:], xt[k], out=self.buffer[position : position + width])
            position += width
        self.sum += self.buffer @ w

    def total(self) -> list[Array]:
        if self.pooled:
            full: Array = np.empty((self.sets * self.J, self.K, self.K))
            i, j = self.upper
            full[:, i, j] = self.sum.T
            full[:, j, i] = self.sum.T
        else:
            full = self.sum.reshape(-1, self.K, self.K)
        return [full[s * self.J : (s + 1) * self.J] for s in range(self.sets)]


def _cluster_meat(X: Array, scores: Array, starts: Codes) -> Array:
    meat = np.empty((scores.shape[1], X.shape[1], X.shape[1]))
    for group in range(len(meat)):
        sums = run_sums(X, scores[:, group], starts)
        meat[group] = sums.T @ sums
    return meat


def _blocks(n: int, K: int, J: int) -> list[tuple[int, int]]:
    # the values of a block and its products must stay in the processor's cache
    size = max(256, min(8192, _BLOCK_VALUES // max(K, J)))
    return [(start, min(start + size, n)) for start in range(0, n, size)]


def _map_chunks(
    work: Callable[..., Moments], X: Array, cells: Cells, starts: Codes | None
) -> Moments:
    pieces = _pieces(len(X), starts)
    arguments = [(X[a:b], cells.take(slice(a, b)), part) for a, b, part in pieces]
    if len(pieces) == 1:
        with one_thread():
            return work(*arguments[0])
    parts = in_threads(lambda piece: work(*piece), arguments)
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _pieces(n: int, starts: Codes | None) -> list[tuple[int, int, Codes | None]]:
    count = _CHUNKS if n >= 4096 else 1
    cuts = np.linspace(0, n, count + 1).astype(np.int64)
    if starts is None:
        return [(int(a), int(b), None) for a, b in itertools.pairwise(cuts)]
    first = np.unique(np.searchsorted(starts, cuts[:-1]))
    first = first[first < len(starts)]
    edges = np.append(first, len(starts))
    bounds = np.append(starts, n)
    return [
        (int(bounds[a]), int(bounds[b]), starts[a:b] - starts[a])
        for a, b in itertools.pairwise(edges)
    ]


def in_threads(work: Callable[..., Piece], *arguments: Iterable[Any]) -> list[Piece]:
    """Return ``work`` of each of the arguments, as ``map`` does, from a pool of threads.

    The work must not wait for the pool itself.

    Examples
    --------
    >>> in_threads(pow, [2, 3], [2, 2])
    [4, 9]
    """
    with one_thread():
        return list(_worker_pool().map(work, *arguments))


@cache
def _worker_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=os.cpu_count() or 1)
