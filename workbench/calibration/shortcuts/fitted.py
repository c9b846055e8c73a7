"""What is predicted of a pair by fits that have not seen its prompt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.clustered import Array, Codes
from workbench.data.split import folds as fold_numbers
from workbench.principles.held_out.executor import ridge_logit

PENALTIES = (1.0, 10.0, 100.0)
"""Ridge penalties of standardised columns, of which prompts within the training choose."""

_INNER = 3


def predicted_elsewhere(X: Array, y: Array, prompt: NDArray[np.str_], k: int, seed: int) -> Array:
    """Return the log-odds of A for each pair by fits on other prompts, shape (n,).

    Parameters
    ----------
    X : ndarray, shape (n, K)
    y : ndarray, shape (n,)
        0 or 1.
    prompt : ndarray of str, shape (n,)
        Pairs of one prompt are in one fold.
    k : int
        Folds.
    seed : int

    Notes
    -----
    The penalty is the one of :data:`PENALTIES` with the least loss on prompts that the training
    holds out in turn. Where sides of a pair are exchanged, the log-odds turn.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 1))
    >>> y = (X[:, 0] > 0).astype(float)
    >>> prompt = np.array([f"p{i}" for i in range(60)])
    >>> float(((predicted_elsewhere(X, y, prompt, 3, 0) > 0) == (y > 0)).mean()) > 0.9
    True
    """
    fold, sign = fold_numbers(prompt, k, seed), np.where(y > 0.5, 1.0, -1.0)
    found = np.zeros(len(y))
    for f in range(k):
        train, test = fold != f, fold == f
        scale = np.sqrt((X[train] ** 2).mean(axis=0))
        # what never differs among these says nothing of others
        used = scale > 0
        Z = X[:, used] / scale[used]
        penalty = _chosen(Z[train], sign[train], prompt[train], seed)
        found[test] = Z[test] @ ridge_logit(Z[train], sign[train], penalty)
    return found


def _chosen(X: Array, sign: Array, prompt: NDArray[np.str_], seed: int) -> float:
    """Return the penalty with the least loss on prompts held out."""
    if len(np.unique(prompt)) < _INNER:
        return PENALTIES[-1]
    fold: Codes = fold_numbers(prompt, _INNER, seed)
    losses = np.zeros(len(PENALTIES))
    for f in range(_INNER):
        train, test = fold != f, fold == f
        for j, penalty in enumerate(PENALTIES):
            weights = ridge_logit(X[train], sign[train], penalty)
            losses[j] += _loss(X[test], sign[test], weights)
    return PENALTIES[int(np.argmin(losses))]


def _loss(X: Array, sign: Array, weights: Array) -> float:
    return float(np.logaddexp(0.0, -sign * (X @ weights)).sum())
