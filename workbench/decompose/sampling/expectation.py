"""Means and covariances of the posteriors that the sampler draws from, without drawing.

The log-likelihood is close to a quadratic over the posterior; under a Laplace prior its
product with the prior has no closed form, but expectation propagation finds a normal with
nearly the same mean and covariance (Seeger 2008; Minka 2001). It costs a matrix inverse a
step, so many prior scales and folds can be compared before anything is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import erfcx, expit, log_ndtr

from workbench.decompose.kernel import Array, logistic
from workbench.decompose.sampling.sampler import Part, Prior

_ROUNDS = 3
"""Times that the quadratic is laid at the mean that the last one gave."""

_STEPS = 4
"""Steps of expectation propagation under each quadratic."""

_LEAST = 1e-12
_FAR = -30.0
"""Standardised distance from which a truncated normal is taken for nearly exponential."""


def moments(part: Part, priors: Sequence[Prior]) -> tuple[Array, Array]:
    r"""Return the posterior mean and covariance of every group's weights under each prior.

    Parameters
    ----------
    part : Part
        J groups that labelled the same rows.
    priors : sequence of Prior
        B of them, fitted at once.

    Returns
    -------
    mean : ndarray, shape (B, J, K)
    covariance : ndarray, shape (B, J, K, K)

    Notes
    -----
    The normal :math:`\exp(\nu_k b_k - \tau_k b_k^2 / 2)` that stands for the prior of a weight is
    the one that gives the weight the mean and variance which the prior itself gives it, the
    normals of the other weights as they are.

    References
    ----------
    Seeger (2008), Bayesian inference and optimal design for the sparse linear model.

    Examples
    --------
    >>> part = Part(np.ones((400, 1)), np.ones((400, 1)), np.tile([[1.0], [0.0]], (200, 1)), ["g"])
    >>> mean, covariance = moments(part, [Prior(np.zeros(1), np.ones(1))])
    >>> float(mean[0, 0, 0].round(6)), float(covariance[0, 0, 0, 0].round(4))
    (0.0, 0.0099)
    """
    B, J, K = len(priors), len(part.names), part.X.shape[1]
    rate = np.repeat(np.stack([prior.rate for prior in priors])[:, None], J, axis=1)
    fixed = np.repeat(np.stack([prior.precision for prior in priors])[:, None], J, axis=1)
    # a Laplace prior starts as the normal of its own variance
    site = fixed + rate**2 / 2.0
    pull, mean = np.zeros((B, J, K)), np.zeros((B, J, K))
    covariance = np.zeros((B, J, K, K))
    for _ in range(_ROUNDS):
        linear, quadratic = _quadratic(part, mean, covariance)
        for _ in range(_STEPS):
            mean, covariance = _normal(linear, quadratic, pull, site)
            pull, site = _matched(mean, covariance, pull, site, rate, fixed)
        mean, covariance = _normal(linear, quadratic, pull, site)
    return mean, covariance


def predictive(X: Array, mean: Array, covariance: Array) -> Array:
    r"""Return P(A preferred) averaged over normal posteriors, shape (B, rows, J).

    .. math:: E\,\sigma(\eta) \approx \sigma(m / \sqrt{1 + \pi v / 8})

    for a logit of mean m and variance v (MacKay 1992).

    Examples
    --------
    >>> float(predictive(np.ones((1, 1)), np.zeros((1, 1, 1)), np.ones((1, 1, 1, 1)))[0, 0, 0])
    0.5
    """
    B, J, K = mean.shape
    eta = X @ mean.reshape(B * J, K).T
    eta *= _shrinkage(X, covariance)
    return logistic(eta).reshape(len(X), B, J).transpose(1, 0, 2)


def _shrinkage(X: Array, covariance: Array) -> Array:
    """Return what a logit of uncertain weights is multiplied with, shape (rows, B * J)."""
    columns = covariance.reshape(-1, *covariance.shape[2:])
    if not covariance.any():
        return np.ones((1, 1))
    variance = np.stack([np.einsum("nk,nk->n", X @ own, X) for own in columns], axis=1)
    return np.asarray(1.0 / np.sqrt(1.0 + np.pi / 8.0 * np.maximum(variance, 0.0)))


def _quadratic(part: Part, mean: Array, covariance: Array) -> tuple[Array, Array]:
    """Return slope at 0 and curvature of a quadratic in place of each log-likelihood.

    They are the means over the posterior so far: at its mean alone the quadratic would miss
    that a logistic likelihood is skewed.
    """
    B, J, K = mean.shape
    X = part.X
    shrinkage = _shrinkage(X, covariance)
    p = logistic((X @ mean.reshape(B * J, K).T) * shrinkage)
    weight, votes = np.tile(part.weight, B), np.tile(part.votes, B)
    slope = ((votes - weight * p).T @ X).reshape(B, J, K)
    bend = weight * p * (1.0 - p) * shrinkage
    quadratic = np.stack([X.T @ (X * own[:, None]) for own in bend.T]).reshape(B, J, K, K)
    return slope + (quadratic @ mean[..., None])[..., 0], quadratic


def _normal(linear: Array, quadratic: Array, pull: Array, site: Array) -> tuple[Array, Array]:
    whole = quadratic.copy()
    diagonal = np.arange(whole.shape[-1])
    whole[..., diagonal, diagonal] += site
    # to a diagonal of 1 first: the precisions of the priors differ by many orders
    size = np.sqrt(whole[..., diagonal, diagonal])
    scaled = whole / (size[..., :, None] * size[..., None, :])
    covariance = np.linalg.inv(scaled) / (size[..., :, None] * size[..., None, :])
    return (covariance @ (linear + pull)[..., None])[..., 0], covariance


def _matched(
    mean: Array, covariance: Array, pull: Array, site: Array, rate: Array, fixed: Array
) -> tuple[Array, Array]:
    """Return the normals in place of the priors after one step of all weights at once."""
    variance = np.diagonal(covariance, axis1=-2, axis2=-1)
    # what is known of a weight without its own prior
    h = np.maximum(1.0 / variance - site, _LEAST * site)
    q = mean / variance - pull
    own, spread = laplace_moments(q, np.maximum(h, _LEAST), rate)
    better = np.maximum(1.0 / spread - h, _LEAST * site)
    laplace = rate > 0
    return (
        np.where(laplace, (own / spread) - q, 0.0),
        np.where(laplace, better, fixed),
    )


def laplace_moments(slope: Array, precision: Array, rate: Array) -> tuple[Array, Array]:
    r"""Return mean and variance of the density :math:`\propto e^{q b - h b^2 / 2 - r |b|}`.

    Each side of 0 is a truncated normal.

    Parameters
    ----------
    slope, precision, rate : ndarray
        :math:`q`, :math:`h > 0` and :math:`r \ge 0`, of shapes that go together.

    Examples
    --------
    >>> mean, variance = laplace_moments(np.array(0.0), np.array(1e-9), np.array(2.0))
    >>> float(mean), float(variance.round(6))
    (0.0, 0.5)
    """
    root = np.sqrt(precision)
    right, left = (slope - rate) / root, (-slope - rate) / root
    share = expit(_log_mass(right) - _log_mass(left))
    first_right, second_right = _half(right)
    first_left, second_left = _half(left)
    mean = share * first_right - (1.0 - share) * first_left
    square = share * second_right + (1.0 - share) * second_left
    return mean / root, np.maximum(square - mean**2, _LEAST * square) / precision


def _log_mass(a: Array) -> Array:
    """Return log of Phi(a) exp(a^2 / 2): the mass of a side, up to what both have in common."""
    below, above = np.minimum(a, 0.0), np.maximum(a, 0.0)
    with np.errstate(divide="ignore"):
        tail = np.log(erfcx(-below * np.sqrt(0.5)) / 2.0)
    return np.asarray(np.where(a < 0, tail, log_ndtr(above) + above**2 / 2.0))


def _half(a: Array) -> tuple[Array, Array]:
    """Return mean and mean square of a normal (a, 1) that is above 0."""
    near = np.maximum(a, _FAR)
    first = near + np.sqrt(2.0 / np.pi) / erfcx(-near * np.sqrt(0.5))
    second = 1.0 + near * first
    # far out in the tail these cancel: the first terms of the series of an exponential
    t = 1.0 / np.maximum(-a, -_FAR)
    gone = a < _FAR
    return (
        np.where(gone, t * (1.0 - 2.0 * t**2 + 10.0 * t**4), first),
        np.where(gone, 2.0 * t**2 * (1.0 - 5.0 * t**2 + 37.0 * t**4), second),
    )
