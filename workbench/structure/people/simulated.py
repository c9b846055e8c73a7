"""Weights of people by simulation from Laplace's start: few labels each make Laplace's tau small.

With 15 labels a person, the tau of Laplace's EM is a third too small where people differ much;
draws that are weighed by the likelihood itself (importance sampling) have no such error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, qmc

from workbench.compare.pooling import pool
from workbench.compare.subsets import Stack, Subset
from workbench.decompose.kernel import Array
from workbench.decompose.resample.anderson import Secants
from workbench.structure.labels import PersonLabels
from workbench.structure.people.rungs import pull, size_of

Codes = NDArray[np.int64]

DRAWS = 512
"""Draws a person: scrambled Sobol points, each with its mirror image."""

_WIDER = 0.4
"""How much wider the draws of one dimension are than Laplace's normal."""

_ROUNDS = 40
_TOLERANCE = 2e-3
_LONGEST = 1.0
_SETTLED = 1e-3
_LEAST = 1e-4
_WIDEST = 2.0
"""Scale of the weak prior of tau, in logits per typical difference, as in ``pool``."""


@dataclass(frozen=True, eq=False)
class Spread:
    """People's weights ``b_p ~ Normal(mu, diag(tau^2))``.

    Attributes
    ----------
    mean : ndarray, shape (P, K)
        Posterior mean of each person's weights.
    covariance, apart : ndarray, shape (P, K, K)
        Posterior covariance of the weights, and of their distance from mu; the uncertainty of
        mu is in both, that of tau in neither.
    shrinkage : ndarray, shape (P, K)
    mu : ndarray, shape (K,)
    mu_covariance : ndarray, shape (K, K)
    tau : ndarray, shape (K,)
        Under the weak prior of :func:`workbench.compare.pooling.pool`, which keeps it off 0.
    mode : ndarray, shape (P, K)
    shrinkage_matrix : ndarray, shape (P, K, K)
        What turns a person's score into their part of that of mu.
    converged : bool
    """

    mean: Array
    covariance: Array
    apart: Array
    shrinkage: Array
    mu: Array
    mu_covariance: Array
    tau: Array
    mode: Array
    shrinkage_matrix: Array
    converged: bool


@dataclass(frozen=True, eq=False)
class Moments:
    """Posterior of every person given mu and tau.

    Attributes
    ----------
    mode, mean : ndarray, shape (P, K)
    covariance : ndarray, shape (P, K, K)
    pulled : ndarray, shape (P, K, K)
        What each person's labels tell of mu, by Laplace.
    slope : ndarray, shape (P, K)
        Derivative of the log evidence by mu: the mean of the likelihood's, since that of the
        prior divides by tau^2 what the draws are wrong by.
    evidence : ndarray, shape (P,)
        Log of the marginal likelihood.
    """

    mode: Array
    mean: Array
    covariance: Array
    pulled: Array
    slope: Array
    evidence: Array


def wide_draws(K: int, draws: int) -> tuple[Array, Array]:
    """Return draws about a normal mode, shape (draws, K), and minus the log of their density.

    A person whom a term separates has a longer tail than Laplace's normal: wider draws reach
    it, less so in many dimensions, where they would miss the middle. Weighed as a normal of
    covariance 1 asks, they have just its evidence, mean and variances: where a posterior is
    normal, little is left to chance.

    Examples
    --------
    >>> z, base = wide_draws(2, 64)
    >>> w = np.exp(base - 0.5 * (z**2).sum(axis=1)) / len(z)
    >>> round(float(w.sum()), 6), np.round(w @ z**2, 6).tolist()
    (1.0, [1.0, 1.0])
    """
    # scrambled by a seed of its own: the same draws for the same number of columns
    points = qmc.Sobol(K, seed=K).random(draws // 2)
    # a scrambled point may lie anywhere in its cell: one far out would have all the weight
    cell = 1.0 / len(points)
    z = norm.ppf(np.clip(points, cell / 2.0, 1.0 - cell / 2.0))
    z = np.concatenate([z, -z])
    z = z @ np.linalg.inv(np.linalg.cholesky(z.T @ z / len(z))).T
    base = 0.5 * (z**2).sum(axis=1)
    wide = 1.0 + _WIDER / np.sqrt(K)
    z = z * wide
    w = np.exp(base - 0.5 * (z**2).sum(axis=1)) * wide**K / len(z)
    # weights as near as can be that have the sums that they should (calibration estimator)
    known = np.column_stack([np.ones(len(z)), z**2])
    lacking = 1.0 - known.T @ w
    factor = 1.0 + known @ np.linalg.solve(known.T @ (w[:, None] * known), lacking)
    return z, np.asarray(base + np.log(wide**K * np.maximum(factor, _LEAST)))


class Simulation:
    """Labels of people, and the draws at which their likelihood is taken.

    Parameters
    ----------
    subsets : sequence of Subset
        Each person's labels.
    parts : ndarray of int, shape (K,)
        Block of each column, numbered from 0.
    size, hold : ndarray, shape (K,)
        Typical difference, and precision of the weak prior of mu.
    draws : int
    """

    def __init__(
        self, subsets: Sequence[Subset], parts: Codes, size: Array, hold: Array, draws: int = DRAWS
    ) -> None:
        self.subsets, self.stack = subsets, Stack(subsets)
        self.P, self.K = self.stack.S, self.stack.K
        self.parts, self.size, self.hold = parts, size, hold
        self.z, self.base = wide_draws(self.K, draws)

    @classmethod
    def of(cls, labels: PersonLabels, draws: int = DRAWS) -> Simulation:
        """Return that of the labels of people."""
        parts = np.unique(labels.block, return_inverse=True)[1]
        return cls(labels.subsets(), parts, size_of(labels), pull(labels), draws)

    def moments(self, b: Array, mu: Array, tau2: Array, steps: int = 3) -> Moments:
        """Return the posterior of each person, from modes near ``b``."""
        precision = 1.0 / tau2
        # a person with few labels may be separated: no step goes much beyond what people differ
        reach = np.maximum(2.0 * np.sqrt(tau2), np.abs(b - mu))
        for _ in range(steps):
            gradient, curved = self.stack.derivatives(b)
            inner = curved + np.diag(precision)
            step = np.linalg.solve(inner, (gradient - precision * (b - mu))[:, :, None])[:, :, 0]
            b = b + np.clip(step, -reach, reach)
            if np.abs(step / np.sqrt(tau2)).max() < _SETTLED:
                break
        root = np.sqrt(tau2)
        # in units of the prior the matrix is I + something: as well conditioned as it can be
        half = np.linalg.cholesky(inner * np.outer(root, root))
        unit = np.linalg.inv(half)
        draws = b[:, None, :] + root * (self.z @ unit)
        log_w = self.stack.log_likelihood_at(draws)
        log_w -= 0.5 * (precision * (draws - mu) ** 2).sum(axis=2)
        log_w += self.base - np.log(np.diagonal(half, axis1=1, axis2=2)).sum(axis=1)[:, None]
        peak = log_w.max(axis=1, keepdims=True)
        w = np.exp(log_w - peak)
        total = w.sum(axis=1, keepdims=True)
        w /= total
        slope = self.stack.mean_gradient(draws, w)
        away = draws - b[:, None, :]
        shift = (w[:, None, :] @ away)[:, 0, :]
        second = np.swapaxes(away * w[:, :, None], 1, 2) @ away
        covariance = second - shift[:, :, None] * shift[:, None, :]
        evidence = peak[:, 0] + np.log(total[:, 0] / len(self.z))
        told = (np.eye(self.K) - np.swapaxes(unit, 1, 2) @ unit) / np.outer(root, root)
        return Moments(b, b + shift, covariance, told, slope, evidence)

    def information(self, found: Moments) -> Array:
        """Return the information on mu, shape (K, K)."""
        return np.asarray(found.pulled.sum(axis=0) + np.diag(self.hold))

    def restricted(self, found: Moments, mu: Array) -> float:
        """Return the log of the likelihood with mu integrated out, up to a constant."""
        whole = self.information(found)
        unit = np.sqrt(np.maximum(np.diag(whole), self.hold))
        even = whole / np.outer(unit, unit)
        volume = np.linalg.slogdet(even)[1] + 2.0 * np.log(unit).sum()
        pulled = 0.5 * float(self.hold @ mu**2)
        return float(found.evidence.sum()) - pulled - 0.5 * float(volume)

    def next_mu(self, found: Moments, mu: Array) -> Array:
        """Return mu after a Newton step on the marginal likelihood."""
        slope = found.slope.sum(axis=0) - self.hold * mu
        return np.asarray(mu + np.linalg.pinv(self.information(found), hermitian=True) @ slope)

    def fit(self, near: Spread | None = None) -> Spread:
        """Fit mu and tau by EM, with Anderson's acceleration, from Laplace's fit or one near."""
        start = near or pool(self.subsets, block=self.parts)
        first = np.unique(self.parts, return_index=True)[1]
        unit = self.size[first]
        free = self.P * np.bincount(self.parts) - 1.0
        floor = 2.0 * np.log(_LEAST / unit)
        mu, b = start.mu, start.mean
        level = np.maximum(2.0 * np.log(start.tau[first]), floor)
        secants, best, plain = Secants(), -np.inf, level
        converged = False
        for _ in range(_ROUNDS):
            tau2 = np.exp(level)[self.parts]
            found = self.moments(b, mu, tau2)
            weak = (unit / _WIDEST) ** 2
            value = self.restricted(found, mu)
            value += 0.5 * float((level - weak * np.exp(level)).sum())
            if value < best - 1e-3 and not np.array_equal(level, plain):
                # too bold a step: take the plain one, and learn anew
                level, secants = plain, Secants()
                continue
            b, mu_next = found.mode, self.next_mu(found, mu)
            spread = self._spread(found, mu_next, tau2)
            next_tau2 = 2.0 * spread / (free + np.sqrt(free**2 + 4.0 * weak * spread))
            residual = np.maximum(np.log(next_tau2), floor) - level
            moved = np.abs((mu_next - mu) * self.size).max()
            mu = mu_next
            converged = bool(np.abs(residual).max() < _TOLERANCE and moved < 1e-3)
            if converged:
                break
            best, plain = value, level + residual
            ahead = secants.advance(level[:, None], residual[:, None])[:, 0]
            level = np.maximum(level + np.clip(ahead - level, -_LONGEST, _LONGEST), floor)
        return self._told(b, mu, np.exp(level)[self.parts], converged)

    def _spread(self, found: Moments, mu: Array, tau2: Array) -> Array:
        """Return the expected sum of squares of ``b_p - mu`` in each block."""
        variance = np.diagonal(found.covariance, axis1=1, axis2=2)
        # mu is not known: what its uncertainty adds, as if it were integrated out
        M = np.linalg.pinv(self.information(found), hermitian=True)
        apart = found.covariance / tau2 - np.eye(self.K)
        unknown = ((apart @ M) * apart).sum(axis=2)
        own = ((found.mean - mu) ** 2 + variance + unknown).sum(axis=0)
        return np.bincount(self.parts, own).astype(np.float64)

    def _told(self, b: Array, mu: Array, tau2: Array, converged: bool) -> Spread:
        found = self.moments(b, mu, tau2)
        M = np.asarray(np.linalg.pinv(self.information(found), hermitian=True))
        V, K = found.covariance, self.K
        part = V / tau2
        through, between = (one @ M @ np.swapaxes(one, 1, 2) for one in (part, part - np.eye(K)))
        shrinkage = np.diagonal(part, axis1=1, axis2=2)
        return Spread(
            found.mean, V + through, V + between, shrinkage, mu, M, np.sqrt(tau2), found.mode,
            part, converged,
        )  # fmt: skip
