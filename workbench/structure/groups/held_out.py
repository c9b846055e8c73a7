"""Log-loss of classes on prompts that had no part in the fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.clustered import cluster_error
from workbench.decompose.kernel import Array, Codes, logistic
from workbench.structure.groups.blended import fit_blended
from workbench.structure.groups.mixture import Problems, Runs
from workbench.structure.groups.panel import Panel, panel
from workbench.structure.groups.starts import FEWER, KEEP, fit_classes, fit_pooled
from workbench.structure.labels import PersonLabels

_LEAST = 1e-12
LEAST_GAIN = 1.0
"""Nats over all labels below which no number of groups is better than a smaller one."""


def held_out_class_loss(labels: PersonLabels, groups: int, folds: int = 5, seed: int = 0) -> Array:
    r"""Return the log-loss of each cell's labels under classes fitted to other prompts.

    Parameters
    ----------
    labels : PersonLabels
    groups : int
        Classes; 1 is the pooled fit.
    folds : int
        All labels of a prompt are of one fold.
    seed : int
        Of folds and starts.

    Returns
    -------
    ndarray, shape (N,)
        Loss a label, in nats; the mean weighted by ``labels.weight`` is that of the labels.

    Notes
    -----
    A person's labels of other prompts give the chances of the classes, and the classes'
    predictions are averaged by them: :math:`p_i = \sum_c P(c \mid y_{-f}) \sigma(x_i' b_c)`.

    Examples
    --------
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> data, _ = planted_people(people=20, labels=30, tastes=[(2, 0), (-2, 0)])
    >>> found = person_labels(data)
    >>> one, two = (held_out_class_loss(found, C).mean() for C in (1, 2))
    >>> bool(two < one - 0.1)
    True
    """
    laid = panel(labels)
    loss = fold_losses(laid, labels, [groups], folds, seed)[0]
    found = np.empty_like(loss)
    found[laid.cells] = loss
    return np.asarray(found)


def fold_losses(
    laid: Panel,
    labels: PersonLabels,
    sizes: list[int],
    folds: int,
    seed: int,
    membership: str = "classes",
) -> Array:
    """Return the loss a label of each row of a panel by number of classes, shape (sizes, N)."""
    weight, votes = labels.weight[laid.cells], labels.votes[laid.cells]
    fold = labels.folds(folds, seed)[laid.cells]
    own = (fold[:, None] != np.arange(folds)).astype(float)
    problems = Problems(laid, own * weight[:, None], own * votes[:, None])
    pooled = fit_pooled(problems)
    found = []
    for C in sizes:
        best = fit_classes(problems, C, pooled=pooled, seed=seed, starts=FEWER, keep=KEEP)[0]
        if membership == "mixed" and C > 1:
            p = _blended(problems, best, laid, fold)
        else:
            p = predicted(best, laid.X, laid.person, fold)
        found.append(label_loss(p, weight, votes))
    return np.asarray(found)


def _blended(problems: Problems, best: Runs, laid: Panel, fold: Codes) -> Array:
    p = np.empty(len(fold))
    for j in range(len(best.b)):
        weight, votes = (part[:, 0, 0] for part in problems.at(np.array([j])))
        fit = fit_blended(laid, weight, votes, best.b[j], best.posterior[j])
        at = fold == j
        p[at] = logistic((laid.X[at] * (fit.share @ fit.b)[laid.person[at]]).sum(axis=1))
    return p


def predicted(best: Runs, X: Array, person: Codes, problem: Codes) -> Array:
    """Return P(A preferred) of rows by the run of their problem and their person's classes."""
    eta = np.einsum("nk,nck->nc", X, best.b[problem])
    return np.asarray((best.posterior[problem, person] * logistic(eta)).sum(axis=1))


def label_loss(p: Array, weight: Array, votes: Array) -> Array:
    """Return the log-loss a label, in nats."""
    p = np.clip(p, _LEAST, 1.0 - _LEAST)
    return np.asarray(-(votes * np.log(p) + (weight - votes) * np.log1p(-p)) / weight)


def larger_error(
    difference: Array, weight: Array, prompt: Codes, person: Codes
) -> tuple[float, float]:
    """Return the mean of a difference of losses, and its error by prompts or by people.

    The larger of the two errors: labels of one prompt and labels of one person both depend.
    """
    mean = float(difference @ weight / weight.sum())
    pull = weight * (difference - mean) / weight.sum()
    errors = [cluster_error(pull, codes) for codes in (prompt, person)]
    known = [e for e in errors if np.isfinite(e)]
    return mean, max(known) if known else float("nan")


def smallest_near_best(
    losses: Array, weight: Array, prompt: Codes, person: Codes
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Return differences from the best, their errors, and the smallest within one error.

    A difference of less than one nat over all labels is none, whatever its error.

    Examples
    --------
    >>> code = np.arange(4)
    >>> losses = np.array([[1.0, 1.0, 1.0, 1.0], [0.5, 0.4, 0.6, 0.5]])
    >>> smallest_near_best(losses, np.ones(4), code, code)[2]
    1
    >>> smallest_near_best(losses / 1e6, np.ones(4), code, code)[2]
    0
    """
    means = losses @ weight / weight.sum()
    best = int(np.argmin(means))
    found = [larger_error(loss - losses[best], weight, prompt, person) for loss in losses]
    differences, errors = (np.array(part) for part in zip(*found, strict=True))
    slack = LEAST_GAIN / weight.sum()
    near = differences <= np.maximum(np.where(np.isfinite(errors), errors, 0.0), slack)
    near[best] = True
    return differences, errors, int(np.flatnonzero(near)[0])
