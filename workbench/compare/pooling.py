"""Partial pooling of logistic weights over subsets: empirical Bayes by Laplace's method.

Each subset's weights are ``b_s ~ Normal(mu, diag(tau^2))``. The logistic likelihood itself is
used, so a subset with fewer labels than factors, or one that a factor separates, needs no
care: its prior keeps it finite. All subsets take their Newton steps together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array, logistic
from workbench.decompose.resample.anderson import Secants

ROUNDS = 80
"""Rounds for tau at the most; what has not come to rest by then is said."""

_NEWTON = 30
_FLOOR = 1e-4
"""Smallest standard deviation, per typical difference."""

_WIDEST = 2.0
"""Scale of the weak prior of tau, in logits per typical difference."""

_FARTHEST = 10.0
"""Scale of the weak prior of mu, likewise: it holds a term that separates all labels."""

_TOLERANCE = 1e-4
_LONGEST = float(np.log(100.0))
"""Longest step of log tau^2 in a round."""

START = 0.5
"""Where tau starts, in logits per typical difference."""


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


@dataclass(frozen=True, eq=False)
class Pooled:
    """Posterior of the weights of S subsets.

    Attributes
    ----------
    mean, error : ndarray, shape (S, K)
        Posterior mean and standard deviation; the uncertainty of ``mu`` is in it, that of
        ``tau`` is not.
    mu, mu_error : ndarray, shape (K,)
    tau : ndarray, shape (K,)
        Standard deviation between subsets, kept off 0 and off infinity by a weak prior.
    shrinkage : ndarray, shape (S, K)
        Share of the prior in the weight, between 0 (left alone) and 1 (all the mean).
    covariance, apart : ndarray, shape (S, K, K)
        Posterior covariance of the weights, and of their distance from ``mu``.
    mu_covariance : ndarray, shape (K, K)
    converged : bool
        Whether ``tau`` came to rest within the rounds allowed.
    rounds : int
    """

    mean: Array
    error: Array
    mu: Array
    mu_error: Array
    tau: Array
    shrinkage: Array
    covariance: Array
    apart: Array
    mu_covariance: Array
    converged: bool
    rounds: int


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
        gradient, hessian = np.empty((self.S, self.K)), np.empty((self.S, self.K, self.K))
        for at, X, weight, votes in self.blocks:
            p = logistic((X @ b[at][:, :, None])[:, :, 0])
            turned = np.swapaxes(X, 1, 2)
            gradient[at] = (turned @ (votes - weight * p)[:, :, None])[:, :, 0]
            hessian[at] = turned @ (X * (weight * p * (1.0 - p))[:, :, None])
        return gradient, hessian

    def log_likelihoods(self, b: Array) -> Array:
        """Return the log-likelihood of each subset, shape (S,)."""
        each = np.empty(self.S)
        for at, X, weight, votes in self.blocks:
            eta = (X @ b[at][:, :, None])[:, :, 0]
            each[at] = (votes * eta - weight * np.logaddexp(0.0, eta)).sum(axis=1)
        return each

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


def pool(
    subsets: Sequence[Subset], power: float = 1.0, block: NDArray[np.int64] | None = None
) -> Pooled:
    r"""Fit ``mu``, ``tau`` and every subset's weights.

    Parameters
    ----------
    subsets : sequence of Subset
        At least two, of the same K columns.
    power : float
        Power of the likelihood, below 1 where labels of one cluster repeat each other.
    block : ndarray of int, shape (K,), optional
        Columns of one block share one ``tau``: no turn of their axes then changes anything. Each
        column is a block of its own when None.

    Returns
    -------
    Pooled

    Notes
    -----
    Given ``tau``, each subset's mode and curvature :math:`H_s` stand for its likelihood, and
    the normal model is solved for ``mu`` (prior of 10 logits per typical difference, below)
    and the weights together. Then the EM
    step, with Anderson's acceleration, solves

    .. math:: \tau_k^2 = \frac{1}{S - 1 + \tau_k^2 / a_k^2}
              \sum_s \hat d_{sk}^2 + \mathrm{Var}(d_{sk}),\quad d_s = b_s - \mu

    (of a block of m columns: summed over them, with ``m S - 1`` in place of ``S - 1``).

    It maximises the restricted marginal likelihood times the weak prior
    :math:`\prod_k \tau_k \exp(-\tau_k^2 / 2 a_k^2)`. The first factor (Chung et al. 2013) keeps
    ``tau`` off 0: an estimate of 0 would claim that all subsets are alike. The second, with
    :math:`a_k` of 2 logits per typical difference (the root mean square where the factor
    differs), keeps it finite where a factor is too rare to tell.

    Examples
    --------
    >>> x = np.eye(2)[[0, 0, 0, 0, 1, 1, 1, 1]]
    >>> ones = np.ones(8)
    >>> same = pool([Subset(x, ones, np.array([1, 1, 1, 0, 0, 0, 0, 1.0]))] * 3)
    >>> bool((same.tau > 0).all()), bool(same.mean[0, 0] > 0 > same.mean[0, 1])
    (True, True)
    """
    S, K = len(subsets), subsets[0].X.shape[1]
    parts = np.arange(K) if block is None else np.unique(block, return_inverse=True)[1]
    first = np.unique(parts, return_index=True)[1]
    free: Array = S * np.bincount(parts).astype(np.float64) - 1.0
    stack, scale = Stack(subsets), typical(subsets, parts)
    unit = scale[first]
    level = 2.0 * np.log(START / unit)
    floor = 2.0 * np.log(_FLOOR / unit)
    b, mu = np.zeros((S, K)), np.zeros(K)
    secants, best, plain = Secants(), -np.inf, level
    converged, rounds = False, 0
    while rounds < ROUNDS and not converged:
        rounds += 1
        tau2 = np.exp(level)
        b, mu, post = _weights(stack, b, mu, tau2[parts], power, scale)
        evidence = post.evidence + 0.5 * float((level - (unit / _WIDEST) ** 2 * tau2).sum())
        if evidence < best - 1e-6 * (1.0 + abs(best)) and not np.array_equal(level, plain):
            # too bold a step: take the plain one, which cannot go wrong, and learn anew
            level, secants = plain, Secants()
            continue
        own = np.diagonal(post.apart, axis1=1, axis2=2).sum(axis=0)
        spread = np.bincount(parts, ((b - mu) ** 2).sum(axis=0) + own).astype(np.float64)
        residual = np.maximum(np.log(_em_step(spread, free, unit)), floor) - level
        converged = bool(np.abs(residual).max(initial=0.0) < _TOLERANCE)
        ahead = secants.advance(level[:, None], residual[:, None])[:, 0]
        best, plain = evidence, level + residual
        if not converged:
            level = np.maximum(level + np.clip(ahead - level, -_LONGEST, _LONGEST), floor)
    tau = np.exp(level / 2.0)[parts]
    b, mu, post = _weights(stack, b, mu, tau**2, power, scale)
    error, mu_error = (_root_diagonal(part) for part in (post.covariance, post.mu_covariance))
    return Pooled(
        b, error, mu, mu_error, tau, post.shrinkage, post.covariance, post.apart,
        post.mu_covariance, converged, rounds,
    )  # fmt: skip


def _root_diagonal(covariance: Array) -> Array:
    return np.sqrt(np.maximum(np.diagonal(covariance, axis1=-2, axis2=-1), 0.0))


def _em_step(spread: Array, free: Array, unit: Array) -> Array:
    """Return the next tau^2 from the expected sum of squares of ``b_s - mu``."""
    pull = (unit / _WIDEST) ** 2
    return np.asarray(2.0 * spread / (free + np.sqrt(free**2 + 4.0 * pull * spread)))


@dataclass(frozen=True, eq=False)
class _Posterior:
    covariance: Array
    apart: Array
    """Covariance of b_s - mu."""

    mu_covariance: Array
    shrinkage: Array
    evidence: float
    """Log of the restricted marginal likelihood, up to a constant."""


def _weights(
    stack: Stack, b: Array, mu: Array, tau2: Array, power: float, scale: Array
) -> tuple[Array, Array, _Posterior]:
    """Return the mode of all weights and of mu given tau, and their covariance."""
    P, hold = 1.0 / tau2, (scale / _FARTHEST) ** 2
    now = _objective(stack, b, mu, P, hold, power)
    for _ in range(_NEWTON):
        gradient, curved = stack.derivatives(b)
        curved *= power
        target = np.einsum("skl,sl->sk", curved, b) + power * gradient
        V, M, volume = _solved(curved, P, hold)
        mu_new = M @ np.einsum("k,skl,sl->k", P, V, target)
        step = np.einsum("skl,sl->sk", V, target + P * mu_new) - b
        mu_step = mu_new - mu
        size = 1.0
        for _ in range(30):
            there = _objective(stack, b + size * step, mu + size * mu_step, P, hold, power)
            if there >= now - 1e-9 * (1.0 + abs(now)):
                break
            size /= 2.0
        b, mu, now = b + size * step, mu + size * mu_step, there
        if np.abs(step).max() * size < 1e-7 * (1.0 + np.abs(b).max()):
            break
    pull = V * P
    through, between = (
        part @ M @ np.swapaxes(part, 1, 2) for part in (pull, pull - np.eye(len(P)))
    )
    shrinkage = np.diagonal(pull, axis1=1, axis2=2)
    post = _Posterior(V + through, V + between, M, shrinkage, now - volume)
    return b, mu, post


def _solved(curved: Array, P: Array, hold: Array) -> tuple[Array, Array, float]:
    """Return each subset's covariance given mu, that of mu, and Laplace's log determinants."""
    # in units of the prior the matrix is I + something: as well conditioned as it can be
    root = np.sqrt(P)
    inner = curved / np.outer(root, root) + np.eye(len(P))
    V = np.linalg.inv(inner) / np.outer(root, root)
    A = (np.diag(P) - P[:, None] * V * P).sum(axis=0) + np.diag(hold)
    unit = np.sqrt(np.maximum(np.diag(A), hold))
    even = A / np.outer(unit, unit)
    volume = np.linalg.slogdet(inner)[1].sum() + np.linalg.slogdet(even)[1] + 2 * np.log(unit).sum()
    return V, np.linalg.pinv(even, hermitian=True) / np.outer(unit, unit), 0.5 * float(volume)


def _objective(stack: Stack, b: Array, mu: Array, P: Array, hold: Array, power: float) -> float:
    prior = float((P * (b - mu) ** 2).sum() + (hold * mu**2).sum())
    return power * stack.log_likelihood(b) - 0.5 * prior


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
