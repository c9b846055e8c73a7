"""What a model of people is: it learns from labels, and tells others of the same people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from workbench.compare.subsets import Subset, typical
from workbench.decompose.kernel import Array, logistic
from workbench.structure.labels import PersonLabels

_FARTHEST = 10.0
"""Scale of the weak prior of common weights, in logits per typical difference, as in ``pool``."""

_NEWTON = 50


class Fitted(Protocol):
    """A model that has learnt from labels of people."""

    @property
    def parameters(self) -> int:
        """How many numbers were fitted, those that a distribution gives apart."""

    def predict(self, labels: PersonLabels) -> Array:
        """Return P(A preferred) of each cell; whoever was not met is told as one of them."""


Earlier = Mapping[str, Fitted]
"""Models of the rungs below, fitted to the same labels, to begin from.

Under :data:`OF_ALL` and a name, those that were fitted to all labels: they only say where to begin.
"""

OF_ALL = "of all labels: "


@dataclass(frozen=True)
class Rung:
    """One model of the ladder.

    Attributes
    ----------
    number : int
    name : str
    method : str
    fit : callable
        From labels and the fits of the rungs below.
    """

    number: int
    name: str
    method: str
    fit: Callable[[PersonLabels, Earlier], Fitted]


@dataclass(frozen=True, eq=False)
class Alike:
    """One vector of weights for all.

    Attributes
    ----------
    b : ndarray, shape (K,)
    covariance : ndarray, shape (K, K)
    """

    b: Array
    covariance: Array

    @property
    def parameters(self) -> int:
        """The weights."""
        return len(self.b)

    def predict(self, labels: PersonLabels) -> Array:
        """Return P(A), the weights' uncertainty averaged over."""
        spread = np.einsum("nk,kl,nl->n", labels.X, self.covariance, labels.X)
        return averaged(labels.X @ self.b, spread)


def alike(labels: PersonLabels, earlier: Earlier | None = None) -> Alike:
    """Fit one vector of weights to all people.

    Examples
    --------
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> data, _ = planted_people(people=40, labels=50, seed=1)
    >>> found = alike(person_labels(data))
    >>> bool(abs(found.b[0] - 1.0) < 0.3)
    True
    """
    X, weight, votes = labels.X, labels.weight, labels.votes
    hold = pull(labels)
    b = np.zeros(X.shape[1])

    def objective(at: Array) -> float:
        eta = X @ at
        fit = votes * eta - weight * np.logaddexp(0.0, eta)
        return float(fit.sum() - 0.5 * hold @ at**2)

    now = objective(b)
    for _ in range(_NEWTON):
        p = logistic(X @ b)
        curved = X.T @ (X * (weight * p * (1.0 - p))[:, None]) + np.diag(hold)
        step = np.linalg.solve(curved, X.T @ (votes - weight * p) - hold * b)
        size = 1.0
        while (there := objective(b + size * step)) < now - 1e-9 * abs(now) and size > 1e-6:
            size /= 2.0
        b, now = b + size * step, there
        if np.abs(step).max() < 1e-9 * (1.0 + np.abs(b).max()):
            break
    return Alike(b, np.asarray(np.linalg.inv(curved)))


def pull(labels: PersonLabels) -> Array:
    """Return the precision of the weak prior of each common weight, shape (K,)."""
    return np.asarray((size_of(labels) / _FARTHEST) ** 2)


def size_of(labels: PersonLabels) -> Array:
    """Return the typical difference of each column, one for all of a block, shape (K,)."""
    block = np.unique(labels.block, return_inverse=True)[1]
    return typical([Subset(labels.X, labels.weight, labels.votes)], block)


def averaged(eta: Array, variance: Array) -> Array:
    """Return the mean of the logistic function of normal variables (MacKay 1992).

    Examples
    --------
    >>> averaged(np.array([0.0, 2.0]), np.array([9.0, 0.0])).round(2).tolist()
    [0.5, 0.88]
    """
    return logistic(eta / np.sqrt(1.0 + np.pi / 8.0 * variance))


def losses(labels: PersonLabels, p: Array) -> Array:
    """Return the log-loss of each cell, summed over its labels."""
    # a probability of 0 or 1 would make one label infinitely bad
    p = np.clip(p, 1e-12, 1.0 - 1e-12)
    weight, votes = labels.weight, labels.votes
    return np.asarray(-votes * np.log(p) - (weight - votes) * np.log1p(-p))


def by_person(labels: PersonLabels, values: Array) -> Array:
    """Return sums over each person's cells of values of shape (N, ...), shape (P, ...)."""
    flat = values.reshape(len(values), -1)
    P = len(labels.people)
    columns = [np.bincount(labels.person, one, P) for one in flat.T]
    return np.stack(columns, axis=1).astype(np.float64).reshape(P, *values.shape[1:])
