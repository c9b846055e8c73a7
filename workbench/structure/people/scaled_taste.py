"""Rung 4: weights of each person's own, followed more or less sharply."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.compare.subsets import Subset
from workbench.decompose.kernel import Array
from workbench.structure.labels import PersonLabels
from workbench.structure.people.rungs import Earlier, averaged, pull, size_of
from workbench.structure.people.sharpness import sharpness
from workbench.structure.people.simulated import Simulation, Spread
from workbench.structure.people.taste import taste

_U = np.linspace(-1.2, 1.2, 5)
"""Logarithms of sharpness that are tried."""

_DRAWS = 64

_SMALLEST = 0.2
"""Of omega: less than that the grid cannot tell from 0."""

_NOTHING = 1e-3
"""Smallest tau, per typical difference."""

_ROUNDS = 12
"""EM rounds from the fits of rungs 1 and 3: held-out scores have come to rest by then."""


@dataclass(frozen=True, eq=False)
class ScaledTaste:
    """Weights of each person at each sharpness, and how likely that is.

    Attributes
    ----------
    mean : ndarray, shape (P, Q, K)
    covariance : ndarray, shape (P, Q, K, K)
    posterior : ndarray, shape (P, Q)
    n_spreads : int
    """

    mean: Array
    covariance: Array
    posterior: Array
    n_spreads: int

    @property
    def parameters(self) -> int:
        """Mean weights, their tau, and omega."""
        return int(self.mean.shape[2]) + self.n_spreads + 1

    def predict(self, labels: PersonLabels) -> Array:
        """Return P(A), each person's weights and sharpness averaged over."""
        p, who = np.zeros(len(labels)), labels.person
        for q, s in enumerate(np.exp(_U)):
            X = labels.X * s
            spread = np.einsum("nk,nkl,nl->n", X, self.covariance[who, q], X)
            one = averaged((X * self.mean[who, q]).sum(axis=1), spread)
            p += self.posterior[who, q] * one
        return p


def scaled_taste(labels: PersonLabels, earlier: Earlier | None = None) -> ScaledTaste:
    """Fit ``sigma(s_p x'b_p)``, both normal between people, by EM over a grid of sharpness.

    Examples
    --------
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> data, _ = planted_people(people=20, labels=30, tau=0.8, seed=1)
    >>> scaled_taste(person_labels(data)).posterior.shape
    (20, 5)
    """
    before = earlier or {"reliability": sharpness(labels), "taste": taste(labels)}
    start: Spread = before["taste"].spread  # type: ignore[attr-defined]
    omega = max(before["reliability"].omega / 2.0, _SMALLEST)  # type: ignore[attr-defined]
    P, K, Q = len(labels.people), labels.X.shape[1], len(_U)
    parts = np.unique(labels.block, return_inverse=True)[1]
    width, size = np.bincount(parts), size_of(labels)
    scaled = [
        Subset(one.X * s, one.weight, one.votes) for one in labels.subsets() for s in np.exp(_U)
    ]
    model = Simulation(scaled, parts, size, pull(labels), _DRAWS)
    mu, tau2, floor = start.mu, start.tau**2, (_NOTHING / size) ** 2
    mode = np.repeat(start.mode, Q, axis=0)
    for _ in range(_ROUNDS):
        found = model.moments(mode, mu, tau2, steps=1)
        mode = found.mode
        prior = -0.5 * (_U / omega) ** 2
        own = found.evidence.reshape(P, Q) + prior
        r = np.exp(own - own.max(axis=1, keepdims=True))
        r /= r.sum(axis=1, keepdims=True)
        share = r.ravel()
        slope = share @ found.slope - model.hold * mu
        told = np.einsum("s,skl->kl", share, found.pulled) + np.diag(model.hold)
        mu = mu + np.linalg.pinv(told, hermitian=True) @ slope
        variance = np.diagonal(found.covariance, axis1=1, axis2=2)
        second = np.bincount(parts, share @ ((found.mean - mu) ** 2 + variance))
        tau2 = np.maximum((second / (width * P))[parts], floor)
        omega = max(float(np.sqrt((r * _U**2).sum() / P)), _SMALLEST)
    mean, covariance = found.mean.reshape(P, Q, K), found.covariance.reshape(P, Q, K, K)
    return ScaledTaste(mean, covariance, r, len(width))
