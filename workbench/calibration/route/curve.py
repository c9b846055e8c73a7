"""Error that is left when people label the most urgent pairs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from workbench.decompose.kernel import Array

_WINDOW = 0.05
_LEAST = 10


class Left(NamedTuple):
    """Error that is left at one budget.

    Attributes
    ----------
    mean : float
    pull : ndarray, shape (n,)
        First-order change of the mean due to each pair.
    """

    mean: float
    pull: Array


def left(error: Array, score: Array, budget: float) -> Left:
    r"""Return the mean error when a share of the pairs, the highest scores, goes to people.

    .. math:: \theta = \frac1n \sum_i e_i (1 - r_i), \qquad
              u_i = \frac1n \big[ e_i (1 - r_i) - \theta + \bar e_t (r_i - b) \big]

    Pairs of one score at the threshold go in equal parts :math:`r_i`, so that no order of rows
    decides. Another sample has another threshold: what it costs is the mean error
    :math:`\bar e_t` of the pairs about it.

    Parameters
    ----------
    error : ndarray, shape (n,)
    score : ndarray, shape (n,)
        Higher is sooner.
    budget : float
        From 0 to 1.

    Examples
    --------
    >>> left(np.array([1.0, 0.0, 1.0, 0.0]), np.zeros(4), 0.5).mean
    0.25
    >>> left(np.array([1.0, 0.0, 1.0, 0.0]), np.array([4.0, 3.0, 2.0, 1.0]), 0.25).mean
    0.25
    """
    n = len(error)
    routed = shares(score, budget)
    rest = error * (1 - routed)
    mean = float(rest.mean())
    part = (routed > 0) & (routed < 1)
    if part.sum() < _LEAST:
        order = np.argsort(-score, kind="stable")
        reach = max(_LEAST, int(_WINDOW * n))
        at = int(budget * n)
        part = np.zeros(n, dtype=bool)
        part[order[max(at - reach, 0) : at + reach]] = True
    edge = float(error[part].mean())
    return Left(mean, (rest - mean + edge * (routed - budget)) / n)


def shares(score: Array, budget: float) -> Array:
    """Return which part of each pair goes to people: 1, 0, or that of its rank.

    Examples
    --------
    >>> shares(np.array([2.0, 1.0, 1.0, 0.0]), 0.5).tolist()
    [1.0, 0.5, 0.5, 0.0]
    """
    _, at, counts = np.unique(-score, return_inverse=True, return_counts=True)
    before = np.concatenate([[0.0], np.cumsum(counts)[:-1]])
    part = np.clip((budget * len(score) - before) / counts, 0.0, 1.0)
    return np.asarray(part[at.reshape(len(score))])
