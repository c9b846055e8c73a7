"""Logistic fits with a penalty, every strength of it at once, held out twice over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from workbench.clustered import Array, Codes
from workbench.decompose.kernel import Cells, newton_pass

GRID = 10.0 ** np.arange(-4, 2)
"""Penalties, as a part of the number of pairs: from hardly any to nothing but the verdict."""

_FIRM = 1.0
"""Penalty of the verdict itself: one pair's worth, so that a verdict that is always right has a
weight too."""

_MAX_PASSES = 60
_CLOSE = 1e-9
"""Gain of log-likelihood a pair below which a fit has converged."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A penalised logistic fit, and what it says of each pair when fitted without its fold.

    Attributes
    ----------
    log_odds : ndarray, shape (n,)
        Out of fold.
    weights : ndarray, shape (K,)
        Of the fit to all pairs, per unit of the columns.
    penalty : float
        Of that fit, as a part of the number of pairs.
    penalties : list of float
        Chosen for each fold, on the other folds.
    """

    log_odds: Array
    weights: Array
    penalty: float
    penalties: list[float]


def held_out_fit(
    X: Array,
    y: Array,
    fold: Codes,
    firm: int,
    weight: Array | None = None,
    *,
    weakest: bool = False,
) -> HeldOut:
    r"""Fit P(A) without an intercept, and predict each fold from the others.

    .. math:: \max_b \sum_i w_i \big(y_i \log \sigma(x_i'b) + (1 - y_i) \log \sigma(-x_i'b)\big)
              - \frac12 \sum_k \lambda_k s_k^2 b_k^2

    with the root mean squares :math:`s_k` of the columns.

    Parameters
    ----------
    X : ndarray, shape (n, K)
        Columns that change their sign where A and B are exchanged; rows in the order of folds.
    y : ndarray, shape (n,)
        Preference in [0, 1].
    fold : ndarray of int, shape (n,)
        Sorted, three folds or more.
    firm : int
        First columns whose penalty is one pair's worth and is not chosen.
    weight : ndarray, shape (n,), optional
        Of the rows; 1 each when None.
    weakest : bool
        Take the weakest penalty that is not clearly worse than the best: weights are shrunk less.

    Returns
    -------
    HeldOut

    Notes
    -----
    The penalty of a fold is the one of :data:`GRID` with the least log-loss on each of the
    *other* folds, by fits that have seen neither: nothing of a fold is in what predicts it. The
    weakest that is not clearly worse is within one error of that, over the folds.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2))
    >>> y = (rng.random(300) < 1 / (1 + np.exp(-X[:, 0]))).astype(float)
    >>> found = held_out_fit(X, y, np.arange(300) // 60, 1)
    >>> bool(found.weights[0] > 0.5), found.log_odds.shape
    (True, (300,))
    """
    n, K = X.shape
    if K == 0:
        return HeldOut(np.zeros(n), np.zeros(0), float("nan"), [])
    size = np.sqrt((X**2).mean(axis=0))
    penalty = np.repeat(n * GRID[None, :], K, axis=0)
    penalty[:firm] = _FIRM
    fits = _Fits(X / size, y, np.ones(n) if weight is None else weight, fold, penalty)
    folds = range(fits.folds)
    log_odds, chosen = np.empty(n), []
    for f in folds:
        best = _chosen([fits.loss(g, {f, g}) for g in folds if g != f], weakest)
        chosen.append(float(GRID[best]))
        part = fits.slices[f]
        log_odds[part] = fits.X[part] @ fits.without({f})[:, best]
    best = _chosen([fits.loss(f, {f}) for f in folds], weakest)
    return HeldOut(log_odds, fits.whole[:, best] / size, float(GRID[best]), chosen)


def _chosen(losses: list[Array], weakest: bool) -> int:
    """Return the penalty of least loss, or the weakest within one error of it over the folds."""
    table = np.array(losses)
    best = int(np.argmin(table.sum(axis=0)))
    if not weakest:
        return best
    worse = table - table[:, [best]]
    error = worse.std(axis=0, ddof=1) * np.sqrt(len(table))
    return int(np.argmax(worse.sum(axis=0) <= error))


class _Fits:
    """Fits to all folds but some, each made once."""

    def __init__(self, X: Array, y: Array, weight: Array, fold: Codes, penalty: Array) -> None:
        self.X, self.y, self.weight, self.penalty = X, y, weight, penalty
        bounds = np.r_[0, np.cumsum(np.bincount(fold))]
        self.folds = len(bounds) - 1
        self.slices = [slice(int(a), int(b)) for a, b in pairwise(bounds)]
        self.made: dict[frozenset[int], Array] = {}

    @cached_property
    def whole(self) -> Array:
        """Weights of all pairs, shape (K, penalties)."""
        return self._fit(range(self.folds), np.zeros_like(self.penalty))

    def without(self, held: Iterable[int]) -> Array:
        """Return the weights without some folds."""
        key = frozenset(held)
        if key not in self.made:
            self.made[key] = self._fit([f for f in range(self.folds) if f not in key], self.whole)
        return self.made[key]

    def loss(self, fold: int, held: Iterable[int]) -> Array:
        """Return the log-loss of one fold under the fits without some, by penalty."""
        part = self.slices[fold]
        eta = self.X[part] @ self.without(held)
        return np.asarray(self.weight[part] @ (np.logaddexp(0.0, eta) - self.y[part, None] * eta))

    def _fit(self, folds: Iterable[int], start: Array) -> Array:
        parts = _runs([self.slices[f] for f in folds])
        n = sum(part.stop - part.start for part in parts)
        best, step = start, np.zeros_like(start)
        value = np.full(start.shape[1], -np.inf)
        for _ in range(_MAX_PASSES):
            tried = best + step
            likelihood, gradient, hessian = self._sums(parts, tried)
            found = likelihood - 0.5 * (self.penalty * tried**2).sum(axis=0)
            worse = found < value - _CLOSE * n
            # concave: a step that overshoots is taken by half, while the others stand still
            best = np.where(worse, best, tried)
            value = np.where(worse, value, found)
            if worse.any():
                step = np.where(worse, step / 2.0, 0.0)
                continue
            step, gain = self._step(tried, gradient, hessian)
            if (gain <= _CLOSE * n).all():
                break
        return best + step

    def _sums(self, parts: list[slice], beta: Array) -> tuple[Array, Array, Array]:
        """Return log-likelihoods, gradients (K, J) and Hessians (J, K, K)."""
        K, J = beta.shape
        likelihood, gradient, hessian = np.zeros(J), np.zeros((K, J)), np.zeros((J, K, K))
        for part in parts:
            w = self.weight[part, None]
            wy, shape = w * self.y[part, None], (len(w), J)
            cells = Cells(np.broadcast_to(w, shape), np.broadcast_to(wy, shape))
            found = newton_pass(self.X[part], cells, beta)
            likelihood += np.asarray(found.log_likelihood)
            gradient += found.gradient
            hessian += np.asarray(found.hessian)
        return likelihood, gradient, hessian

    def _step(self, beta: Array, gradient: Array, hessian: Array) -> tuple[Array, Array]:
        """Return Newton's step of each fit, and twice the gain that it promises."""
        slope = gradient - self.penalty * beta
        curved = hessian + self.penalty.T[:, :, None] * np.eye(len(beta))
        step = np.linalg.solve(curved, slope.T[:, :, None])[:, :, 0].T
        return np.asarray(step), np.asarray((slope * step).sum(axis=0))


def _runs(parts: list[slice]) -> list[slice]:
    """Return slices with neighbours made one."""
    joined: list[slice] = []
    for part in parts:
        if joined and joined[-1].stop == part.start:
            joined[-1] = slice(joined[-1].start, part.stop)
        else:
            joined.append(part)
    return joined
