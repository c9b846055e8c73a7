r"""Exact Shapley values of a logistic prediction, without sampling and without subsets.

The game of one pair is :math:`v(S) = \sigma(\sum_{k \in S} z_k)` with
:math:`z_k = w_k x_k`: what the fit would predict if the sides differed on the factors in S
alone. From :math:`\tanh`'s Fourier integral (Gradshteyn and Ryzhik 3.981.1),

.. math:: \sigma(t) = \frac12 + \int_0^\infty \frac{\sin \omega t}{\sinh \pi\omega} d\omega,

:math:`v` is a mixture of games :math:`\prod_{k \in S} e^{i \omega z_k}`, and the Shapley
value of a product game is an integral of one variable (Owen 1972). With
:math:`Z = \sum_k z_k`, :math:`c_j = \cos(\omega z_j / 2)`, :math:`s_j = \sin(\omega z_j / 2)`:

.. math::
    \phi_k = \int_0^\infty \frac{2 \cos(\omega Z / 2)\, s_k}{\sinh \pi\omega}
    \int_0^1 \mathrm{Re} \prod_{j \neq k} (c_j + i u s_j)\, du\, d\omega .

The inner integrand is a polynomial of degree K - 1 in u, which Gauss-Legendre nodes integrate
exactly. Their number is even, so no node is at 0 and no :math:`|c_j + i u s_j| \ge |u|`
vanishes: the product over the others is the whole product divided by one factor.

The outer integral is a trapezoid sum with step :math:`2\pi / P` up to :math:`\Omega`. It
replaces :math:`\sigma(t)` by a function within
:math:`e^{|t| - P} / (1 - e^{-P}) + (2 / \pi) e^{-\pi\Omega}` of it (Poisson summation; the
tail is below the integral of 1 / sinh), and a Shapley value averages differences of two
values of v, so its error is at most twice that at the largest :math:`|\sum_{k \in S} z_k|`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array
from workbench.errors import DesignError

ERROR_BOUND = 1e-11
"""Largest error of a share of the probability, rounding (about 1e-14) apart."""

REACH = 4096.0
"""Largest sum of positive (or of negative) logits for which the integral is laid out."""

_BLOCK = 1 << 16
"""Values of one array of a block: a block and its products stay in the processor's cache."""


def probability_shares(z: Array) -> Array:
    r"""Return each factor's share of a predicted probability, exact to ``1e-11``.

    Parameters
    ----------
    z : ndarray, shape (n, K)
        Logit contributions ``w_k x_k`` of each pair; a 0 takes no part.

    Returns
    -------
    ndarray, shape (n, K)
        Shapley values; a row sums to :math:`\sigma(\sum_k z_k) - 1/2`. NaN in rows whose
        positive (or negative) contributions sum to more than :data:`REACH`.

    Raises
    ------
    DesignError
        A contribution is NaN or infinite.

    References
    ----------
    Shapley (1953); Owen (1972), Multilinear extensions of games. The integral and its error
    bound are derived at the top of this module.

    Examples
    --------
    >>> shares = probability_shares(np.array([[1.0, 1.0, 0.0]]))
    >>> shares.round(6).tolist()
    [[0.190399, 0.190399, 0.0]]
    """
    _check(z)
    shares = np.zeros(z.shape)
    players = (z != 0).sum(axis=1)
    reach = _reach(z)
    shares[reach > REACH] = np.nan
    width = np.minimum(-(-players // 4) * 4, z.shape[1])
    # the layout of a row's integral depends on that row alone, so its bits do too
    layout, member = np.unique(np.stack([width, reach], axis=1), axis=0, return_inverse=True)
    for kind, (m, top) in enumerate(layout):
        if m == 0 or top > REACH:
            continue
        for rows in _blocks(np.flatnonzero(member.ravel() == kind), int(m) * len(_outer(top)[0])):
            first = np.argsort(z[rows] == 0, axis=1, kind="stable")[:, : int(m)]
            part = _shares(np.take_along_axis(z[rows], first, axis=1), top)
            shares[rows[:, None], first] = part
    return shares


def share_slopes(z: Array) -> Array:
    r"""Return how each factor's share of the probability moves with each contribution.

    Parameters
    ----------
    z : ndarray, shape (n, K)
        As in :func:`probability_shares`.

    Returns
    -------
    ndarray, shape (n, K, K)
        :math:`\partial \phi_k / \partial z_l`, for the delta method. NaN beyond
        :data:`REACH`.

    Examples
    --------
    >>> slopes = share_slopes(np.array([[0.5, -1.0]]))
    >>> moved = probability_shares(np.array([[0.5 + 1e-6, -1.0]]))
    >>> change = (moved - probability_shares(np.array([[0.5, -1.0]]))) / 1e-6
    >>> bool(np.allclose(slopes[0, :, 0], change, atol=1e-4))
    True
    """
    _check(z)
    n, K = z.shape
    slopes = np.full((n, K, K), np.nan)
    reach = _reach(z)
    for top in np.unique(reach[reach <= REACH]) if K else ():
        size = 4 * len(_inner(K)[0]) * K * len(_outer(top)[0])
        for rows in _blocks(np.flatnonzero(reach == top), size):
            slopes[rows] = _slopes(z[rows], top)
    return slopes


def _shares(z: Array, reach: float) -> Array:
    omega, weight, zero = _outer(reach)
    half = 0.5 * omega * z.T[:, :, None]
    c, s = np.cos(half), np.sin(half)
    total = np.zeros(half.shape)
    for u, w in zip(*_inner(z.shape[1]), strict=True):
        us = u * s
        product = np.multiply.reduce(c + 1j * us, axis=0)
        others = product.real * c
        others += product.imag * us
        others /= (1.0 - u * u) * c * c + u * u
        total += w * others
    swing = 2.0 * weight * np.cos(0.5 * omega * z.sum(axis=1)[:, None])
    total *= s
    return np.asarray(zero * z + np.einsum("knw,nw->nk", total, swing))


def _slopes(z: Array, reach: float) -> Array:
    omega, weight, zero = _outer(reach)
    nodes, node_weight = _inner(z.shape[1])
    half = 0.5 * omega * z[:, :, None, None]
    u = nodes[:, None]
    c, s = np.cos(half), np.sin(half)
    factor = c + 1j * u * s
    others = np.multiply.reduce(factor, axis=1)[:, None] / factor
    others *= weight * node_weight[:, None]
    bend = 0.5 * omega * (1j * u * c - s) / factor
    angle = 0.5 * omega * z.sum(axis=1)[:, None, None, None]
    cross = (2.0 * np.cos(angle) * s * others).reshape(*z.shape, -1)
    bend = bend.reshape(*z.shape, -1)
    slopes = cross.real @ bend.real.swapaxes(1, 2) - cross.imag @ bend.imag.swapaxes(1, 2)
    own = (omega * np.cos(angle) * c * others).real.sum(axis=(2, 3))
    diagonal = np.arange(z.shape[1])
    slopes[:, diagonal, diagonal] = own + zero
    swing = (omega * np.sin(angle) * s * others).real.sum(axis=(2, 3))
    return np.asarray(slopes - swing[:, :, None])


def _check(z: Array) -> None:
    bad = ~np.isfinite(z)
    if bad.any():
        raise DesignError(
            "A contribution to a prediction is not a number.",
            where=f"row {int(np.flatnonzero(bad.any(axis=1))[0]) + 1}",
            found=f"{int(bad.sum())} values that are NaN or infinite",
            expected="finite weights and factor values",
            fix="Leave out the pairs with missing factor values.",
        )


def _reach(z: Array) -> Array:
    """Return a power of two that no partial sum of a row exceeds."""
    largest = np.maximum(np.maximum(z, 0.0).sum(axis=1), np.maximum(-z, 0.0).sum(axis=1))
    return np.asarray(np.exp2(np.ceil(np.log2(np.maximum(largest, 2.0)))))


@cache
def _outer(reach: float) -> tuple[Array, Array, float]:
    """Return the positive nodes in omega, their weights, and the weight of z at omega = 0."""
    quarter = 0.2 * ERROR_BOUND
    step = 2.0 * np.pi / (float(reach) - np.log(quarter))
    end = -np.log(0.5 * np.pi * quarter) / np.pi
    omega = step * np.arange(1, int(np.ceil(end / step)) + 1)
    return omega, step / np.sinh(np.pi * omega), step / (2.0 * np.pi)


@cache
def _inner(players: int) -> tuple[Array, Array]:
    """Return the positive half of an even number of Gauss-Legendre nodes, and their weights."""
    nodes, weights = np.polynomial.legendre.leggauss(2 * -(-players // 4))
    return nodes[nodes > 0], weights[nodes > 0]


def _blocks(rows: NDArray[np.int64], values: int) -> Iterator[NDArray[np.int64]]:
    size = max(1, _BLOCK // values)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
