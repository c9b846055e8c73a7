"""Rung 5: people fall into a few classes, each of one vector of weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.decompose.kernel import Array, logistic
from workbench.structure.groups.mixture import Problems, Runs
from workbench.structure.groups.panel import panel
from workbench.structure.groups.starts import FEWER, KEEP, fit_classes, fit_pooled
from workbench.structure.labels import PersonLabels
from workbench.structure.people.rungs import Earlier

_MOST = 4
"""Classes that are tried; :func:`workbench.groups` tries more and tells what they are."""


@dataclass(frozen=True, eq=False)
class Classes:
    """Weights of C classes, and how likely each person is of each.

    Attributes
    ----------
    b : ndarray, shape (C, K)
    membership : ndarray, shape (P, C)
    """

    b: Array
    membership: Array

    @property
    def parameters(self) -> int:
        """Weights of every class, and their shares."""
        return self.b.size + len(self.b) - 1

    def predict(self, labels: PersonLabels) -> Array:
        """Return P(A), the classes averaged by each person's membership."""
        p = logistic(labels.X @ self.b.T)
        return np.asarray((p * self.membership[labels.person]).sum(axis=1))


def classes(labels: PersonLabels, earlier: Earlier | None = None) -> Classes:
    """Fit 2 and more classes while the information criterion (by people) falls.

    The number is chosen by the labels that are fitted, so that a fold has no part in it.

    Examples
    --------
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> data, _ = planted_people(people=40, labels=30, tastes=[(2, 0), (-2, 0)], seed=1)
    >>> found = classes(person_labels(data))
    >>> len(found.b), bool(found.b[:, 0].min() < -1 < 1 < found.b[:, 0].max())
    (2, True)
    """
    laid = panel(labels)
    weight, votes = labels.weight[laid.cells], labels.votes[laid.cells]
    problems = Problems(laid, weight[:, None], votes[:, None])
    pooled = fit_pooled(problems)
    met = len(np.unique(laid.person))

    def fitted(C: int) -> tuple[Runs, float]:
        run = fit_classes(problems, C, pooled=pooled, seed=0, starts=FEWER, keep=KEEP)[0]
        size = C * laid.X.shape[1] + C - 1
        return run, size * float(np.log(met)) - 2.0 * float(run.likelihood[0])

    kept, least = fitted(2)
    for C in range(3, min(_MOST, met) + 1):
        run, criterion = fitted(C)
        if criterion >= least:
            break
        kept, least = run, criterion
    membership = np.empty_like(kept.posterior[0])
    membership[laid.order] = kept.posterior[0]
    return Classes(kept.b[0] / laid.scale, membership)
