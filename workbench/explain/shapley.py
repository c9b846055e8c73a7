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
exactly; of many players fewer do, where a bound of its high powers allows it. Their number is
even, so no node is at 0 and no :math:`|c_j + i u s_j| \ge |u|` vanishes: for slopes, the product
over the others is the whole product divided by one factor.

The outer integral becomes a sum :math:`\alpha t + \sum_j a_j \sin \omega_j t` in place of
:math:`\sigma(t) - 1/2`. A Shapley value averages differences of two values of v, so its error
is at most twice that of the sum at the largest :math:`|\sum_{k \in S} z_k|`. Up to
:math:`|t| = 16` a few frequencies :math:`j \pi / g`, with g beyond the largest t, are fitted to
:math:`\sigma` by least squares (a Fourier extension). Farther out it is a trapezoid sum with
step :math:`2\pi / P` up to :math:`\Omega`, within
:math:`e^{|t| - P} / (1 - e^{-P}) + (2 / \pi) e^{-\pi\Omega}` (Poisson summation; the tail is
below the integral of 1 / sinh).

The products over the others are made of fours. That of a four is a polynomial of degree 4 in u;
those of all fours but one are products at the nodes; and of these, what a player of the one
needs are four moments, as the product of the three beside it is a polynomial of degree 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from workbench.decompose.kernel import Array
from workbench.errors import DesignError

_Two = tuple[Array, Array]

ERROR_BOUND = 1e-11
"""Largest error of a share of the probability, rounding (about 1e-14) apart."""

REACH = 4096.0
"""Largest sum of positive (or of negative) logits for which the integral is laid out."""

_MOST_STEPS = 24
"""Twice the binary logarithm of :data:`REACH`."""

_BLOCK = 1 << 16
"""Values of one array of a block: a block and its products stay in the processor's cache."""

_ROWS = (16, 64)
"""Rows of a block of shares, of few rows and of many. Of a block that matrix products need not
cut anywhere, no row's bits depend on where it stands."""

_FITTED = {
    2: (9, 2.0), 3: (11, 1.8), 4: (14, 1.5), 5: (19, 1.3), 6: (25, 1.2), 7: (33, 1.1), 8: (47, 1.1),
}  # fmt: skip
"""By twice the binary logarithm of the reach: frequencies, and g over the reach."""


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
    steps = _steps(z)
    shares[steps > _MOST_STEPS] = np.nan
    width = -(-players // 4) * 4
    # the layout of a row's integral depends on that row alone, so its bits do too
    layout, member = np.unique(width * (_MOST_STEPS + 2) + steps, return_inverse=True)
    order = np.argsort(member, kind="stable")
    ends = np.cumsum(np.bincount(member, minlength=len(layout))).tolist()
    for kind, start, end in zip(layout.tolist(), [0, *ends], ends, strict=False):
        mine = order[start:end]
        m, step = divmod(kind, _MOST_STEPS + 2)
        if m == 0 or step > _MOST_STEPS:
            continue
        sums = _Sums(m, step, _ROWS[len(mine) >= _ROWS[1]])
        taken = min(m, z.shape[1])
        for at in range(0, len(mine), sums.n):
            rows = mine[at : at + sums.n]
            first = np.argsort(z[rows] == 0, axis=1, kind="stable")[:, :taken]
            shares[rows[:, None], first] = sums(np.take_along_axis(z[rows], first, axis=1))
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
    steps = _steps(z)
    for step in np.unique(steps[steps <= _MOST_STEPS]).tolist() if K else ():
        size = K * (K + 3) * len(_outer(step)[0])
        for rows in _blocks(np.flatnonzero(steps == step), size):
            slopes[rows] = _slopes(z[rows], step)
    return slopes


class _Sums:
    """Shares of ``n`` rows of ``m`` players at a time, ``m`` a multiple of 4.

    Arrays run over fours of players, then over frequencies and rows together. They are made
    once: fresh ones would cost more than what is done with them.
    """

    def __init__(self, m: int, step: int, n: int) -> None:
        self.m, self.n = m, n
        self.omega, self.weight, self.zero = _outer(step)
        u, self.node_weight = _inner(_nodes_for(m, step))
        self.even = np.stack([u**0, u**2, u**4], axis=1)
        self.odd = np.stack([u, u**3], axis=1)
        self.powers = np.stack([u**0, u**2, u, u**3])
        Q, U, N = m // 4, len(u), len(self.omega) * n
        self.turn = np.empty((2, m, len(self.omega), n))
        self.c, self.s = self.turn.reshape(2, Q, 2, 2, N)
        self.pair = np.empty((3, Q, 2, N))
        self.real, self.imaginary, self.at_u = (np.empty((Q, k, N)) for k in (3, 2, U))
        self.four, self.others = np.empty((2, Q, U, N), dtype=np.complex128)
        self.moments, self.moment = np.empty((Q, 4, 2 * N)), np.empty((4, Q, 1, N))
        self.share, self.beside = np.empty((Q, 2, 2, N)), np.empty((3, Q, 2, N))

    def __call__(self, z: Array) -> Array:
        """Return the shares of at most n rows; players beyond those given are none."""
        full = np.zeros((self.n, self.m))
        full[: len(z), : z.shape[1]] = z
        # the frequencies are multiples of the first: sums of angles, by Chebyshev's recurrence
        first = 0.5 * self.omega[0] * full.T
        np.cos(first, out=self.turn[0, :, 0])
        np.sin(first, out=self.turn[1, :, 0])
        twice = 2.0 * self.turn[0, :, 0]
        for j in range(1, len(self.omega)):
            np.multiply(self.turn[:, :, j - 1], twice, out=self.turn[:, :, j])
            if j > 1:
                self.turn[:, :, j] -= self.turn[:, :, j - 2]
            else:
                self.turn[0, :, j] -= 1.0
        self._fours()
        angle = 0.5 * self.omega[:, None] * full.sum(axis=1)
        self._others((2.0 * self.weight[:, None] * np.cos(angle)).ravel())
        self._shared()
        by_player = (self.m, len(self.omega), self.n)
        share = np.einsum("kwn,kwn->nk", self.share.reshape(by_player), self.turn[1])
        return np.asarray((self.zero * full + share)[: len(z), : z.shape[1]])

    def _fours(self) -> None:
        """Set the product of each four at the nodes, by those of its two pairs."""
        c, s, (p0, p1, p2), spare = self.c, self.s, self.pair, self.beside[0]
        np.multiply(c[:, :, 0], c[:, :, 1], out=p0)
        _add_up(p1, spare, (c[:, :, 0], s[:, :, 1]), (s[:, :, 0], c[:, :, 1]))
        np.multiply(s[:, :, 0], s[:, :, 1], out=p2)
        np.negative(p2, out=p2)
        (a0, b0), (a1, b1), (a2, b2) = ((part[:, 0], part[:, 1]) for part in self.pair)
        real, imaginary, spare = self.real, self.imaginary, spare[:, 0]
        # powers 0, 2 and 4 of u in the real part; 1 and 3 in the imaginary one
        np.multiply(a0, b0, out=real[:, 0])
        _add_up(real[:, 1], spare, (a0, b2), (a2, b0), less=(a1, b1))
        np.multiply(a2, b2, out=real[:, 2])
        _add_up(imaginary[:, 0], spare, (a0, b1), (a1, b0))
        _add_up(imaginary[:, 1], spare, (a2, b1), (a1, b2))
        self.four.real = np.matmul(self.even, real, out=self.at_u)
        self.four.imag = np.matmul(self.odd, imaginary, out=self.at_u)

    def _others(self, swing: Array) -> None:
        """Set the moments of the product of all fours but one: those before it, those after."""
        four, others, Q = self.four, self.others, len(self.four)
        others[0] = self.node_weight[:, None] * swing
        for q in range(1, Q):
            np.multiply(others[q - 1], four[q - 1], out=others[q])
        for q in range(Q - 2, -1, -1):
            others[q] *= four[q + 1]
            if q:
                four[q] *= four[q + 1]
        np.matmul(self.powers, others.view(np.float64), out=self.moments)
        real = self.moments[:, :2, 0::2], self.moments[:, 2:, 1::2]
        for target, source in zip(self.moment.reshape(2, 2, Q, -1), real, strict=True):
            target[:] = source.swapaxes(0, 1)

    def _shared(self) -> None:
        """Set the integrand of each player: the moments, and the three beside it in its four."""
        m0, m2, m1, m3 = self.moment
        p0, p1, p2 = self.pair[:, :, ::-1]
        x, y, spare = self.beside
        _add_up(x, spare, (m0, p0), (m2, p2), less=(m1, p1))
        _add_up(y, spare, (m2, p1), (m1, p0), (m3, p2))
        for i in (0, 1):
            own = self.share[:, :, i]
            _add_up(own, spare, (self.c[:, :, 1 - i], x), less=(self.s[:, :, 1 - i], y))


def _add_up(
    out: Array,
    spare: Array,
    *products: tuple[Array, Array],
    less: tuple[Array, Array] | None = None,
) -> None:
    np.multiply(*products[0], out=out)
    for pair in products[1:]:
        out += np.multiply(*pair, out=spare)
    if less is not None:
        out -= np.multiply(*less, out=spare)


def _slopes(z: Array, step: int) -> Array:
    omega, weight, zero = _outer(step)
    nodes, node_weight = _inner(-(-z.shape[1] // 4))
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


def _steps(z: Array) -> NDArray[np.int64]:
    """Return twice the binary logarithm, rounded up, of what no partial sum of a row exceeds."""
    largest = np.maximum(np.maximum(z, 0.0).sum(axis=1), np.maximum(-z, 0.0).sum(axis=1))
    bounded = np.clip(largest, 2.0, 2.0 * REACH)
    return np.asarray(np.ceil(2.0 * np.log2(bounded)), dtype=np.int64)


@cache
def _outer(step: int) -> tuple[Array, Array, float]:
    """Return the positive nodes in omega, multiples of the first, their weights, and that of z."""
    reach = 2.0 ** (step / 2)
    if step in _FITTED:
        count, beyond = _FITTED[step]
        omega = np.pi / (beyond * reach) * np.arange(1, count + 1)
        t = reach * np.sin(0.5 * np.pi * np.linspace(0.0, 1.0, 8 * count)[1:])
        waves = np.column_stack([t / reach, np.sin(np.outer(t, omega))])
        found = np.linalg.lstsq(waves, 0.5 * np.tanh(0.5 * t), rcond=1e-15)[0]
        return omega, found[1:], float(found[0]) / reach
    quarter = 0.2 * ERROR_BOUND
    width = 2.0 * np.pi / (reach - np.log(quarter))
    end = -np.log(0.5 * np.pi * quarter) / np.pi
    omega = width * np.arange(1, int(np.ceil(end / width)) + 1)
    return omega, width / np.sinh(np.pi * omega), width / (2.0 * np.pi)


@cache
def _inner(nodes: int) -> tuple[Array, Array]:
    """Return the positive ones of an even number of Gauss-Legendre nodes, and their weights."""
    found, weights = np.polynomial.legendre.leggauss(2 * nodes)
    return found[found > 0], weights[found > 0]


@cache
def _nodes_for(players: int, step: int) -> int:
    """Return how many positive nodes integrate the products over all players but one.

    A coefficient of u^d of such a product is a sum over all choices of d of the K of products of
    sines and cosines. It is at most the number of choices times ``(x / K)^d``, where the sines'
    angles sum to x (Maclaurin), and at most the root of that number (Cauchy and Schwarz).
    """
    omega, weight, _ = _outer(step)
    angle = np.log(omega * 2.0 ** (step / 2))[:, None]
    for nodes in range(1, -(-players // 4)):
        u, w = _inner(nodes)
        d = np.arange(4 * nodes, players, 2)
        missed = np.abs(w @ u[:, None] ** d - 1.0 / (d + 1))
        choices = gammaln(players) - gammaln(d + 1) - gammaln(players - d)
        even = choices + d * (angle - np.log(players - 1))
        largest = np.exp(np.minimum(even, 0.5 * choices))
        if 2.0 * np.abs(weight) @ largest @ missed < 0.2 * ERROR_BOUND:
            return nodes
    return -(-players // 4)


def _blocks(rows: NDArray[np.int64], values: int) -> Iterator[NDArray[np.int64]]:
    size = max(1, _BLOCK // values)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
