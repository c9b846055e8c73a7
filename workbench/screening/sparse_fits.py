"""One small fit a sparse factor, all factors at once, by the rows on which each differs.

Beside the controls a factor moves the rows on which it is 0 as well, through the controls'
weights. It moves those by little: what such rows add to the sums of Newton's method is a power
series about the fit of the controls alone, the same for every factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from workbench.decompose.kernel import Array, logistic

Codes = NDArray[np.int64]

ORDER, CLUSTER_ORDER = 6, 4
"""Powers of a change of the controls' weights that are kept in sums, and in those of clusters."""

MOST_CONTROLS = 3
"""Controls beyond which the powers are too many."""

_STEPS = 60
_NEAR = 1e-9
_STEEP = 30.0
_INDEPENDENT = 1e-9
_MISSED = 1e-11
"""Share of a label's weight by which the series may miss a sum."""


@dataclass(frozen=True, eq=False)
class SparseFits:
    """Fits of P sparse factors.

    Attributes
    ----------
    estimate : ndarray, shape (P,)
        NaN where there is none.
    squares : ndarray, shape (P,)
        Sum of the squared pulls of the clusters on the weight.
    influence : ndarray, shape (clusters, P), or None
    varies, close : ndarray of bool, shape (P,)
        Whether the factor differs from 0 and from the controls; whether the series holds.
    """

    estimate: Array
    squares: Array
    influence: Array | None
    varies: NDArray[np.bool_]
    close: NDArray[np.bool_]


class _Rows:
    """Rows at the fit of the controls alone: sums of their scores as polynomials of a change."""

    def __init__(self, controls: Array, weight: Array, votes: Array, starts: Codes) -> None:
        self.weight, self.votes, self.starts = weight, votes, starts
        self.n, self.C = controls.shape
        # in units in which the Hessian of the controls is I
        at = _fit(controls, weight, votes)
        self.eta = controls @ at
        p = logistic(self.eta.copy())
        factor = np.linalg.cholesky((controls.T * (weight * p * (1.0 - p))) @ controls)
        self.c = np.ascontiguousarray(np.linalg.solve(factor, controls.T).T)
        self.scores = _derivatives(p, weight, votes)
        self.reach = float(np.sqrt((self.c**2).sum(axis=1).max(initial=0.0)))
        self.sums = [self._sum(k) for k in range(ORDER + 1)]

    def _sum(self, k: int) -> Array:
        """Return ``sum r^(k) c c ... c / k!`` with ``k + 1`` factors c, shape (C, C^k)."""
        powers = np.ones((len(self.c), 1))
        for _ in range(k):
            powers = _risen(powers, self.c)
        return np.asarray((self.c.T * self.scores[k]) @ powers) / factorial(k)

    def gradient(self, d: Array) -> tuple[Array, Array]:
        """Return the sums of scores at changes d (P, C), and minus their derivative."""
        gradient, hessian = np.zeros_like(d), np.zeros((*d.shape, self.C))
        powers = np.ones((len(d), 1))
        for k, total in enumerate(self.sums):
            gradient += powers @ total.T
            if k < ORDER:
                nxt = self.sums[k + 1].reshape(self.C, self.C**k, self.C)
                hessian -= (k + 1) * np.einsum("aqb,pq->pab", nxt, powers)
            powers = _risen(powers, d)
        return gradient, hessian

    def by_cluster(self) -> Array:
        """Return each cluster's part of the sums, shape (clusters, monomials)."""
        parts = []
        powers = np.ones((len(self.c), 1))
        for k in range(CLUSTER_ORDER + 1):
            own = _risen(self.scores[k][:, None] * self.c, powers) / factorial(k)
            parts.append(np.add.reduceat(own, self.starts, axis=0))
            powers = _risen(powers, self.c)
        return np.concatenate(parts, axis=1)

    def monomials(self, pull: Array, d: Array) -> Array:
        """Return what turns :meth:`by_cluster` into pulls: ``pull`` (P, C) times powers of d."""
        parts, powers = [], np.ones((len(d), 1))
        for _ in range(CLUSTER_ORDER + 1):
            parts.append(_risen(pull, powers))
            powers = _risen(powers, d)
        return np.concatenate(parts, axis=1)

    def close(self, d: Array) -> NDArray[np.bool_]:
        """Whether what the series leaves out is nothing beside a label's score."""
        moved = np.sqrt((d**2).sum(axis=1)) * self.reach
        # the derivatives of a logistic function over k! fall as pi^-k
        return np.asarray((moved / np.pi) ** (ORDER + 1) < _MISSED)


class _Newton:
    """Newton's method for every factor at once, on the values of the factors that are not 0."""

    def __init__(self, X: sparse.csc_array, size: Array, rows: _Rows) -> None:
        self.P, self.rows = X.shape[1], rows
        self.row = X.indices.astype(np.int64)
        self.column = np.repeat(np.arange(self.P), np.diff(X.indptr))
        self.begins = X.indptr.astype(np.int64)
        self.x = X.data / size[self.column]
        self.c, self.eta = rows.c[self.row], rows.eta[self.row]
        self.weight, self.votes = rows.weight[self.row], rows.votes[self.row]
        self.coef = np.zeros((self.P, 1 + rows.C))
        self.hessian = np.tile(np.eye(1 + rows.C), (self.P, 1, 1))

    def run(self, varies: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Iterate, and return which factors have come to an end."""
        done = ~varies
        for _ in range(_STEPS):
            live = np.flatnonzero(~done)
            if not len(live):
                break
            at = slice(None) if not done.any() else np.flatnonzero(~done[self.column])
            gradient = self._derivatives(at, live)
            inner = self.hessian[live]
            step = np.linalg.solve(inner, gradient[:, :, None])[:, :, 0]
            ended = np.abs(step * gradient).sum(axis=1) < _NEAR**2
            # a long step of Newton's method may overshoot: |x'b| moves by at most 4
            full = np.zeros_like(self.coef)
            full[live] = step
            reach = self.rows.reach * np.sqrt((full[:, 1:] ** 2).sum(axis=1))
            reach += self._largest(at, self.x[at] * full[self.column[at], 0])
            short = np.minimum(1.0, 4.0 / np.maximum(reach, 4.0))[:, None]
            full[live[ended]] = 0.0
            self.coef += full * short
            done[live] = ended
            done |= self.steep(at)
        return done

    def steep(self, at: Codes | slice = slice(None)) -> NDArray[np.bool_]:
        """Return which factors move a row by more than any label could tell."""
        return self._largest(at, self.x[at] * self.coef[self.column[at], 0]) > _STEEP

    def _largest(self, at: Codes | slice, value: Array) -> Array:
        found = np.zeros(self.P)
        column = self.column[at]
        if len(column):
            first = np.flatnonzero(np.r_[True, column[1:] != column[:-1]])
            found[column[first]] = np.maximum.reduceat(np.abs(value), first)
        return found

    def _residuals(self, at: Codes | slice) -> tuple[Array, Array, Array, Array]:
        """Return residuals and slopes of rows, with the factor in the model and without it."""
        column = self.column[at]
        # a name for each takes less than an array of all, a value at a time
        without = self.eta[at].copy()
        for a in range(self.rows.C):
            without += self.c[at, a] * self.coef[column, 1 + a]
        weight, votes = self.weight[at], self.votes[at]
        p = logistic(without + self.x[at] * self.coef[column, 0])
        own = votes - weight * p
        slope = weight * p * (1.0 - p)
        if not self.rows.C:
            return own, own, slope, slope
        q = logistic(without)
        return own, votes - weight * q, slope, weight * q * (1.0 - q)

    def _derivatives(self, at: Codes | slice, live: Codes) -> Array:
        """Set the Hessians of some factors; return their gradients, shape (live, 1 + C)."""
        x, c = self.x[at], self.c[at]
        own, none, slope, flat = self._residuals(at)
        sizes = np.diff(self.begins)[live]
        starts = np.append(0, np.cumsum(sizes)[:-1])

        def total(value: Array) -> Array:
            # a factor that differs nowhere is not live
            return np.asarray(np.add.reduceat(value, starts))

        gradient, hessian = np.empty((len(live), 1 + self.rows.C)), self.hessian[live]
        away, curved = self.rows.gradient(self.coef[live, 1:])
        gradient[:, 0], hessian[:, 0, 0] = total(x * own), total(slope * x * x)
        for a in range(self.rows.C):
            gradient[:, 1 + a] = away[:, a] + total((own - none) * c[:, a])
            hessian[:, 0, 1 + a] = hessian[:, 1 + a, 0] = total(slope * x * c[:, a])
            for b in range(self.rows.C):
                more = total((slope - flat) * c[:, a] * c[:, b])
                hessian[:, 1 + a, 1 + b] = curved[:, a, b] + more
        # labels that separate drive the Hessian to 0; the fit is then given up
        ridge = 1e-12 * np.einsum("pkk->p", hessian) + 1e-300
        hessian += ridge[:, None, None] * np.eye(1 + self.rows.C)
        self.hessian[live] = hessian
        return gradient

    def pulls(self, usable: NDArray[np.bool_], size: Array, keep: bool) -> tuple[Array, Any]:
        """Return the squared pulls of clusters on the weights, (P,), and if wanted the pulls."""
        rows = self.rows
        pull = np.linalg.inv(self.hessian)[:, 0] * (usable / size)[:, None]
        own, none, _, _ = self._residuals(slice(None))
        value = own * self.x * pull[self.column, 0]
        for a in range(rows.C):
            value += (own - none) * self.c[:, a] * pull[self.column, 1 + a]
        # rows of a column ascend, and with them clusters: each one's run is added up
        cluster = np.repeat(np.arange(len(rows.starts)), np.diff(rows.starts, append=rows.n))
        of_value = cluster[self.row]
        first = np.flatnonzero((np.diff(of_value, prepend=-1) != 0)
                               | (np.diff(self.column, prepend=-1) != 0))  # fmt: skip
        at, column = of_value[first], self.column[first]
        more = np.add.reduceat(value, first) if len(first) else value
        squares = np.bincount(column, more**2, self.P).astype(np.float64)
        influence = np.zeros((len(rows.starts), self.P)) if keep else None
        if rows.C:
            base, change = rows.by_cluster(), rows.monomials(pull[:, 1:], self.coef[:, 1:])
            squares += np.einsum("pm,pm->p", change @ (base.T @ base), change)
            ends = np.searchsorted(column, np.arange(self.P + 1))
            own_parts = sparse.csr_array((more, at, ends), shape=(self.P, len(rows.starts)))
            squares += 2.0 * np.einsum("pm,pm->p", own_parts @ base, change)
            if influence is not None:
                np.matmul(base, change.T, out=influence)
        if influence is not None:
            influence[at, column] += more
        return squares, influence


def fit_sparse(
    X: sparse.csc_array,
    controls: Array,
    weight: Array,
    votes: Array,
    starts: Codes,
    *,
    keep_influence: bool,
) -> SparseFits:
    """Fit ``logit P = x_k b + c'g`` for every column of a sparse matrix.

    Parameters
    ----------
    X : sparse array, shape (rows, P)
    controls : ndarray, shape (rows, C)
    weight, votes : ndarray, shape (rows,)
    starts : ndarray of int
        First row of each cluster.
    keep_influence : bool

    Raises
    ------
    numpy.linalg.LinAlgError
        The controls depend on each other.
    """
    X, P = X.sorted_indices(), X.shape[1]
    column = np.repeat(np.arange(P), np.diff(X.indptr))
    size = np.sqrt(np.bincount(column, weight[X.indices] * X.data**2, P))
    varies = size > 0
    size = np.where(varies, size, 1.0)
    if controls.shape[1]:
        root = np.sqrt(weight)[:, None]
        basis = np.linalg.qr(controls * root)[0]
        seen = (X.T @ (basis * root)) / size[:, None]
        varies &= 1.0 - (seen**2).sum(axis=1) > _INDEPENDENT
    rows = _Rows(controls, weight, votes, starts)
    newton = _Newton(X, size, rows)
    usable = newton.run(varies) & varies & ~newton.steep()
    squares, influence = newton.pulls(usable, size, keep_influence)
    estimate = np.where(usable, newton.coef[:, 0] / size, np.nan)
    close = rows.close(newton.coef[:, 1:]) | ~varies
    return SparseFits(estimate, squares, influence, varies, close)


def _risen(powers: Array, by: Array) -> Array:
    """Return each row's products of two rows' values, the second's changing fastest."""
    shape = (len(powers), powers.shape[1] * by.shape[1])
    return np.asarray((powers[:, :, None] * by[:, None, :]).reshape(shape))


def _derivatives(p: Array, weight: Array, votes: Array) -> list[Array]:
    """Return the score of rows and its derivatives along their linear predictor."""
    # a polynomial of p, whose derivative by the predictor is p (1 - p) times that by p
    found, polynomial = [votes - weight * p], np.polynomial.Polynomial([0.0, 1.0])
    slope = np.polynomial.Polynomial([0.0, 1.0, -1.0])
    for _ in range(ORDER):
        polynomial = polynomial.deriv() * slope
        found.append(-weight * polynomial(p))
    return found


def _fit(controls: Array, weight: Array, votes: Array) -> Array:
    b = np.zeros(controls.shape[1])
    for _ in range(_STEPS):
        p = logistic(controls @ b)
        gradient = controls.T @ (votes - weight * p)
        step = np.linalg.solve((controls.T * (weight * p * (1.0 - p))) @ controls, gradient)
        reach = np.abs(controls @ step).max(initial=0.0)
        b = b + step * min(1.0, 4.0 / max(reach, 4.0))
        if step @ gradient < 1e-24 * max(len(controls), 1):
            break
    return np.asarray(b)
