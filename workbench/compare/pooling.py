"""Partial pooling of logistic weights over subsets: empirical Bayes by Laplace's method.

Each subset's weights are ``b_s ~ Normal(mu, diag(tau^2))``. The logistic likelihood itself is
used, so a subset with fewer labels than factors, or one that a factor separates, needs no
care: its prior keeps it finite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.decompose.kernel import Array, logistic

_ROUNDS = 500
_FAST_ROUNDS = 50
_NEWTON = 50
_FLOOR = 1e-4
"""Smallest standard deviation, relative to the spread that one factor can show."""

_TOLERANCE = 1e-4


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
        Standard deviation between subsets, kept off 0 by a weak prior.
    shrinkage : ndarray, shape (S, K)
        Share of the prior in the weight, between 0 (left alone) and 1 (all the mean).
    converged : bool
    """

    mean: Array
    error: Array
    mu: Array
    mu_error: Array
    tau: Array
    shrinkage: Array
    converged: bool


def pool(subsets: Sequence[Subset], power: float = 1.0) -> Pooled:
    r"""Fit ``mu``, ``tau`` and every subset's weights.

    Parameters
    ----------
    subsets : sequence of Subset
        At least two, of the same K columns.
    power : float
        Power of the likelihood, below 1 where labels of one cluster repeat each other.

    Returns
    -------
    Pooled

    Notes
    -----
    Given ``tau``, each subset's mode and curvature :math:`H_s` stand for its likelihood, and
    the normal model is solved for ``mu`` (flat prior) and the weights together. Then

    .. math:: \tau_k^2 \leftarrow \frac{\sum_s \hat d_{sk}^2}
              {S - 1 - \sum_s \mathrm{Var}(d_{sk}) / \tau_k^2},\quad d_s = b_s - \mu

    or, where the denominator is near 0, the EM step of the same fixed point. It maximises the
    restricted marginal likelihood times :math:`\prod_k \tau_k` (the weak prior of Chung et al.
    2013), which keeps ``tau`` off 0: an estimate of 0 would claim that all subsets are alike.

    Examples
    --------
    >>> x = np.eye(2)[[0, 0, 0, 0, 1, 1, 1, 1]]
    >>> ones = np.ones(8)
    >>> same = pool([Subset(x, ones, np.array([1, 1, 1, 0, 0, 0, 0, 1.0]))] * 3)
    >>> bool((same.tau > 0).all()), bool(same.mean[0, 0] > 0 > same.mean[0, 1])
    (True, True)
    """
    S, K = len(subsets), subsets[0].X.shape[1]
    scale = _spread(subsets)
    tau2 = (0.5 / scale) ** 2
    floor = (_FLOOR / scale) ** 2
    b, mu = np.zeros((S, K)), np.zeros(K)
    converged = False
    for number in range(_ROUNDS):
        b, mu, post = _weights(subsets, b, mu, tau2, power)
        d2 = ((b - mu) ** 2).sum(axis=0)
        deviation = post.deviation.sum(axis=0)
        left = S - 1.0 - deviation / tau2
        slow = (d2 + deviation) / (S - 1.0)
        # the EM step alone cannot go back and forth between the two
        fast = (left > 0.2) & (number < _FAST_ROUNDS)
        new = np.where(fast, d2 / np.maximum(left, 0.2), slow)
        # the update may jump far at first; a factor of 100 a round is fast enough
        new = np.clip(new, tau2 / 100.0, tau2 * 100.0)
        new = np.maximum(new, floor)
        change = np.abs(np.log(new / tau2))
        tau2 = new
        if change.max(initial=0.0) < _TOLERANCE:
            converged = True
            break
    b, mu, post = _weights(subsets, b, mu, tau2, power)
    tau = np.sqrt(tau2)
    return Pooled(b, post.error, mu, post.mu_error, tau, post.shrinkage, converged)


@dataclass(frozen=True, eq=False)
class _Posterior:
    error: Array
    deviation: Array
    """Variance of b_s - mu."""

    mu_error: Array
    shrinkage: Array


def _weights(
    subsets: Sequence[Subset], b: Array, mu: Array, tau2: Array, power: float
) -> tuple[Array, Array, _Posterior]:
    """Return the mode of all weights and of mu given tau, and their covariance."""
    P = 1.0 / tau2
    for _ in range(_NEWTON):
        curved, target = _curvature(subsets, b, power)
        V = np.linalg.inv(curved + np.diag(P))
        PV = P[:, None] * V
        A = (np.diag(P) - PV * P).sum(axis=0)
        M = np.linalg.pinv(A, hermitian=True)
        mu_new = M @ np.einsum("skl,sl->k", PV, target)
        step = np.einsum("skl,sl->sk", V, target + P * mu_new) - b
        damping = _damping(subsets, b, mu, step, mu_new - mu, P, power)
        b, mu = b + damping * step, mu + damping * (mu_new - mu)
        if np.abs(step).max() * damping < 1e-8 * (1.0 + np.abs(b).max()):
            break
    pull = V * P
    variance = np.diagonal(V, axis1=1, axis2=2)
    through = np.einsum("skl,lm,skm->sk", pull, M, pull)
    apart = pull - np.eye(len(mu))
    deviation = variance + np.einsum("skl,lm,skm->sk", apart, M, apart)
    shrinkage = np.diagonal(pull, axis1=1, axis2=2)
    post = _Posterior(
        np.sqrt(variance + through), deviation, np.sqrt(np.maximum(np.diag(M), 0.0)), shrinkage
    )
    return b, mu, post


def _curvature(subsets: Sequence[Subset], b: Array, power: float) -> tuple[Array, Array]:
    """Return each subset's Hessian H, and ``H b`` plus its gradient."""
    S, K = b.shape
    H, target = np.empty((S, K, K)), np.empty((S, K))
    for s, one in enumerate(subsets):
        p = logistic(one.X @ b[s])
        w = one.weight * p * (1.0 - p)
        H[s] = power * (one.X.T @ (one.X * w[:, None]))
        target[s] = H[s] @ b[s] + power * (one.X.T @ (one.votes - one.weight * p))
    return H, target


def _damping(
    subsets: Sequence[Subset],
    b: Array,
    mu: Array,
    step: Array,
    mu_step: Array,
    P: Array,
    power: float,
) -> float:
    """Halve a Newton step until it does not lower the log posterior."""
    size, now = 1.0, _objective(subsets, b, mu, P, power)
    for _ in range(30):
        there = _objective(subsets, b + size * step, mu + size * mu_step, P, power)
        if there >= now - 1e-9 * (1.0 + abs(now)):
            break
        size /= 2.0
    return size


def _objective(subsets: Sequence[Subset], b: Array, mu: Array, P: Array, power: float) -> float:
    total = -0.5 * float((P * (b - mu) ** 2).sum())
    for s, one in enumerate(subsets):
        eta = one.X @ b[s]
        total += power * float((one.votes * eta - one.weight * np.logaddexp(0.0, eta)).sum())
    return total


def _spread(subsets: Sequence[Subset]) -> Array:
    """Root mean square of each column over all labels; 1 where it is all zero."""
    total = sum(float(one.weight.sum()) for one in subsets)
    squares = np.sum([one.weight @ one.X**2 for one in subsets], axis=0)
    spread = np.sqrt(squares / total)
    return np.where(spread > 0, spread, 1.0)
