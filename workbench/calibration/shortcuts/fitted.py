"""What is predicted of a pair by fits that have not seen its prompt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from workbench.clustered import Array, Codes
from workbench.data.split import folds as fold_numbers

PENALTIES = (1.0, 10.0, 100.0)
"""Ridge penalties of standardised columns, of which prompts within the training choose."""

_INNER = 3
_STEPS, _NEAR = 50, 1e-8


def ridge_logit(X: Array, y: Array, penalty: float) -> Array:
    r"""Return the weights of a logit without intercept under a ridge penalty, shape (K,).

    .. math:: \arg\min_b -\sum_i \log \sigma\big((2 y_i - 1) x_i' b\big)
              + \tfrac{\lambda}{2} |b|^2

    Parameters
    ----------
    X : ndarray, shape (n, K)
        Differences of the two sides: with their sign the label turns, so no intercept.
    y : ndarray, shape (n,)
        0 or 1.
    penalty : float

    Examples
    --------
    >>> ridge_logit(np.ones((4, 1)), np.array([1.0, 1, 1, 0]), 1e-9).round(4)  # log 3
    array([1.0986])
    """
    if X.shape[1] > X.shape[0]:
        # a penalty leaves no weight outside the space that the rows span
        basis, small = np.linalg.qr(X.T)
        return np.asarray(basis @ ridge_logit(small.T, y, penalty))
    weights = np.zeros(X.shape[1])
    loss = _loss(X, y, weights, penalty)
    for _ in range(_STEPS):
        p = expit(X @ weights)
        gradient = X.T @ (y - p) - penalty * weights
        hessian = (X.T * (p * (1 - p))) @ X + penalty * np.eye(len(weights))
        step = np.linalg.solve(hessian, gradient)
        slope = float(gradient @ step)
        while slope > _NEAR and (near := _loss(X, y, weights + step, penalty)) > loss:
            step = step / 2
            slope = slope / 2
        weights = weights + step
        if slope <= _NEAR:
            break
        loss = near
    return weights


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
    fold = fold_numbers(prompt, k, seed)
    found = np.zeros(len(y))
    for f in range(k):
        train, test = fold != f, fold == f
        scale = np.sqrt((X[train] ** 2).mean(axis=0))
        # what never differs among these says nothing of others
        used = scale > 0
        Z = X[:, used] / scale[used]
        penalty = _chosen(Z[train], y[train], prompt[train], seed)
        found[test] = Z[test] @ ridge_logit(Z[train], y[train], penalty)
    return found


def _chosen(X: Array, y: Array, prompt: NDArray[np.str_], seed: int) -> float:
    """Return the penalty with the least loss on prompts held out."""
    if len(np.unique(prompt)) < _INNER:
        return PENALTIES[-1]
    fold: Codes = fold_numbers(prompt, _INNER, seed)
    losses = np.zeros(len(PENALTIES))
    for f in range(_INNER):
        train, test = fold != f, fold == f
        for j, penalty in enumerate(PENALTIES):
            weights = ridge_logit(X[train], y[train], penalty)
            losses[j] += _loss(X[test], y[test], weights, 0.0)
    return PENALTIES[int(np.argmin(losses))]


def _loss(X: Array, y: Array, weights: Array, penalty: float) -> float:
    signed = np.where(y > 0.5, 1.0, -1.0) * (X @ weights)
    return float(np.logaddexp(0.0, -signed).sum() + penalty / 2 * (weights @ weights))
