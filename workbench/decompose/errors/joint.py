"""Degrees of freedom of joint tests, from sums over clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.decompose.kernel import Array

_EMPTY = 1e-12
"""Share of the largest eigenvalue below which a direction has no part in the errors."""


def whitening(gram: Array) -> Array | None:
    """Return the root of the inverse of a working covariance; None where a direction has none.

    Parameters
    ----------
    gram : ndarray, shape (q, q)
        Sum over clusters of :math:`M S_g M`.
    """
    values, vectors = np.linalg.eigh(gram)
    if not values[0] > _EMPTY * values[-1]:
        return None
    return np.asarray((vectors / np.sqrt(values)) @ vectors.T)


@dataclass(frozen=True, eq=False)
class JointSums:
    """What clusters add to the variance of the elements of a covariance.

    Attributes
    ----------
    spread : float
        What each cluster adds by itself.
    across : ndarray, shape (A, q, A, q)
        Sum of the products of the clusters' pulls.
    """

    spread: float
    across: Array

    @classmethod
    def of(cls, gram: Array, root: Array, whiten: Array) -> JointSums:
        """Return the sums of some clusters.

        Parameters
        ----------
        gram : ndarray, shape (G, q, q)
        root : ndarray, shape (G, A, q)
        whiten : ndarray, shape (q, q)
        """
        part = whiten @ gram @ whiten
        spread = (np.einsum("gqq->g", part) ** 2).sum() + (part**2).sum()
        pull = root @ whiten
        flat = pull.reshape(len(pull), pull.shape[1] * pull.shape[2])
        across = (flat.T @ flat).reshape(*pull.shape[1:], *pull.shape[1:])
        inner = pull.transpose(0, 2, 1) @ pull
        spread -= (np.einsum("gqq->g", inner) ** 2).sum() + (inner**2).sum()
        return cls(float(spread), across)

    def __add__(self, other: JointSums) -> JointSums:
        return JointSums(self.spread + other.spread, self.across + other.across)

    @property
    def degrees(self) -> float:
        """Degrees of freedom of the test."""
        q, across = self.across.shape[1], self.across
        total = self.spread + (across**2).sum() + (across * across.transpose(0, 3, 2, 1)).sum()
        return float(q * (q + 1) / total)


def bounded_degrees(q: int, spread: float) -> float:
    """Return the least degrees of freedom that the squares of the leverages allow.

    Parameters
    ----------
    q : int
        Terms.
    spread : float
        Sum of the squares of the leverages.
    """
    return float(q * (q + 1) / (2 * spread + 2 * spread**2))
