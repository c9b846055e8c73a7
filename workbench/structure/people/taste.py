"""Rung 3: every person has weights of their own, which borrow strength from the others'."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.decompose.kernel import Array
from workbench.structure.labels import PersonLabels
from workbench.structure.people.rungs import OF_ALL, Earlier, averaged
from workbench.structure.people.simulated import Simulation, Spread


@dataclass(frozen=True, eq=False)
class Taste:
    """Posterior weights of each person.

    Attributes
    ----------
    spread : Spread
    n_spreads : int
        Values of tau: one a block.
    """

    spread: Spread
    n_spreads: int

    @property
    def parameters(self) -> int:
        """Mean weights and their tau."""
        return len(self.spread.mu) + self.n_spreads

    def predict(self, labels: PersonLabels) -> Array:
        """Return P(A), each person's weights averaged over."""
        own, X = labels.person, labels.X
        spread = np.einsum("nk,nkl,nl->n", X, self.spread.covariance[own], X)
        return averaged((X * self.spread.mean[own]).sum(axis=1), spread)


def taste(labels: PersonLabels, earlier: Earlier | None = None) -> Taste:
    """Fit ``b_p ~ Normal(mu, diag(tau^2))``, a block's columns with one tau.

    Examples
    --------
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> data, truth = planted_people(people=60, labels=40, tau=0.8, seed=1)
    >>> found = taste(person_labels(data)).spread
    >>> bool((np.abs(found.tau - 0.8) < 0.3).all())
    True
    """
    near = None if earlier is None else earlier.get(OF_ALL + "taste")
    start = near.spread if isinstance(near, Taste) else None
    return Taste(Simulation.of(labels).fit(start), len(np.unique(labels.block)))
