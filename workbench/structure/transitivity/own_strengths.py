"""Strengths of each person's own, partially pooled with one spread for all items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array, Codes, logistic

_DRAWS = 64
_ROUNDS = 12
_NEWTON = 8
_TOLERANCE = 0.005
_WIDER = 1.2
_LARGEST = 20_000_000
"""Numbers in the curvatures, or the draws, of all units above which the fit is left out."""


@dataclass(frozen=True, eq=False)
class OwnStrengths:
    """Mean strengths, shape (M,), of sum 0, and the spread of each item's between units.

    ``own``, shape (U, M), holds those of each unit, in the order of the codes.
    """

    mu: Array
    tau: float
    own: Array


def own_strengths(
    unit: Codes, first: Codes, second: Codes, won: NDArray[np.bool_], M: int
) -> OwnStrengths | str:
    r"""Fit ``b_u ~ Normal(mu, tau^2 I)`` to decisions, by simulated likelihood.

    Draws come from Laplace's approximation of each unit and count by their density: with some
    fifteen decisions a unit, Laplace's own ``tau`` is a third too small. There is one ``tau``
    for all items, so that the fit depends neither on a reference nor on names, as one of
    :func:`workbench.compare.pooling.pool` with a spread of each column would.

    Parameters
    ----------
    unit, first, second : ndarray of int, shape (n,)
        Who decided between which items.
    won : ndarray of bool, shape (n,)
        The first was preferred.
    M : int

    Returns
    -------
    OwnStrengths or str
        Why there is no fit.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> b = rng.normal(size=(200, 3))  # nothing in common, a spread of 1
    >>> first, second = np.triu_indices(3, 1)
    >>> unit = np.repeat(np.arange(200), 60)
    >>> i, j = np.tile(first, 4000), np.tile(second, 4000)
    >>> won = rng.random(12000) < logistic(b[unit, i] - b[unit, j])
    >>> round(own_strengths(unit, i, j, won, 3).tau, 1)
    1.0
    """
    names, u = np.unique(unit, return_inverse=True)
    U = len(names)
    if U * M * max(M, _DRAWS) > _LARGEST:
        return f"too many people or contexts ({U:,}) with {M} items each"
    key, at = np.unique((u * M + first) * M + second, return_inverse=True)
    n = np.bincount(at).astype(np.float64)
    s = np.asarray(np.bincount(at, won.astype(np.float64)), dtype=np.float64)
    cell, i, j = key // (M * M), key // M % M, key % M
    data = _Decisions(U, M, cell, i, j, n, s)
    z = np.random.default_rng(0).standard_normal((_DRAWS // 2, U, M))
    z = np.concatenate([z, -z])
    mu, tau, b = np.zeros(M), 1.0, np.zeros((U, M))
    for _ in range(_ROUNDS):
        b, V = data.modes(b, mu, tau**2)
        root = _WIDER * np.linalg.cholesky(V)
        drawn = b + np.einsum("umk,ruk->rum", root, z)
        base = data.log_likelihood(drawn) + 0.5 * (z**2).sum(axis=2)
        before, (mu, tau) = tau, _best(drawn, base, mu, tau)
        if abs(np.log(tau / before)) < _TOLERANCE:
            break
    own = data.modes(b, mu, tau**2)[0]
    return OwnStrengths(mu - mu.mean(), tau, own - own.mean(axis=1, keepdims=True))


def _best(drawn: Array, base: Array, mu: Array, tau: float) -> tuple[Array, float]:
    """Return mean and spread of greatest simulated likelihood, given draws by their density."""
    from scipy.optimize import minimize

    M = drawn.shape[2]

    def loss(x: Array) -> tuple[float, Array]:
        spread = np.exp(2 * x[M])
        apart = drawn - x[:M]
        square = (apart**2).sum(axis=2)
        log_weight = base - 0.5 * square / spread - M * x[M]
        top = log_weight.max(axis=0)
        weight = np.exp(log_weight - top)
        total = weight.sum(axis=0)
        weight /= total
        slope = np.einsum("ru,rum->m", weight, apart) / spread
        growth = float((weight * (square / spread - M)).sum())
        return -float((np.log(total) + top).sum()), -np.append(slope, growth)

    start = np.append(mu, np.log(tau))
    bounds = [(None, None)] * M + [(np.log(1e-3), np.log(20.0))]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return np.asarray(found[:M]), float(np.exp(found[M]))


@dataclass(frozen=True, eq=False)
class _Decisions:
    """Decisions of U units between M items: n of a cell, s of them for the first."""

    U: int
    M: int
    cell: Codes
    i: Codes
    j: Codes
    n: Array
    s: Array

    def log_likelihood(self, b: Array) -> Array:
        """Return that of each unit under strengths (R, U, M), shape (R, U)."""
        eta = b[:, self.cell, self.i] - b[:, self.cell, self.j]
        told = self.s * eta - self.n * np.logaddexp(0.0, eta)
        starts = np.searchsorted(self.cell, np.arange(self.U))  # cells are sorted by unit
        return np.asarray(np.add.reduceat(told, starts, axis=1))

    def modes(self, b: Array, mu: Array, tau2: float) -> tuple[Array, Array]:
        """Return each unit's mode and Laplace covariance, shapes (U, M) and (U, M, M)."""
        U, M = self.U, self.M
        left, right = self.cell * M + self.i, self.cell * M + self.j
        H = np.empty((U, M, M))
        for _ in range(_NEWTON):
            flat = b.ravel()
            p = logistic(flat[left] - flat[right])
            r, h = self.s - self.n * p, self.n * p * (1 - p)
            pull = np.bincount(left, r, U * M) - np.bincount(right, r, U * M)
            gradient = pull.reshape(U, M) - (b - mu) / tau2
            H[:] = np.eye(M) / tau2
            own = np.bincount(left, h, U * M) + np.bincount(right, h, U * M)
            H[:, np.arange(M), np.arange(M)] += own.reshape(U, M)
            H[self.cell, self.i, self.j] -= h
            H[self.cell, self.j, self.i] -= h
            step = np.linalg.solve(H, gradient[:, :, None])[:, :, 0]
            # a logistic curvature can overshoot: no strength moves by more than two logits
            longest = np.maximum(np.abs(step).max(axis=1), 2.0)
            b = b + step * (2.0 / longest)[:, None]
            if np.abs(step).max() < 1e-6:
                break
        return b, np.asarray(np.linalg.inv(H), dtype=np.float64)
