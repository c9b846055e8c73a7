r"""The simulated log-likelihood of random coefficients, with its derivatives.

.. math:: \ell(\mu, \sigma) = \sum_p \log \frac1R \sum_r w_{pr} \exp \ell_p(\mu + \sigma z_{pr})

with weights of 1, or those of draws that are taken near where a person's weights are.

Derivatives are exact: with :math:`g, h` the gradient and Hessian of :math:`\ell_p` at a draw and
:math:`\omega_r` its posterior share,
:math:`\nabla_p = \sum_r \omega_r g_r` and
:math:`\nabla^2_p = \sum_r \omega_r (h_r + g_r g_r') - \nabla_p \nabla_p'`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array
from workbench.structure.mixed.sets import Block, ChoiceSets


class Simulated:
    """The log-likelihood of choices under given draws.

    Parameters
    ----------
    sets : ChoiceSets
    z : ndarray, shape (P, R, K)
        Draws, standard normal or
    log_weight : ndarray, shape (P, R), optional
        of another density, with the log ratio of the standard normal's to it.
    spread : ndarray of int, shape (K,)
        Which standard deviation each column has; S of them.

    Attributes
    ----------
    q : int
        Parameters: K means, then S standard deviations, whose signs say nothing.

    Examples
    --------
    >>> from workbench.structure.mixed.draws import normal_draws
    >>> from workbench.structure.mixed.sets import choice_sets
    >>> sets = choice_sets(np.eye(2)[None], np.array([[1.0, 0.0]]), np.zeros(1, dtype=int))
    >>> found = Simulated(sets, normal_draws("sobol", 1, 2, 64, 0), np.arange(2))
    >>> round(found.value(np.zeros(4)), 6)  # log 1/2
    -0.693147
    """

    def __init__(
        self,
        sets: ChoiceSets,
        z: Array,
        spread: NDArray[np.int64],
        log_weight: Array | None = None,
    ) -> None:
        self.sets, self.z, self.spread, self.log_weight = sets, z, spread, log_weight
        self.S = int(spread.max()) + 1
        self.q = sets.K + self.S
        self.J1 = sets.J - 1
        self.blocks = sets.blocks(z.shape[1])

    def value(self, theta: Array) -> float:
        """Return the log-likelihood."""
        total = 0.0
        for one in self.blocks:
            ll, _ = self._drawn(one, theta, shares=False)
            total += float(_log_mean(ll).sum())
        return total

    def scores(self, theta: Array) -> tuple[float, Array]:
        """Return the log-likelihood and its gradient by person, shape (P, q)."""
        total, scores = 0.0, np.empty((self.sets.P, self.q))
        for one in self.blocks:
            ll, p = self._drawn(one, theta, shares=True)
            total += float(_log_mean(ll).sum())
            g = self._by_draw(one, p)
            scores[one.people] = np.einsum("pr,prq->pq", _posterior(ll), g)
        return total, scores

    def derivatives(self, theta: Array) -> tuple[float, Array, Array]:
        """Return the log-likelihood, scores by person, and the Hessian, shape (q, q)."""
        total, q = 0.0, self.q
        scores, hessian = np.empty((self.sets.P, q)), np.zeros((q, q))
        for one in self.blocks:
            ll, p = self._drawn(one, theta, shares=True)
            total += float(_log_mean(ll).sum())
            omega, g = _posterior(ll), self._by_draw(one, p)
            own = np.einsum("pr,prq->pq", omega, g)
            scores[one.people] = own
            flat = g.reshape(-1, q)
            hessian += flat.T @ (flat * omega.reshape(-1, 1)) - own.T @ own
            hessian -= self._information(one, p, omega)
        return total, scores, hessian

    def by_row(self, theta: Array) -> Array:
        r"""Return how each row of a pair moves the scores, to first order, shape (N, q).

        A label pulls at the draws by its residual, and it moves what share each draw of its
        person has:

        .. math:: \sum_r \omega_r [g_{ir} + (g_r - \bar g)(\eta_{ir} - \bar\eta_i)(y_i - \bar p_i)]
        """
        K, moved = self.sets.K, np.zeros((len(self.sets.rows), self.q))
        for one in self.blocks:
            ll, p = self._drawn(one, theta, shares=True)
            omega, z = _posterior(ll), self.z[one.people]
            g = self._by_draw(one, p)
            apart = g - (omega[:, None] @ g)
            eta = one.X @ np.swapaxes(theta[:K] + theta[K:][self.spread] * z, 1, 2)
            left = (one.votes[:, :, None] - one.weight[:, :, None] * p) * omega[:, None]
            mean = left.sum(axis=2, keepdims=True)
            # the deviations of g sum to 0 over the shares: eta needs no mean taken off
            pull = mean * ((omega[:, None] * eta) @ apart)
            pull[:, :, :K] += mean * one.X
            drawn = (left @ z) * one.X
            for k in range(K):
                pull[:, :, K + self.spread[k]] += drawn[:, :, k]
            real = one.at >= 0
            moved[one.at[real]] = pull[real]
        return moved

    def _drawn(self, one: Block, theta: Array, shares: bool) -> tuple[Array, Array]:
        """Return log-likelihoods, shape (p, R), and chances of alternatives, (p, n (J - 1), R)."""
        K = self.sets.K
        b = theta[:K] + theta[K:][self.spread] * self.z[one.people]
        eta = one.X @ np.swapaxes(b, 1, 2)
        ll = np.matmul(one.votes[:, None, :], eta)[:, 0]
        if self.log_weight is not None:
            ll += self.log_weight[one.people]
        if one.closed is not None:
            eta += one.closed[:, :, None]
        # one array is worked on in place: memory is what this waits for
        if self.J1 == 1:
            odds = np.exp(-np.abs(eta))
            ll -= np.matmul(one.weight[:, None, :], np.maximum(eta, 0.0) + np.log1p(odds))[:, 0]
            if shares:
                np.divide(np.where(eta >= 0, 1.0, odds), 1.0 + odds, out=eta)
            return ll, eta
        split = eta.reshape(len(eta), -1, self.J1, eta.shape[2])
        top = np.maximum(split.max(axis=2), 0.0)
        split -= top[:, :, None]
        np.exp(split, out=split)
        whole = split.sum(axis=2) + np.exp(-top)
        ll -= np.matmul(one.weight[:, None, :], top + np.log(whole))[:, 0]
        if shares:
            split /= whole[:, :, None]
        return ll, eta

    def _by_draw(self, one: Block, p: Array) -> Array:
        """Return the gradient of every draw's log-likelihood, shape (p, R, q)."""
        K, z = self.sets.K, self.z[one.people]
        weight = np.repeat(one.weight, self.J1, axis=1)
        left = np.swapaxes(one.votes[:, :, None] - weight[:, :, None] * p, 1, 2)
        g = np.zeros((*z.shape[:2], self.q))
        g[:, :, :K] = left @ one.X
        for k in range(K):
            g[:, :, K + self.spread[k]] += g[:, :, k] * z[:, :, k]
        return g

    def by_person(self, theta: Array) -> tuple[Array, Array]:
        """Return gradients, (P, K), and negative Hessians, (P, K, K), by the weights of one draw.

        Each person's weights are those of the first draw.
        """
        P, K = self.sets.P, self.sets.K
        gradient, curved = np.empty((P, K)), np.empty((P, K, K))
        for one in self.blocks:
            _, p = self._drawn(one, theta, shares=True)
            gradient[one.people] = self._by_draw(one, p)[:, 0, :K]
            curved[one.people] = self._curvature(one, p)[:, :, :, 0]
        return gradient, curved

    def _information(self, one: Block, p: Array, omega: Array) -> Array:
        """Return the negative second derivative of the draws, weighed by their shares."""
        full = self._curvature(one, p)
        return self._folded(full.transpose(0, 3, 1, 2), self.z[one.people], omega)

    def _curvature(self, one: Block, p: Array) -> Array:
        """Return the negative Hessian of every draw by its weights, shape (p, K, K, R)."""
        K, z = self.sets.K, self.z[one.people]
        weight = np.repeat(one.weight, self.J1, axis=1)[:, :, None]
        pw = p * weight
        inner = pw if self.J1 > 1 else pw * (1.0 - p)
        size, R = z.shape[:2]
        upper = np.triu_indices(K)
        square = (one.X[:, :, upper[0]] * one.X[:, :, upper[1]]).swapaxes(1, 2) @ inner
        full = np.empty((size, K, K, R))
        full[:, upper[0], upper[1]] = square
        full[:, upper[1], upper[0]] = square
        if self.J1 > 1:
            full -= self._between(one, p)
        return full

    def _between(self, one: Block, p: Array) -> Array:
        """Return what the mean of each set takes away, shape (p, K, K, R)."""
        size, _, R = p.shape
        n, K = one.weight.shape[1], self.sets.K
        X = one.X.reshape(size, n, self.J1, K)
        mean = np.swapaxes(X, 2, 3) @ p.reshape(size, n, self.J1, R)
        mean *= np.sqrt(one.weight)[:, :, None, None]
        by_draw = mean.transpose(0, 3, 2, 1)
        return np.asarray((by_draw @ np.swapaxes(by_draw, 2, 3)).transpose(0, 2, 3, 1))

    def _folded(self, full: Array, z: Array, omega: Array) -> Array:
        """Return the sum over people and draws for means and standard deviations."""
        K = self.sets.K
        flat = full.reshape(-1, K * K)
        w, zz = omega.reshape(-1), z.reshape(-1, K)
        wz = w[:, None] * zz
        plain = (w @ flat).reshape(K, K)
        # by the column that z belongs to: sum of w h_kl z_l, and of w h_kl z_k z_l
        once = np.einsum("xkl,xl->kl", full.reshape(-1, K, K), wz, optimize=True)
        twice = np.einsum("xkl,xk,xl->kl", full.reshape(-1, K, K), zz, wz, optimize=True)
        fold = np.zeros((K, self.S))
        fold[np.arange(K), self.spread] = 1.0
        return np.block([[plain, once @ fold], [(once @ fold).T, fold.T @ twice @ fold]])


def _log_mean(ll: Array) -> Array:
    top = ll.max(axis=1)
    return np.asarray(top + np.log(np.exp(ll - top[:, None]).mean(axis=1)))


def _posterior(ll: Array) -> Array:
    share = np.exp(ll - ll.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    return np.asarray(share)
