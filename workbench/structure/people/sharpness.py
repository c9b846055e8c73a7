"""Rung 1: people of one taste who follow it more or less sharply."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_expit

from workbench.decompose.kernel import Array, logistic
from workbench.structure.labels import PersonLabels
from workbench.structure.people.rungs import Earlier, alike, averaged, by_person, pull, size_of

_Z = np.linspace(-3.5, 3.5, 29)
_LOG_PRIOR = -0.5 * _Z**2 - np.log(np.exp(-0.5 * _Z**2).sum())
_OMEGAS, _WIDEST_ZERO = 16, 1.0
"""Values of omega over which people are told, and the largest where its estimate is 0."""

_LEAST, _MOST = np.log(1e-3), np.log(3.0)
"""Of omega: smaller than the first is nothing, more than the last is a factor of 20 and more."""


@dataclass(frozen=True, eq=False)
class Sharpness:
    """Weights of all, and how sharply each person follows them.

    Attributes
    ----------
    b : ndarray, shape (K,)
    omega : float
        Standard deviation of the logarithm of sharpness.
    posterior : ndarray, shape (P, Q)
        Probability of each value of ``grid`` for each person.
    covariance : ndarray, shape (K, K)
        Of the weights.
    converged : bool
    """

    b: Array
    omega: float
    posterior: Array
    covariance: Array
    converged: bool

    @property
    def parameters(self) -> int:
        """The weights and omega."""
        return len(self.b) + 1

    @property
    def grid(self) -> Array:
        """Values of the sharpness, shape (Q,)."""
        return np.asarray(np.exp(self.omega * _Z))

    def predict(self, labels: PersonLabels) -> Array:
        """Return P(A), each person's sharpness and the weights averaged over."""
        spread = np.einsum("nk,kl,nl->n", labels.X, self.covariance, labels.X)[:, None]
        p = averaged((labels.X @ self.b)[:, None] * self.grid, spread * self.grid**2)
        return np.asarray((p * self.posterior[labels.person]).sum(axis=1))

    def told(self, labels: PersonLabels, level: float) -> tuple[Array, Array, Array]:
        """Return each person's sharpness by the labels that were fitted, and its interval."""
        tail = (1.0 - level) / 2.0
        values, own = _over_omega(labels, self.b, self.omega)
        middle = np.exp(own @ np.log(values))
        low, high = (quantile(own, values, at) for at in (tail, 1.0 - tail))
        return middle, low, high


def quantile(posterior: Array, grid: Array, at: float) -> Array:
    """Return a quantile of each row's distribution over a grid, between its values.

    Examples
    --------
    >>> quantile(np.array([[0.5, 0.5]]), np.array([1.0, 2.0]), 0.5).tolist()
    [1.5]
    """
    # a value's mass lies half below it and half above
    below = np.cumsum(posterior, axis=1) - posterior / 2.0
    return np.array([np.interp(at, row, grid) for row in below])


def sharpness(labels: PersonLabels, earlier: Earlier | None = None) -> Sharpness:
    r"""Fit ``sigma(s_p x'b)`` with ``log s_p ~ Normal(0, omega^2)``, by marginal likelihood.

    Examples
    --------
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> data, truth = planted_people(people=60, labels=60, sharpness=0.8, seed=1)
    >>> found = sharpness(person_labels(data))
    >>> bool(0.4 < found.omega < 1.2)
    True
    """
    # in units of typical differences, or the units of a factor would decide where a search ends
    size = size_of(labels)
    scaled = replace(labels, X=labels.X / size)
    hold = pull(labels) / size**2
    start = alike(labels).b * size

    def objective(at: Array) -> tuple[float, Array]:
        total, gradient, _ = _marginal(scaled, at[:-1], at[-1])
        gradient[:-1] -= hold * at[:-1]
        return -(total - 0.5 * float(hold @ at[:-1] ** 2)), -gradient

    bounds = [(None, None)] * len(start) + [(_LEAST, _MOST)]
    found = minimize(
        objective, np.append(start, np.log(0.4)), jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxiter": 200},
    )  # fmt: skip
    b, omega = found.x[:-1], float(np.exp(found.x[-1]))
    posterior = _marginal(scaled, b, np.log(omega))[2]
    s = np.exp(omega * _Z)
    p = logistic((scaled.X @ b)[:, None] * s)
    curved = labels.weight * (posterior[labels.person] * p * (1.0 - p) * s**2).sum(axis=1)
    information = scaled.X.T @ (scaled.X * curved[:, None]) + np.diag(hold)
    covariance = np.linalg.inv(information) / np.outer(size, size)
    return Sharpness(b / size, omega, posterior, covariance, bool(found.success))


def _over_omega(labels: PersonLabels, b: Array, omega: float) -> tuple[Array, Array]:
    """Return values of the sharpness, and each person's probabilities, over values of omega.

    To fix omega where the likelihood is largest would be to know it: with few people it is often
    0 there, and everybody as sharp as the next one for certain. Any omega is as likely beforehand.
    """
    grid = max(_WIDEST_ZERO, 3.0 * omega) * (np.arange(_OMEGAS) + 0.5) / _OMEGAS
    likely, own = [], []
    for one in grid:
        value, _, posterior = _marginal(labels, b, float(np.log(one)))
        likely.append(value)
        own.append(posterior)
    weight = np.exp(np.array(likely) - max(likely))
    weight /= weight.sum()
    values = np.exp(np.outer(grid, _Z)).ravel()
    order = np.argsort(values, kind="stable")
    each = np.concatenate([w * part for w, part in zip(weight, own, strict=True)], axis=1)
    return values[order], each[:, order]


def _marginal(labels: PersonLabels, b: Array, at: float) -> tuple[float, Array, Array]:
    """Return the log-likelihood, its gradient by b and log omega, and each person's posterior."""
    step = np.exp(at) * _Z
    s = np.exp(step)
    eta = labels.X @ b
    scaled = eta[:, None] * s
    weight, votes = labels.weight[:, None], labels.votes[:, None]
    own = _LOG_PRIOR + by_person(labels, votes * scaled + weight * log_expit(-scaled))
    peak = own.max(axis=1, keepdims=True)
    mass = np.exp(own - peak)
    total = mass.sum(axis=1, keepdims=True)
    posterior = mass / total
    residual = (votes - weight * logistic(scaled)) * s * posterior[labels.person]
    by_b = labels.X.T @ residual.sum(axis=1)
    by_at = float((residual * eta[:, None] * step).sum())
    return float((peak + np.log(total)).sum()), np.append(by_b, by_at), posterior
