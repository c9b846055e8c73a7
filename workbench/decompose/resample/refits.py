"""Refits to resampled clusters, all replicates at once.

With the full fit's weights b, its Hessian ``H = L L'`` and ``z = L^-1 x``, a replicate that
counts cluster g ``c_g`` times has the weights ``b + L^-T d`` where

    sum_i c_i z_i (v_i - w_i p_i) = sum_i c_i z_i w_i (p(eta_i + z_i'd) - p(eta_i)).

The left side is one product of cluster scores and counts. The right side is near d, so that
d is found by repeated correction; d is in standard errors of the full fit, whatever the scale
of the factors. The change of p is ``2 p (1 - p) t / (1 + (2 p - 1) t)`` with
``t = tanh(z'd / 2)``: small by itself, so that single precision brings d near and a pass in
double ends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import bernoulli, factorial

from workbench.decompose.identify import STEEP, separation
from workbench.decompose.kernel import Array, Cells, Codes, gram, in_threads, logistic
from workbench.decompose.logit import refit
from workbench.decompose.resample.anderson import Secants, lengths

Counts = NDArray[np.uint8]

TOLERANCE = 1e-8
"""Distance to a replicate's optimum, in standard errors of the full fit, that counts as there."""

RANK, SEPARATED, UNFINISHED = 1, 2, 3
"""Codes of what can be wrong with a replicate; 0 is nothing."""

FAILURES = {
    RANK: "the drawn clusters do not identify every term",
    SEPARATED: "separation: a weight is infinite on the drawn clusters",
    UNFINISHED: "the fit to the drawn clusters did not converge",
}

WIDTH = 128
_ROWS = 512
_PASSES = 14
_NEWTON_VALUES = 4_000_000
_SINGULAR = 1e-9
_SINGLE_FLOOR = 1e-6
"""Distance at which rounding in single precision may begin to show."""

_SERIES = 1.0
"""Size of z'd up to which a series is used, and single precision at first."""

_TERMS = 24
_FAR = 30.0
"""Size of z'd from which tanh may round to 1: Newton's method takes over."""

_SLOW = 0.5
"""A contraction per pass worse than this asks for Newton steps."""

_CERTAIN = 1e-15
"""Probability of a singular replicate below which none is looked for."""


@dataclass(frozen=True, eq=False)
class Problem:
    """One group's fit in the coordinates of its standard errors.

    Attributes
    ----------
    X, Z : ndarray, shape (rows, k)
        Active columns on the labelled rows, and the same with the Hessian as the identity.
    factor : ndarray, shape (k, k)
        L of ``H = L L'``.
    coef : ndarray, shape (k,)
    weight, votes, p : ndarray, shape (rows,)
    cluster : ndarray of int, shape (rows,)
        Row of the count matrix; sorted.
    scores : ndarray, shape (own clusters, k)
        Sums of ``z (v - w p)``, and
    own : ndarray of int, shape (own clusters,)
        the row of the count matrix of each.
    """

    X: Array
    Z: Array
    factor: Array
    coef: Array
    weight: Array
    votes: Array
    p: Array
    cluster: Codes
    scores: Array
    own: Codes

    @classmethod
    def at(cls, X: Array, weight: Array, votes: Array, coef: Array, cluster: Codes) -> Problem:
        """Build from active columns and the weights of the full fit.

        Raises
        ------
        numpy.linalg.LinAlgError
            The Hessian is singular to working precision.
        """
        p = logistic(X @ coef)
        hessian = gram(X, (weight * p * (1.0 - p))[:, None])[0]
        size = np.sqrt(np.diag(hessian))
        factor = size[:, None] * np.linalg.cholesky(hessian / np.outer(size, size))
        Z = np.ascontiguousarray(solve_triangular(factor, X.T, lower=True).T)
        own, starts = np.unique(cluster, return_index=True)
        scores = np.add.reduceat(Z * (votes - weight * p)[:, None], starts, axis=0)
        return cls(X, Z, factor, coef, weight, votes, p, cluster, scores, own)

    @property
    def slope(self) -> Array:
        """``w p (1 - p)`` of each row."""
        return np.asarray(self.weight * self.p * (1.0 - self.p))

    def weights(self, d: Array) -> Array:
        """Return coefficients, shape (replicates, k), from standardised steps (k, replicates)."""
        return np.asarray(self.coef + solve_triangular(self.factor, d, lower=True, trans="T").T)


def draw_counts(n_clusters: int, replicates: int, rng: np.random.Generator) -> list[Counts]:
    """Return how often each replicate draws each cluster, in blocks (clusters, <= WIDTH)."""
    blocks = []
    for start in range(0, replicates, WIDTH):
        width = min(WIDTH, replicates - start)
        counts = np.empty((width, n_clusters), dtype=np.uint8)
        for row in counts:
            drawn = rng.integers(0, n_clusters, n_clusters, dtype=np.int64)
            row[:] = np.bincount(drawn, minlength=n_clusters)
        blocks.append(np.ascontiguousarray(counts.T))
    return blocks


def multiplier_steps(problem: Problem, bits: Counts) -> Array:
    """Return ``sum_g xi_g s_g`` for each column of signs, shape (k, columns)."""
    total = problem.scores.sum(axis=0)[:, None]
    return np.asarray(2.0 * linear_steps(problem, bits) - total)


def linear_steps(problem: Problem, counts: Counts) -> Array:
    """Return ``sum_g c_g s_g`` for each column of counts, shape (k, columns)."""
    total = np.zeros((problem.scores.shape[1], counts.shape[1]))
    for start in range(0, len(problem.own), _ROWS):
        part = slice(start, start + _ROWS)
        block = counts.take(problem.own[part], axis=0).astype(np.float64)
        total += problem.scores[part].T @ block
    return total


def exact_draws(problem: Problem, blocks: list[Counts]) -> tuple[Array, Codes]:
    """Refit a group to every replicate.

    Parameters
    ----------
    problem : Problem
    blocks : list of ndarray, each of shape (clusters, <= WIDTH)

    Returns
    -------
    draws : ndarray, shape (replicates, k)
        Weights; NaN where a replicate has none.
    failure : ndarray of int, shape (replicates,)
        0, or the key of :data:`FAILURES`.
    """
    safe = _never_singular(problem, sum(block.shape[1] for block in blocks))
    single = _Rows.of(problem, np.float32)
    double = _Rows.of(problem, np.float64)

    def work(counts: Counts) -> tuple[Array, Codes]:
        return _refit_block(problem, single, double, counts, safe)

    parts = in_threads(work, blocks)
    # these run threads of their own, so they wait until the pool is free
    for (draws, failure), counts in zip(parts, blocks, strict=True):
        _newton(problem, counts, draws, failure)
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


@dataclass(frozen=True, eq=False)
class _Rows:
    """What a pass reads, in one precision."""

    Z: NDArray[Any]
    sloped: NDArray[Any]
    tilt: NDArray[Any]
    cluster: Codes
    longest: float

    @classmethod
    def of(cls, problem: Problem, dtype: Any) -> _Rows:
        Z = problem.Z.astype(dtype, copy=False)
        sloped = (problem.Z * (2.0 * problem.slope)[:, None]).astype(dtype, copy=False)
        tilt = (2.0 * problem.p - 1.0)[:, None].astype(dtype)
        longest = float(np.sqrt((problem.Z**2).sum(axis=1).max(initial=0.0)))
        return cls(Z, sloped, tilt, problem.cluster, longest)

    def change(self, counts: Counts, d: Array) -> Array:
        """Return ``sum_i c_i z_i w_i (p(eta_i + z_i'd) - p(eta_i))``, shape (k, width)."""
        total = np.zeros_like(d)
        d = d.astype(self.Z.dtype, copy=False)
        # fresh memory for every block would cost more than the sums
        room = np.empty((3, _ROWS, d.shape[1]), dtype=self.Z.dtype)
        times = np.empty((_ROWS, d.shape[1]), dtype=np.uint8)
        for start in range(0, len(self.Z), _ROWS):
            rows = slice(start, start + _ROWS)
            z = self.Z[rows]
            (t, other, scratch), drawn = room[:, : len(z)], times[: len(z)]
            np.matmul(z, d, out=t)
            _half_tanh(t, other, scratch)
            np.multiply(t, self.tilt[rows], out=other)
            other += 1.0
            t /= other
            counts.take(self.cluster[rows], axis=0, out=drawn, mode="clip")
            t *= drawn
            total += self.sloped[rows].T @ t
        return total

    def hessians(self, counts: Counts) -> Array:
        """Return ``sum_i c_i w_i p_i (1 - p_i) z_i z_i'``, shape (width, k, k)."""
        k = self.Z.shape[1]
        i, j = np.triu_indices(k)
        total = np.zeros((len(i), counts.shape[1]))
        for start in range(0, len(self.Z), _ROWS):
            rows = slice(start, start + _ROWS)
            products = self.Z[rows][:, i] * (0.5 * self.sloped[rows])[:, j]
            total += products.T @ counts.take(self.cluster[rows], axis=0).astype(np.float64)
        full = np.empty((counts.shape[1], k, k))
        full[:, i, j] = full[:, j, i] = total.T
        return full


def _half_tanh(x: NDArray[Any], square: NDArray[Any], total: NDArray[Any]) -> None:
    """Replace x by tanh(x / 2), precise relative to its size; the others are scratch."""
    reach = max(float(x.max()), -float(x.min()), 1e-6)
    if reach > _SERIES:
        # faster than numpy's tanh, and as precise; beyond 60 it is 1
        np.clip(x, -60.0, 60.0, out=x)
        np.expm1(x, out=x)
        np.add(x, 2.0, out=total)
        x /= total
        return
    # each term of the series is (x / pi)^2 of the one before
    precision = 1e-7 if x.dtype == np.float32 else 1e-12
    last = int(np.log(precision) / (2.0 * np.log(reach / np.pi)))
    coefficients = _tanh_series()
    np.multiply(x, x, out=square)
    np.multiply(square, coefficients[last + 1], out=total)
    for coefficient in coefficients[last:0:-1]:
        total += coefficient
        total *= square
    total += coefficients[0]
    x *= total


@cache
def _tanh_series() -> list[float]:
    """Coefficients of x, x^3, x^5, ... in tanh(x / 2)."""
    n = np.arange(2, 2 * _TERMS + 1, 2)
    series: list[float] = (2.0 * (2.0**n - 1.0) * bernoulli(2 * _TERMS)[n] / factorial(n)).tolist()
    return series


def _never_singular(problem: Problem, replicates: int) -> bool:
    """Whether surely no replicate loses 99 percent of the information in some direction.

    A matrix Chernoff bound (Tropp 2012, theorem 1.1): the smallest eigenvalue of a sum of
    independent draws, each at most R in size and the identity in mean together, falls below
    e with probability at most ``k (exp(e - 1) / e^e)^(1 / R)``. R is at most the largest
    leverage of a cluster.
    """
    leverage = np.bincount(problem.cluster, problem.slope * (problem.Z**2).sum(axis=1)).max()
    e = 0.01
    chance = np.log(problem.Z.shape[1] * replicates) + (e - 1.0 - e * np.log(e)) / leverage
    return bool(chance < np.log(_CERTAIN))


def _refit_block(
    problem: Problem, single: _Rows, double: _Rows, counts: Counts, safe: bool
) -> tuple[Array, Codes]:
    width = counts.shape[1]
    failure = np.zeros(width, dtype=np.int64)
    inverse = None
    if not safe:
        hessians = double.hessians(counts)
        values, vectors = np.linalg.eigh(hessians)
        failure[values[:, 0] < _SINGULAR] = RANK
        values = np.maximum(values, _SINGULAR)
        inverse = (vectors / values[:, None, :]) @ vectors.transpose(0, 2, 1)
    d, there = _iterate(linear_steps(problem, counts), counts, single, double, inverse)
    failure[~there & (failure == 0)] = UNFINISHED
    draws = problem.weights(np.where(failure == 0, d, 0.0))
    draws[failure != 0] = np.nan
    return draws, failure


def _iterate(
    base: Array, counts: Counts, single: _Rows, double: _Rows, inverse: Array | None
) -> tuple[Array, NDArray[np.bool_]]:
    """Correct d until each column's optimum is within the tolerance, or will not be reached."""
    d = base if inverse is None else np.einsum("rkl,lr->kr", inverse, base)
    memory = Secants()
    last = lengths(d)
    slowest = np.zeros(len(last))
    there = np.zeros(len(last), dtype=bool)
    rows = single if single.longest * last.max() < _SERIES else double
    for _ in range(_PASSES):
        # the residual is that of the point which the pass can represent
        d = d.astype(rows.Z.dtype).astype(np.float64)
        residual = base - rows.change(counts, d)
        if inverse is not None:
            residual = np.einsum("rkl,lr->kr", inverse, residual)
        length = lengths(residual)
        rate = np.divide(length, last, out=np.zeros_like(last), where=last > 0)
        if rows is single or not memory.changes:
            slowest = np.maximum(slowest, rate)
        d = memory.advance(d, residual)
        # the slowest step seen so far, half as much again, bounds what this step has left
        left = 1.5 * slowest * length
        going = slowest < _SLOW
        if rows is double:
            there = going & (left < TOLERANCE) & (double.longest * lengths(d) < _FAR)
        if there[going].all() and (rows is double or not going.any()):
            break
        if (rate * left)[going].max() < TOLERANCE or length[going].max() < _SINGLE_FLOOR:
            if rows is single:
                memory.forget_point()
            rows = double
        last = length
    return d, there


def _newton(problem: Problem, counts: Counts, draws: Array, failure: Codes) -> None:
    """Refit by damped Newton steps what the corrections did not reach; say what is infinite."""
    left = np.flatnonzero(failure == UNFINISHED)
    for some in _batches(left, len(problem.X)):
        times = counts[:, some].take(problem.cluster, axis=0).astype(np.float64)
        cells = Cells(times * problem.weight[:, None], times * problem.votes[:, None])
        k = problem.X.shape[1]
        active = np.ones((len(some), k), dtype=bool)
        coef = refit(problem.X, cells, active, np.tile(problem.coef, (len(some), 1)))
        for column, r in enumerate(some):
            drawn = times[:, column] > 0
            if not np.isfinite(coef[column]).all() or (
                np.abs(problem.X[drawn] @ coef[column]).max() > STEEP
            ):
                infinite, _ = separation(
                    problem.X[drawn], problem.weight[drawn], problem.votes[drawn], active[column]
                )
                if infinite.any():
                    failure[r] = SEPARATED
                    continue
            if np.isfinite(coef[column]).all():
                draws[r], failure[r] = coef[column], 0


def _batches(which: Codes, rows: int) -> Iterator[Codes]:
    size = max(1, min(32, _NEWTON_VALUES // max(rows, 1)))
    for start in range(0, len(which), size):
        yield which[start : start + size]
