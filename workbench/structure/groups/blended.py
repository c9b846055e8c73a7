r"""Prototypes that people mix: each person's weights are a convex combination of a few.

.. math:: b_p = \sum_c w_{pc} b_c, \quad w_p \sim \mathrm{Dirichlet}(1.1)

This is the linear form of pluralistic alignment (Chen et al. 2024) without its common term.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.decompose.kernel import Array, logistic
from workbench.structure.groups.mixture import PRIOR_SD
from workbench.structure.groups.panel import Panel

DIRICHLET = 1.1
"""Parameter of the prior of each person's shares."""

_ROUNDS = 200
_PLACING = 50
_LONGEST = 3.0
"""Longest step of a weight or of the logarithm of a share."""

_RISE = 1e-2
"""Nats by which a round must lead up for another."""
_SURE = 0.9
"""Share that a class keeps of a person who is surely of it, when shares start."""


@dataclass(frozen=True, eq=False)
class Blend:
    """Prototypes and shares.

    Attributes
    ----------
    b : ndarray, shape (C, K)
        Per typical difference.
    share : ndarray, shape (P, C)
    likelihood, value : float
        Log-likelihood without and with the priors.
    influence, by_cell : ndarray, shape (P, C K) and (N, C K)
        First-order change of ``b`` due to each person, and to each cell.
    rounds : int
    """

    b: Array
    share: Array
    likelihood: float
    value: float
    influence: Array
    by_cell: Array
    rounds: int


def fit_blended(laid: Panel, weight: Array, votes: Array, b: Array, member: Array) -> Blend:
    """Fit prototypes and shares by turns, each by Newton steps that never lead down.

    Parameters
    ----------
    laid : Panel
    weight, votes : ndarray, shape (N,)
    b : ndarray, shape (C, K)
        Where the prototypes start: the weights of classes.
    member : ndarray, shape (P, C)
        Chances of the classes, from which the shares start.

    Returns
    -------
    Blend
    """
    C = len(b)
    share = _SURE * member + (1.0 - _SURE) / C
    z = np.log(share) - np.log(share).mean(axis=1, keepdims=True)
    now = _State(laid, weight, votes, b, z)
    rounds, before = 0, -np.inf
    while rounds < _ROUNDS and now.value - before >= _RISE:
        rounds += 1
        before = now.value
        now = _joint_step(now) or _prototype_step(_share_step(now))
    return Blend(now.b, now.share, float(now.own.sum()), now.value, *_influence(now), rounds)


def place_blended(laid: Panel, weight: Array, votes: Array, b: Array) -> Array:
    """Return the shares of people under prototypes that are given, shape (P, C)."""
    now = _State(laid, weight, votes, b, np.zeros((laid.P, len(b))))
    for _ in range(_PLACING):
        before = now.value
        now = _share_step(now)
        if now.value - before < _RISE:
            break
    return np.asarray(now.share)


class _State:
    """Likelihoods and derivatives at some prototypes and shares."""

    def __init__(self, laid: Panel, weight: Array, votes: Array, b: Array, z: Array) -> None:
        self.laid, self.weight, self.votes, self.b, self.z = laid, weight, votes, b, z
        share = np.exp(z - z.max(axis=1, keepdims=True))
        self.share = share / share.sum(axis=1, keepdims=True)
        eta = (laid.X * (self.share @ b)[laid.person]).sum(axis=1)
        cell = votes * eta - weight * np.logaddexp(0.0, eta)
        self.own = np.asarray(laid.sums @ cell)
        self.p = logistic(eta)
        self.prior = (DIRICHLET - 1.0) * np.log(np.maximum(self.share, 1e-300)).sum(axis=1)
        self.value = float((self.own + self.prior).sum() - 0.5 * (b**2).sum() / PRIOR_SD**2)

    def at(self, b: Array, z: Array) -> _State:
        return _State(self.laid, self.weight, self.votes, b, z)

    def derivatives(self) -> tuple[Array, Array]:
        """Return each person's gradient and negated Hessian in the weights."""
        g = self.laid.score((self.votes - self.weight * self.p)[:, None])[:, :, 0]
        return g, self.laid.gram_by_person(self.weight * self.p * (1.0 - self.p))

    def shares(self, g: Array, H: Array) -> tuple[Array, Array]:
        """Return gradient and expected information of each person in ``z``."""
        w, C = self.share, self.b.shape[0]
        D = w[:, :, None] * (np.eye(C) - w[:, None, :])
        gradient = np.einsum("pcd,pc->pd", D, g @ self.b.T) + (DIRICHLET - 1.0) * (1.0 - C * w)
        through = D @ (self.b @ H @ self.b.T) @ D
        # the ridge stands for the direction in which all z rise alike, which changes nothing
        return gradient, through + (DIRICHLET - 1.0) * C * D + np.ones((C, C)) / C


def _share_step(now: _State) -> _State:
    g, H = now.derivatives()
    gradient, information = now.shares(g, H)
    step = np.linalg.solve(information + 1e-9 * np.eye(len(now.b)), gradient[..., None])[..., 0]
    step /= np.maximum(np.abs(step).max(axis=1, keepdims=True) / 3.0, 1.0)
    size = np.ones((len(step), 1))
    for _ in range(12):
        there = now.at(now.b, now.z + size * step)
        worse = there.own + there.prior < now.own + now.prior - 1e-12
        if not worse.any():
            return there
        size[worse] = np.where(size[worse] < 1e-3, 0.0, size[worse] / 3.0)
    return now


def _prototype_step(now: _State) -> _State:
    (C, K), w = now.b.shape, now.share
    g, H = now.derivatives()
    gradient = (w.T @ g - now.b / PRIOR_SD**2).ravel()
    step = np.linalg.solve(_information(w, H), gradient).reshape(C, K)
    size = 1.0
    for _ in range(20):
        there = now.at(now.b + size * step, now.z)
        if there.value >= now.value - 1e-12:
            return there
        size /= 2.0
    return now


def _information(w: Array, H: Array) -> Array:
    (P, C), K = w.shape, H.shape[1]
    blocks = (w[:, :, None] * w[:, None, :]).reshape(P, C * C).T @ H.reshape(P, K * K)
    full = blocks.reshape(C, C, K, K).transpose(0, 2, 1, 3).reshape(C * K, C * K)
    return np.asarray(full + np.eye(C * K) / PRIOR_SD**2)


def _joint(now: _State) -> tuple[Array, Array, Array, Array, Array]:
    """Return scores, the shares' gradient and information, the cross part, and Schur's rest.

    The rest is the information about the prototypes when the shares follow them.
    """
    (C, K), (P, _) = now.b.shape, now.share.shape
    g, H = now.derivatives()
    score = (now.share[:, :, None] * g[:, None, :]).reshape(P, C * K)
    gradient, inner = now.shares(g, H)
    D = now.share[:, :, None] * (np.eye(C) - now.share[:, None, :])
    # how the gradient in z moves with the prototypes: D' (B H w_c + g e_c), negated curvature
    through = np.einsum("pde,pel->pdl", D, now.b @ H)
    cross = np.einsum("pdl,pc->pdcl", through, now.share) - np.einsum("pdc,pl->pdcl", D, g)
    cross = cross.reshape(P, C, C * K)
    lost = np.swapaxes(cross, 1, 2) @ np.linalg.solve(inner, cross)
    return score, gradient, inner, cross, _information(now.share, H) - lost.sum(axis=0)


def _joint_step(now: _State) -> _State | None:
    """Return where one Newton step of everything leads; None where that is not up."""
    score, gradient, inner, cross, rest = _joint(now)
    by_z = np.linalg.solve(inner, gradient[..., None])
    pull = score.sum(axis=0) - now.b.ravel() / PRIOR_SD**2
    pull = pull - (np.swapaxes(cross, 1, 2) @ by_z).sum(axis=0)[:, 0]
    value, axes = np.linalg.eigh(rest)
    # where the surface curves up, the step still leads up, as far as it curves
    steep = np.maximum(np.abs(value), 1e-4 * np.abs(value).max())
    step = axes @ ((axes.T @ pull) / steep)
    turn = (by_z - np.linalg.solve(inner, (cross @ step)[..., None]))[..., 0]
    longest = max(float(np.abs(step).max()), float(np.abs(turn).max()), 1e-300)
    size = min(1.0, _LONGEST / longest)
    for _ in range(3):
        there = now.at(now.b + size * step.reshape(now.b.shape), now.z + size * turn)
        if there.value > now.value:
            return there
        size /= 4.0
    return None


def _influence(now: _State) -> tuple[Array, Array]:
    """Return what each person, and each cell, moves the prototypes by, the shares following."""
    score, _, inner, cross, rest = _joint(now)
    (C, K), laid, w = now.b.shape, now.laid, now.share
    bread = np.linalg.pinv(rest, hermitian=True)
    # a label moves the shares too: what they take over is no pull at the prototypes
    D = w[:, :, None] * (np.eye(C) - w[:, None, :])
    follow = np.swapaxes(cross, 1, 2) @ np.linalg.solve(inner, D @ now.b)
    direct = (w[:, :, None, None] * np.eye(K)).reshape(len(w), C * K, K)
    pull = ((direct - follow)[laid.person] @ laid.X[:, :, None])[:, :, 0]
    cells = pull * (now.votes - now.weight * now.p)[:, None]
    return np.asarray(score @ bread), np.asarray(cells @ bread)
