"""Where runs start: groups of people whose own weights are alike, and people drawn at random."""

from __future__ import annotations

import numpy as np

from workbench.decompose.kernel import Array, logistic
from workbench.structure.groups.mixture import STILL, Problems, Runs, best_of_each, climb

STARTS = 20
"""Starts of a fit that is told; of folds and of simulated labels, :data:`FEWER`."""

FEWER = 10
KEEP = 3
"""Starts of folds and of simulated labels that go on after the first steps."""

_LLOYD = 6


def fit_classes(
    problems: Problems,
    classes: int,
    *,
    pooled: Runs,
    seed: int,
    starts: int = STARTS,
    keep: int | None = None,
    also: tuple[Array, Array] | None = None,
) -> tuple[Runs, Runs]:
    """Fit classes to every problem from several starts.

    Parameters
    ----------
    problems : Problems
    classes : int
    pooled : Runs
        The fit of one class to each problem (:func:`fit_pooled`).
    seed : int
    starts, keep : int
        See :func:`workbench.structure.groups.mixture.climb`.
    also : tuple of ndarray, optional
        Weights, shape (C, K), and log shares of one more start.

    Returns
    -------
    best, every : Runs
        The best run of each problem, the largest class first; and all runs that went on.
    """
    if classes == 1:
        return pooled, pooled
    J = len(pooled.b)
    own = own_weights(problems, pooled)
    rng = np.random.default_rng([seed, classes])
    found = [starting_points(own[j], classes, starts, rng) for j in range(J)]
    b = np.concatenate([one[0] for one in found])
    log_pi = np.concatenate([one[1] for one in found])
    problem = np.repeat(np.arange(J), starts)
    if also is not None:
        b = np.concatenate([b, np.repeat(also[0][None], J, axis=0)])
        log_pi = np.concatenate([log_pi, np.repeat(also[1][None], J, axis=0)])
        problem = np.r_[problem, np.arange(J)]
    runs = climb(problems, problem, b, log_pi, keep)
    best = best_of_each(problems, runs)
    if keep is None:
        best = climb(problems, best.problem, best.b, best.log_pi, rise=STILL)
    return best, runs


def fit_pooled(problems: Problems, start: Array | None = None) -> Runs:
    """Fit one class to every problem, from 0 or from given weights, shape (K,)."""
    J, K = problems.votes.shape[1], problems.panel.X.shape[1]
    J = max(J, problems.weight.shape[1])
    b = np.zeros((J, 1, K)) if start is None else np.repeat(start[None, None], J, axis=0)
    return climb(problems, np.arange(J), b, np.zeros((J, 1)), rise=STILL)


def own_weights(problems: Problems, pooled: Runs) -> Array:
    """Return each person's weights by one step from the pooled ones, shape (J, P, K).

    The step is held by a prior of one logit per typical difference: it is to tell people
    apart, not to be told.
    """
    panel = problems.panel
    found = []
    for j in range(len(pooled.b)):
        weight, votes = (part[:, 0, 0] for part in problems.at(np.array([j])))
        p = logistic(panel.X @ pooled.b[j, 0])
        g = panel.score((votes - weight * p)[:, None])[:, :, 0]
        H = panel.gram_by_person(weight * p * (1.0 - p)) + np.eye(g.shape[1])
        found.append(pooled.b[j, 0] + np.linalg.solve(H, g[..., None])[..., 0])
    return np.asarray(found)


def starting_points(
    own: Array, C: int, starts: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return weights and log shares of classes: half by k-means, half about random people."""
    P = len(own)
    drawn = np.array([rng.choice(P, min(C, P), replace=False) for _ in range(starts)])
    if C > P:
        drawn = np.concatenate([drawn, rng.integers(0, P, (starts, C - P))], axis=1)
    centre = own[drawn]
    squares = (own**2).sum(axis=1)
    means = (starts + 1) // 2
    member = _nearest(own, squares, centre, C)
    for _ in range(_LLOYD):
        count = member.sum(axis=1)
        moved = np.swapaxes(member, 1, 2) @ own / np.maximum(count, 1.0)[..., None]
        centre[:means] = np.where(count[..., None] > 0, moved, centre)[:means]
        member = _nearest(own, squares, centre, C)
    count = member.sum(axis=1) + 1.0
    return centre, np.log(count / count.sum(axis=1, keepdims=True))


def _nearest(own: Array, squares: Array, centre: Array, C: int) -> Array:
    distance = squares[None, :, None] - 2.0 * own @ np.swapaxes(centre, 1, 2)
    distance += (centre**2).sum(axis=2)[:, None]
    member = np.zeros(distance.shape)
    np.put_along_axis(member, distance.argmin(axis=2)[..., None], 1.0, axis=2)
    return member


def reached(every: Runs, best: Runs, within: float = 0.5) -> int:
    """Return how many runs of the only problem came within some nats of the best."""
    return int((every.likelihood >= best.likelihood[0] - within).sum())
