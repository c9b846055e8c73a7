"""Logistic calibration without an intercept, out of fold: Platt's, and one with factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from workbench.clustered import Array, Codes

_STEPS = 60
_CHORDS = 12
_NEAR, _CLOSE = 1e-7, 1e-6
"""Steps, in logits a typical difference, after which the next is nothing: Newton's, and chords'."""

_SOME = 4_000
"""Labels whose fit is the start of that of many more."""


@dataclass(frozen=True, eq=False)
class Logistic:
    """A penalised logit of all labels, and the fits that leave one fold out.

    Attributes
    ----------
    weights : ndarray, shape (K,)
        Per unit of each column, by all labels.
    influence : ndarray, shape (n labelled, K)
        First-order change of the weights due to each label.
    each : ndarray, shape (folds, K)
    """

    weights: Array
    influence: Array
    each: Array


def logistic_folds(X: Array, y: Array, fold: Codes, folds: int, spread: Array) -> Logistic:
    r"""Fit ``P(A preferred) = 1 / (1 + exp(-x'b))`` to all labels, and to all but each fold.

    .. math:: \max_b \sum_i y_i x_i'b - \log(1 + e^{x_i'b})
              - \tfrac12 \sum_k (b_k s_k / \sigma_k)^2

    Parameters
    ----------
    X : ndarray, shape (n, K)
        Columns that change their sign where A and B are exchanged.
    y : ndarray, shape (n,)
        From 0 to 1.
    fold : ndarray of int, shape (n,)
    folds : int
    spread : ndarray, shape (K,)
        Standard deviation :math:`\sigma_k` of the prior, in logits per root mean square
        :math:`s_k` of the column.

    Examples
    --------
    >>> X, y = np.array([[1.0], [1.0], [1.0], [-1.0]]), np.array([1.0, 1.0, 0.0, 0.0])
    >>> fit = logistic_folds(X, y, np.array([0, 1, 0, 1]), 2, np.array([1e3]))
    >>> fit.weights.round(3).tolist()  # log 3
    [1.099]
    """
    scale = np.sqrt(np.einsum("nk,nk->k", X, X) / len(X))
    scale = np.where(scale > 0, scale, 1.0)
    Z, ridge = X / scale, 1.0 / spread**2
    start = np.zeros(X.shape[1])
    if len(y) >= 4 * _SOME:
        some = slice(None, None, len(y) // _SOME)
        start = _newton(Z[some], y[some], ridge, start)[0]
    b, hessian = _newton(Z, y, ridge, start)
    mu = expit(Z @ b)
    influence = (Z * (y - mu)[:, None]) @ np.linalg.inv(hessian)
    each = _without_each(Z, y, fold, folds, ridge, b, hessian)
    return Logistic(b / scale, influence / scale, each / scale)


def _without_each(
    Z: Array, y: Array, fold: Codes, folds: int, ridge: Array, b: Array, hessian: Array
) -> Array:
    """Return the fits without each fold: all step together, with the curvature at that of all."""
    w = expit(Z @ b)
    w *= 1 - w
    inverses = []
    for f in range(folds):
        gone = Z[fold == f]
        inverses.append(np.linalg.inv(hessian - (gone * w[fold == f, None]).T @ gone))
    inverse = np.stack(inverses)
    own = fold[:, None] == np.arange(folds)
    each = np.tile(b, (folds, 1))
    for _ in range(_CHORDS):
        rest = y[:, None] - expit(Z @ each.T)
        rest[own] = 0.0
        step = np.einsum("fkl,fl->fk", inverse, rest.T @ Z - ridge * each)
        each += step
        far = np.abs(step).max(axis=1) >= _CLOSE
        if not far.any():
            break
    for f in np.flatnonzero(far).tolist():
        # few labels, of which a fold is much: its own curvature is needed
        kept = fold != f
        each[f] = _newton(Z[kept], y[kept], ridge, b)[0]
    return each


def _newton(Z: Array, y: Array, ridge: Array, start: Array) -> tuple[Array, Array]:
    """Return the maximum and the negated Hessian there; a step too long is halved."""
    b, best = start, -np.inf
    step = np.zeros(len(b))
    hessian = np.diag(ridge)
    for _ in range(_STEPS):
        eta = Z @ b
        value = float(y @ eta - np.logaddexp(0.0, eta).sum() - ridge @ b**2 / 2)
        if value < best - 1e-12 * abs(best) and np.abs(step).max() > _NEAR:
            step = step / 2
            b = b - step
            continue
        best = value
        mu = expit(eta)
        hessian = (Z * (mu * (1 - mu))[:, None]).T @ Z + np.diag(ridge)
        step = np.linalg.solve(hessian, Z.T @ (y - mu) - ridge * b)
        if np.abs(step).max() < _NEAR:
            break
        b = b + step
    return b, hessian


def told(X: Array, fit: Logistic, fold: Codes) -> Array:
    """Return P(A preferred) of every row by the fit that has not seen its fold.

    Parameters
    ----------
    X : ndarray, shape (n, K)
    fit : Logistic
    fold : ndarray of int, shape (n,)
    """
    return np.asarray(expit(np.einsum("nk,nk->n", X, fit.each[fold])))
