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
from scipy.linalg.lapack import dpotri

from workbench.compare.subsets import Stack, Subset, typical
from workbench.decompose.kernel import Array

ROUNDS = 80
"""Rounds for tau at the most; what has not come to rest by then is said."""

_NEWTON = 30
_NEAR = 1e-7
"""Newton's step for the weights that counts as none, against the largest weight."""

_FLOOR = 1e-4
"""Smallest standard deviation, per typical difference."""

_WIDEST = 2.0
"""Scale of the weak prior of tau, in logits per typical difference."""

_FARTHEST = 10.0
"""Scale of the weak prior of mu, likewise: it holds a term that separates all labels."""

_TOLERANCE = 1e-7
"""Step of Newton's method in log tau^2 that counts as none."""

_LONGEST = float(np.log(100.0))
"""Longest step of log tau^2 in a round."""

_FLAT = 1e-3
"""Share of itself by which an EM step shrinks, from which it shows the way but not how far."""

_SINGULAR = 1e10
"""Largest value of the inverse of a matrix with 1 on its diagonal that is believed."""

_LOOSE = 1e-2
"""Newton's step for the weights that counts as none, as a share of what is left for tau."""

START = 0.5
"""Where tau starts, in logits per typical difference."""


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
    and the weights together. ``tau`` is where the EM step leads back to itself,

    .. math:: \tau_k^2 = \frac{1}{S - 1 + \tau_k^2 / a_k^2}
              \sum_s \hat d_{sk}^2 + \mathrm{Var}(d_{sk}),\quad d_s = b_s - \mu

    (of a block of m columns: summed over them, with ``m S - 1`` in place of ``S - 1``), found
    by Newton's method.

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
    member = (parts[:, None] == np.arange(len(first))).astype(np.float64)
    stack, scale = Stack(subsets), typical(subsets, parts)
    unit = scale[first]
    level = 2.0 * np.log(START / unit)
    floor = 2.0 * np.log(_FLOOR / unit)
    b, mu = np.zeros((S, K)), np.zeros(K)
    best, nearest, step, reach = -np.inf, np.inf, np.zeros(len(level)), _LONGEST
    converged, rounds, base = False, 0, level
    while rounds < ROUNDS and not converged:
        rounds += 1
        tau2 = np.exp(level)
        near = np.clip(_LOOSE * nearest, _NEAR, _LOOSE)
        b, mu, post = _weights(stack, b, mu, tau2[parts], power, scale, near)
        evidence = post.evidence + 0.5 * float((level - (unit / _WIDEST) ** 2 * tau2).sum())
        own = np.diagonal(post.apart, axis1=1, axis2=2).sum(axis=0)
        spread = np.bincount(parts, ((b - mu) ** 2).sum(axis=0) + own).astype(np.float64)
        there = _em_step(spread, free, unit)
        residual = np.maximum(np.log(there), floor) - level
        away = float(np.abs(residual).max(initial=0.0))
        if evidence < best - 1e-6 * (1.0 + abs(best)) and away > nearest and reach > nearest:
            # too bold a step: a shorter one, at the least the plain one, which cannot go wrong
            reach = max(reach / 4.0, nearest)
            level = np.maximum(base + np.clip(step, -reach, reach), floor)
            continue
        slope = _em_slope(stack, b, b - mu, post, power)
        slope = member.T @ slope @ member / tau2
        slope /= (there * (2.0 * (unit / _WIDEST) ** 2 * there + free))[:, None]
        slope[level + residual <= floor] = 0.0
        before, step = np.abs(step).max(initial=0.0), _bowed(_ahead(slope, residual), slope)
        longest = float(np.abs(step).max(initial=0.0))
        # the next step would be shorter by the share by which this one is
        converged = longest * min(1.0, longest / before if before else 1.0) < _TOLERANCE
        best, nearest, base, reach = evidence, away, level, min(2.0 * reach, _LONGEST)
        level = np.maximum(level + np.clip(step, -reach, reach), floor)
    tau = np.exp(level / 2.0)[parts]
    b, mu, post = _weights(stack, b, mu, tau**2, power, scale)
    covariance = post.covariance
    error, mu_error = (_root_diagonal(part) for part in (covariance, post.mu_covariance))
    return Pooled(
        b, error, mu, mu_error, tau, post.shrinkage, covariance, post.apart, post.mu_covariance,
        converged, rounds,
    )  # fmt: skip


def _root_diagonal(covariance: Array) -> Array:
    return np.sqrt(np.maximum(np.diagonal(covariance, axis1=-2, axis2=-1), 0.0))


def _em_step(spread: Array, free: Array, unit: Array) -> Array:
    """Return the next tau^2 from the expected sum of squares of ``b_s - mu``."""
    pull = (unit / _WIDEST) ** 2
    return np.asarray(2.0 * spread / (free + np.sqrt(free**2 + 4.0 * pull * spread)))


def _ahead(slope: Array, residual: Array) -> Array:
    """Return Newton's step to where the residual is 0; in a flat direction a long one uphill."""
    values, left = np.linalg.eig(np.eye(len(residual)) - slope)
    share = np.linalg.lstsq(left, residual.astype(left.dtype), rcond=None)[0]
    share /= np.where(values.real > _FLAT, values, _FLAT)
    return np.asarray((left @ share).real)


def _bowed(step: Array, slope: Array) -> Array:
    """Return Newton's step on a scale of tau^2 on which the EM step is closer to straight.

    Where labels tell little (a slope near 1) the EM step changes in proportion to tau^2, where
    they tell all (near 0) to its logarithm; between them lie powers of tau^2.
    """
    power = np.clip(np.diagonal(slope), 1e-3, 1.0)
    return np.asarray(np.log(np.maximum(1.0 + power * step, 0.05)) / power)


def _em_slope(stack: Stack, b: Array, d: Array, post: _Posterior, power: float) -> Array:
    """Return how the expected squares of ``d = b_s - mu`` fall with each prior precision, (K, K).

    With the covariances ``C_rs`` of two subsets' d these are sums over r and s of
    ``2 d_rk d_sl C_rs,kl + C_rs,kl^2``, less what the Hessians change as the modes move (of
    which what another subset's does, through mu, is left out).
    """
    V, W, M = post.given_mu, post.pull - np.eye(d.shape[1]), post.mu_covariance
    across = np.einsum("sk,skm->km", d, W)
    total = 2.0 * across @ M @ across.T
    inner = W.transpose(1, 2, 0) @ W.transpose(1, 0, 2) @ M
    total += np.tensordot(inner, inner, axes=([1, 2], [2, 1]))
    total += 2.0 * (d[:, :, None] * d[:, None, :] * V).sum(axis=0)
    total += (V * (V + 2.0 * (post.apart - V))).sum(axis=0)
    through = post.pull @ M
    moved = V * d[:, None, :] + through @ across.T
    total -= power * stack.bent(b, V + W @ through.swapaxes(1, 2), moved)
    return np.asarray(total)


@dataclass(frozen=True, eq=False)
class _Posterior:
    apart: Array
    """Covariance of b_s - mu."""

    given_mu: Array
    pull: Array
    """Derivative of b_s by mu."""

    mu_covariance: Array
    evidence: float
    """Log of the restricted marginal likelihood, up to a constant."""

    @property
    def covariance(self) -> Array:
        through = self.pull @ self.mu_covariance @ np.swapaxes(self.pull, 1, 2)
        return np.asarray(self.given_mu + through)

    @property
    def shrinkage(self) -> Array:
        return np.diagonal(self.pull, axis1=1, axis2=2)


def _weights(
    stack: Stack,
    b: Array,
    mu: Array,
    tau2: Array,
    power: float,
    scale: Array,
    near: float = _NEAR,
) -> tuple[Array, Array, _Posterior]:
    """Return the mode of all weights and of mu given tau, and their covariance."""
    P, hold = 1.0 / tau2, (scale / _FARTHEST) ** 2

    def at(b: Array, mu: Array) -> tuple[float, Array, Array]:
        each, gradient, hessian = stack.expanded(b)
        prior = float((P * (b - mu) ** 2).sum() + (hold * mu**2).sum())
        return power * float(each.sum()) - 0.5 * prior, power * gradient, power * hessian

    now, gradient, curved = at(b, mu)
    for _ in range(_NEWTON):
        target = (curved @ b[:, :, None])[:, :, 0] + gradient
        V, M, volume = _solved(curved, P, hold)
        mu_new = M @ (P * (V @ target[:, :, None])[:, :, 0].sum(axis=0))
        step = (V @ (target + P * mu_new)[:, :, None])[:, :, 0] - b
        mu_step = mu_new - mu
        size = 1.0
        for _ in range(30):
            there = at(b + size * step, mu + size * mu_step)
            if there[0] >= now - 1e-9 * (1.0 + abs(now)):
                break
            size /= 2.0
        b, mu = b + size * step, mu + size * mu_step
        now, gradient, curved = there
        if np.abs(step).max() * size < near * (1.0 + np.abs(b).max()):
            break
    pull = V * P
    away = pull - np.eye(len(P))
    return b, mu, _Posterior(V + away @ M @ np.swapaxes(away, 1, 2), V, pull, M, now - volume)


def _solved(curved: Array, P: Array, hold: Array) -> tuple[Array, Array, float]:
    """Return each subset's covariance given mu, that of mu, and Laplace's log determinants."""
    # in units of the prior the matrix is I + something: as well conditioned as it can be
    root, K = np.sqrt(P), len(P)
    inner = curved / np.outer(root, root)
    inner[:, np.arange(K), np.arange(K)] += 1.0
    V, volume = _inverted(inner)
    V /= np.outer(root, root)
    A = np.diag(len(V) * P + hold) - P[:, None] * V.sum(axis=0) * P
    unit = np.sqrt(np.maximum(np.diag(A), hold))
    even = A / np.outer(unit, unit)
    try:
        M, own = (part[0] for part in _inverted(even[None]))
        told = bool(M.max() < _SINGULAR)
    except np.linalg.LinAlgError:
        told = False
    if not told:
        M, own = np.linalg.pinv(even, hermitian=True), np.linalg.slogdet(even)[1]
    total = volume.sum() + own + 2 * np.log(unit).sum()
    return V, M / np.outer(unit, unit), 0.5 * float(total)


def _inverted(matrices: Array) -> tuple[Array, Array]:
    """Return inverses and log determinants of positive definite matrices, shape (S, K, K)."""
    factor = np.linalg.cholesky(matrices)
    volume = 2.0 * np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    # a row of a lower triangle is a column of an upper one: the library works in place
    for one in factor:
        dpotri(one.T, lower=0, overwrite_c=1)
    half = np.tril(factor, -1)
    diagonal = np.arange(factor.shape[1])
    inverse = half + np.swapaxes(half, 1, 2)
    inverse[:, diagonal, diagonal] = factor[:, diagonal, diagonal]
    return inverse, volume
