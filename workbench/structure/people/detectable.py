"""How far people would have to differ for it to be found."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from workbench.decompose.kernel import logistic
from workbench.structure.labels import PersonLabels
from workbench.structure.people.rungs import alike, size_of

POWER = 0.8

HOW = (
    "the tau of all terms alike, in logits per typical difference, at which the expected held-out "
    "gain exceeds two errors with a chance of 80 %"
)


def detectable_tau(labels: PersonLabels, folds: int, errors: float = 2.0) -> float:
    r"""Return the tau that would be shown with a chance of 80 %; NaN where none would be.

    Notes
    -----
    With people's posterior covariance :math:`V_p = (\tfrac{f-1}{f} H_p + T^{-1})^{-1}` from the
    labels outside a fold, a label gains

    .. math:: g = \tfrac12 h\, x' (T - V_p)\, x

    on the pooled fit in expectation, to second order, with a variance of :math:`2 g`. Over all
    labels, G, the gain exceeds ``c`` errors with power :math:`1 - \beta` where
    :math:`G \ge 2 (c + z_{1 - \beta})^2`: with two errors and 80 %, 16 nats. Labels of one prompt
    are taken as independent given who is who.

    Examples
    --------
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> few, many = (
    ...     detectable_tau(person_labels(planted_people(people=60, labels=n)[0]), 5)
    ...     for n in (10, 80)
    ... )
    >>> bool(0 < many < few)
    True
    """
    X = labels.X
    p = logistic(X @ alike(labels).b)
    curved = labels.weight * p * (1.0 - p)
    K, P = X.shape[1], len(labels.people)
    H = np.zeros((P, K, K))
    for k in range(K):
        column = X * (X[:, k] * curved)[:, None]
        H[:, k] = np.stack([np.bincount(labels.person, one, P) for one in column.T], axis=1)
    size = size_of(labels)
    train = H * (folds - 1.0) / folds
    wanted = 2.0 * (errors + float(norm.ppf(POWER))) ** 2

    def lacking(log_tau: float) -> float:
        T = np.diag((np.exp(log_tau) / size) ** 2)
        # T - V = T H (I + H T)^-1 T, which a small T does not cancel
        moved = T @ train @ np.linalg.inv(np.eye(K) + train @ T)
        return float(0.5 * np.einsum("pkl,plk->", H, moved @ T) - wanted)

    low, high = np.log(1e-3), np.log(20.0)
    if lacking(high) < 0:
        return float("nan")
    # where labels weigh so much, any difference shows
    if lacking(low) >= 0:
        return float(np.exp(low))
    return float(np.exp(brentq(lacking, low, high, xtol=1e-4)))
