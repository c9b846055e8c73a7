"""Maximising a log-likelihood that is not concave everywhere, by Newton's method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array

ROUNDS = 60
TOLERANCE = 1e-8
"""Newton's decrement, in units of log-likelihood, at which the gradient counts as 0."""

_HALVINGS = 30

Derivatives = Callable[[Array], tuple[float, Array, Array]]
"""Value, scores by person, Hessian."""


@dataclass(frozen=True, eq=False)
class Maximum:
    """Where the search ended.

    Attributes
    ----------
    theta : ndarray, shape (q,)
    value : float
    scores : ndarray, shape (P, q)
    hessian : ndarray, shape (q, q)
    decrement : float
        ``g' H^-1 g / 2``: how far below the top of the parabola it stands.
    converged : bool
        The decrement is next to 0 and the Hessian that of a maximum.
    rounds : int
    """

    theta: Array
    value: float
    scores: Array
    hessian: Array
    decrement: float
    converged: bool
    rounds: int


def maximise(
    derivatives: Derivatives,
    value: Callable[[Array], float],
    start: Array,
    free: NDArray[np.bool_],
    tolerance: float = TOLERANCE,
) -> Maximum:
    """Climb from a start; where the Hessian has a wrong sign, its size is used.

    Parameters
    ----------
    derivatives, value : callable
    start : ndarray, shape (q,)
    free : ndarray of bool, shape (q,)
        Parameters that may move.
    tolerance : float
        Of the decrement.

    Examples
    --------
    >>> def parabola(t):
    ...     return float(-((t - 3) ** 2).sum()), -2 * (t - 3)[None], -2 * np.eye(1)
    >>> found = maximise(parabola, lambda t: parabola(t)[0], np.zeros(1), np.ones(1, bool))
    >>> found.theta.tolist(), found.converged
    ([3.0], True)
    """
    theta = start.copy()
    now, scores, hessian = derivatives(theta)
    rounds = 0
    while True:
        step, decrement, downhill = _step(scores.sum(axis=0), hessian, free)
        if decrement < tolerance or rounds == ROUNDS:
            break
        rounds += 1
        size = 1.0
        for _ in range(_HALVINGS):
            if value(theta + size * step) >= now + 1e-4 * size * decrement:
                break
            size /= 2.0
        else:
            break
        theta = theta + size * step
        now, scores, hessian = derivatives(theta)
    done = decrement < tolerance and downhill
    return Maximum(theta, now, scores, hessian, decrement, done, rounds)


def _step(gradient: Array, hessian: Array, free: NDArray[np.bool_]) -> tuple[Array, float, bool]:
    """Return the step, half of its gain, and whether all directions lead down."""
    step = np.zeros(len(gradient))
    H = -hessian[np.ix_(free, free)]
    unit = np.sqrt(np.maximum(np.abs(np.diag(H)), 1e-12))
    values, vectors = np.linalg.eigh(H / np.outer(unit, unit))
    size = np.maximum(np.abs(values), 1e-4)
    along = vectors.T @ (gradient[free] / unit)
    step[free] = vectors @ (along / size) / unit
    return step, 0.5 * float((along**2 / size).sum()), bool((values > 1e-8).all())
