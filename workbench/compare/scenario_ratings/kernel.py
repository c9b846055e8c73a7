"""Ratings that differ between scenarios by a normal variance: modes, evidence, covariances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.compare.scenario_ratings.layout import ByScenario
from workbench.decompose.kernel import Array

_STEPS = 50
_NEAR = 1e-10
FAR = 30.0
"""|logit| of two models from which a fit is taken for one without a finite maximum."""


@dataclass(frozen=True, eq=False)
class Mode:
    r"""The mode of ratings given tau, and the curvature there.

    Attributes
    ----------
    mean : ndarray, shape (M,)
        Mean ratings :math:`\theta_m`, which sum to 0.
    beta : ndarray, shape (K,)
    apart : ndarray, shape (S, M)
        :math:`\delta_{sm}`, each scenario's distance from the mean.
    evidence : float
        Laplace's approximation to the restricted log-likelihood of tau, up to a constant.
    pulled : ndarray, shape (S, M, M)
        :math:`Q_s = (I + \tau^2 L_s)^{-1}`.
    covariance : ndarray, shape (M + K, M + K)
        Of mean ratings and covariates.
    cross : ndarray, shape (S, M, K)
    tau : float
    converged : bool
    """

    mean: Array
    beta: Array
    apart: Array
    evidence: float
    pulled: Array
    covariance: Array
    cross: Array
    tau: float
    converged: bool

    @property
    def ratings(self) -> Array:
        """Rating of each model in each scenario, shape (S, M)."""
        return np.asarray(self.mean + self.apart)

    def reach(self) -> Array:
        """Return how each scenario's ratings follow mean and covariates, shape (S, M, M + K)."""
        through = -(self.tau**2) * self.pulled @ self.cross
        return np.concatenate([self.pulled, through], axis=2)

    def own(self) -> Array:
        """Return each scenario's covariance given mean and covariates, shape (S, M, M)."""
        M = len(self.mean)
        centre = np.eye(M) - 1.0 / M
        return np.asarray(self.tau**2 * centre @ self.pulled @ centre)


def mode(rows: ByScenario, tau: float, power: float = 1.0, start: Mode | None = None) -> Mode:
    r"""Return the most likely ratings where scenarios differ by a standard deviation tau.

    .. math:: \max\; \kappa\, \ell(\theta + \delta_s, \beta) - \sum_s |\delta_s|^2 / 2 \tau^2

    Parameters
    ----------
    rows : ByScenario
    tau : float
        In logits; 0: all scenarios alike, one Bradley-Terry fit.
    power : float
        :math:`\kappa`, below 1 where labels of one cluster repeat each other.
    start : Mode, optional

    Notes
    -----
    Newton's method; each scenario's part of the Hessian is eliminated with
    :math:`Q_s = (I + \tau^2 L_s)^{-1}`, which holds at 0 too. Scenarios that a model is missing
    from, or in which it wins everything, need no care: the prior has a maximum.
    """
    S, M = rows.shape
    K, t2 = rows.X.shape[1], tau**2
    mean, beta, apart = (
        (np.zeros(M), np.zeros(K), np.zeros((S, M)))
        if start is None
        else (start.mean, start.beta, start.apart)
    )
    if tau == 0:
        apart = np.zeros((S, M))

    def objective(m: Array, b: Array, d: Array) -> float:
        value = power * rows.log_likelihood(rows.logits(m + d, b))
        return value - float((d**2).sum()) / (2 * t2) if tau > 0 else value

    now, converged = objective(mean, beta, apart), False
    for _ in range(_STEPS):
        curve = _Curve.at(rows, mean + apart, beta, t2, power)
        steps = curve.step(apart)
        size = max(float(np.abs(one).max(initial=0.0)) for one in steps)
        if size < _NEAR or np.abs(mean + apart).max() > FAR:
            converged = size < _NEAR
            break
        scale = min(1.0, 5.0 / size)
        for _ in range(40):
            there = [x + scale * one for x, one in zip((mean, beta, apart), steps, strict=True)]
            value = objective(*there)
            if value >= now - 1e-12 * (1.0 + abs(now)):
                break
            scale /= 2
        mean, beta, apart = there
        mean = mean - mean.mean()
        now = value
        converged = size < 1e-6
    curve = _Curve.at(rows, mean + apart, beta, t2, power)
    volume = -np.linalg.slogdet(curve.pulled)[1].sum() + np.linalg.slogdet(curve.reduced)[1]
    covariance = np.linalg.inv(curve.reduced)
    centre = np.eye(M + K)
    centre[:M, :M] -= 1.0 / M
    return Mode(
        mean, beta, apart, now - 0.5 * float(volume), curve.pulled, centre @ covariance @ centre,
        curve.cross, tau, converged,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Curve:
    """Derivatives at a point, scenarios eliminated."""

    gradient: Array
    gradient_x: Array
    curved: Array
    cross: Array
    pulled: Array
    reduced: Array
    t2: float

    @classmethod
    def at(cls, rows: ByScenario, theta: Array, beta: Array, t2: float, power: float) -> _Curve:
        M = rows.shape[1]
        parts = (power * part for part in rows.derivatives(rows.logits(theta, beta)))
        gradient, gradient_x, curved, cross, curved_x = parts
        pulled = np.linalg.inv(np.eye(M) + t2 * curved)
        pulled = (pulled + np.swapaxes(pulled, 1, 2)) / 2
        K = len(gradient_x)
        reduced = np.empty((M + K, M + K))
        reduced[:M, :M] = (pulled @ curved).sum(axis=0)
        # ratings are known up to a shift, which is held at a sum of 0
        reduced[:M, :M] += rows.weight.sum() / M**2
        reduced[:M, M:] = (pulled @ cross).sum(axis=0)
        reduced[M:, :M] = reduced[:M, M:].T
        reduced[M:, M:] = curved_x - t2 * (np.swapaxes(cross, 1, 2) @ pulled @ cross).sum(axis=0)
        return cls(gradient, gradient_x, curved, cross, pulled, (reduced + reduced.T) / 2, t2)

    def step(self, apart: Array) -> tuple[Array, Array, Array]:
        """Return Newton's step of mean ratings, covariates, and scenarios' distances."""
        M = apart.shape[1]
        alone = self._own(self.gradient) - self._pull(apart)
        left = (self.gradient - np.einsum("smn,sn->sm", self.curved, alone)).sum(axis=0)
        left_x = self.gradient_x - np.einsum("smk,sm->k", self.cross, alone)
        both = np.r_[left, left_x]
        moved = np.asarray(np.linalg.solve(self.reduced, both), dtype=np.float64)
        mean, beta = moved[:M], moved[M:]
        back = self.curved @ mean + self.cross @ beta
        return mean, beta, np.asarray(alone - self._own(back))

    def _pull(self, values: Array) -> Array:
        return np.asarray(np.einsum("smn,sn->sm", self.pulled, values))

    def _own(self, values: Array) -> Array:
        return self.t2 * self._pull(values)
