"""Labels of many subsets at once: sufficient statistics, and logistic likelihoods of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array, logistic


@dataclass(frozen=True, eq=False)
class Subset:
    """Sufficient statistics of one subset's labels.

    Attributes
    ----------
    X : ndarray, shape (rows, K)
    weight, votes : ndarray, shape (rows,)
        Sums of ``w`` and ``w y`` of each row.
    """

    X: Array
    weight: Array
    votes: Array


class Stack:
    """The rows of S subsets as a few padded blocks, so that one product serves many subsets.

    Subsets of about the same length share a block: padding at most doubles the rows.

    Examples
    --------
    >>> one = Subset(np.ones((3, 1)), np.ones(3), np.array([1.0, 1.0, 0.0]))
    >>> gradient, hessian = Stack([one, one]).derivatives(np.zeros((2, 1)))
    >>> gradient.tolist(), hessian.ravel().tolist()
    ([[0.5], [0.5]], [0.75, 0.75])
    """

    def __init__(self, subsets: Sequence[Subset]) -> None:
        self.S, self.K = len(subsets), subsets[0].X.shape[1]
        size = np.array([len(one.X) for one in subsets])
        power = np.ceil(np.log2(np.maximum(size, 8))).astype(np.int64)
        self.blocks = [
            _padded(subsets, np.flatnonzero(power == step), int(size[power == step].max()))
            for step in np.unique(power)
        ]

    def derivatives(self, b: Array) -> tuple[Array, Array]:
        """Return gradients, shape (S, K), and Hessians (negated), shape (S, K, K)."""
        return self.expanded(b)[1:]

    def log_likelihoods(self, b: Array) -> Array:
        """Return the log-likelihood of each subset, shape (S,)."""
        each = np.empty(self.S)
        for at, X, weight, votes in self.blocks:
            eta = (X @ b[at][:, :, None])[:, :, 0]
            each[at] = (votes * eta - weight * np.logaddexp(0.0, eta)).sum(axis=1)
        return each

    def expanded(self, b: Array) -> tuple[Array, Array, Array]:
        """Return log-likelihoods, gradients and Hessians (negated) in one pass over the rows.

        Parameters
        ----------
        b : ndarray, shape (S, K)

        Returns
        -------
        log_likelihood : ndarray, shape (S,)
        gradient : ndarray, shape (S, K)
        hessian : ndarray, shape (S, K, K)
        """
        each = np.empty(self.S)
        gradient, hessian = np.empty((self.S, self.K)), np.empty((self.S, self.K, self.K))
        for at, X, weight, votes in self.blocks:
            eta = (X @ b[at][:, :, None])[:, :, 0]
            fall = np.exp(-np.abs(eta))
            each[at] = (votes * eta - weight * (np.maximum(eta, 0.0) + np.log1p(fall))).sum(axis=1)
            # exp(-|eta|) gives p, and p (1 - p) without cancellation
            p = np.where(eta < 0.0, fall, 1.0) / (1.0 + fall)
            gradient[at] = ((votes - weight * p)[:, None, :] @ X)[:, 0, :]
            rows = X * (np.sqrt(weight * fall) / (1.0 + fall))[:, :, None]
            # of a matrix and its own transpose, the library forms half of the products
            hessian[at] = np.swapaxes(rows, 1, 2) @ rows
        return each, gradient, hessian

    def log_likelihood_at(self, draws: Array) -> Array:
        """Return the log-likelihood of each subset at R draws, (S, R, K) to (S, R)."""
        each = np.empty(draws.shape[:2])
        for at, X, weight, votes in self.blocks:
            eta = draws[at] @ np.swapaxes(X, 1, 2)
            each[at] = (eta @ votes[:, :, None])[:, :, 0]
            # log(1 + exp(eta)), in place and without overflow
            fall = np.log1p(np.exp(-np.abs(eta)))
            fall += np.maximum(eta, 0.0, out=eta)
            each[at] -= (fall @ weight[:, :, None])[:, :, 0]
        return each

    def mean_gradient(self, draws: Array, share: Array) -> Array:
        """Return each subset's gradient, a mean over draws (S, R, K) with shares (S, R)."""
        gradient = np.empty((self.S, self.K))
        for at, X, weight, votes in self.blocks:
            p = logistic(draws[at] @ np.swapaxes(X, 1, 2))
            mean = (share[at][:, None, :] @ p)[:, 0, :]
            gradient[at] = ((votes - weight * mean)[:, None, :] @ X)[:, 0, :]
        return gradient

    def bent(self, b: Array, left: Array, right: Array) -> Array:
        """Return how Hessians at ``b`` move, summed over subsets, shape (K, K).

        With the derivative ``dH_sl`` of a Hessian along column l of ``right``, the sum of the
        diagonals of ``left_s dH_sl left_s'``, a column each.

        Parameters
        ----------
        b : ndarray, shape (S, K)
        left, right : ndarray, shape (S, K, K)
        """
        total = np.zeros((self.K, self.K))
        for at, X, weight, _ in self.blocks:
            p = logistic((X @ b[at][:, :, None])[:, :, 0])
            seen = (X @ np.swapaxes(left[at], 1, 2)) ** 2
            seen *= (weight * p * (1.0 - p) * (1.0 - 2.0 * p))[:, :, None]
            total += (np.swapaxes(seen, 1, 2) @ (X @ right[at])).sum(axis=0)
        return total

    def log_likelihood(self, b: Array) -> float:
        """Return the sum over all subsets."""
        return float(self.log_likelihoods(b).sum())


def _padded(
    subsets: Sequence[Subset], at: NDArray[np.int64], longest: int
) -> tuple[NDArray[np.int64], Array, Array, Array]:
    X = np.zeros((len(at), longest, subsets[0].X.shape[1]))
    weight, votes = np.zeros((2, len(at), longest))
    for place, s in enumerate(at):
        one, n = subsets[s], len(subsets[s].X)
        X[place, :n], weight[place, :n], votes[place, :n] = one.X, one.weight, one.votes
    return at, X, weight, votes


def typical(subsets: Sequence[Subset], parts: NDArray[np.int64] | None = None) -> Array:
    """Return each column's root mean square over the labels where it is not 0; else 1.

    Columns of one part, where they are given, have the root mean square of their length.

    Examples
    --------
    >>> typical([Subset(np.array([[0.0], [3.0], [-3.0]]), np.ones(3), np.ones(3))])
    array([3.])
    >>> two = Subset(np.array([[3.0, 4.0]]), np.ones(1), np.ones(1))
    >>> typical([two], np.array([0, 0]))
    array([5., 5.])
    """
    K = subsets[0].X.shape[1]
    parts = np.arange(K) if parts is None else parts
    member = (parts[:, None] == np.arange(parts.max() + 1)).astype(np.float64)
    squares = np.sum([one.weight @ (one.X**2 @ member) for one in subsets], axis=0)
    labels = np.sum([one.weight @ ((one.X != 0) @ member > 0) for one in subsets], axis=0)
    mean = np.divide(squares, labels, out=np.ones_like(squares), where=labels > 0)
    return np.asarray(np.sqrt(mean)[parts])
