"""Posterior draws of many logistic regressions at once, under a Laplace or normal prior.

The labels of a group enter through their log-likelihood, which is close to a quadratic over
the posterior. With the quadratic in its place, each weight given the others has a closed
form (two truncated normals under a Laplace prior), so a sweep of Gibbs steps over all
groups and chains costs a few vector operations and reads no label. A sweep forth and back
is a reversible move; a Metropolis step on the ratio of the true to the quadratic likelihood
makes the chain exact (surrogate transition method: Liu 2001, section 9.4.3). Labels are
read once a move.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr, ndtr, ndtri, ndtri_exp

from workbench.decompose.kernel import Array, logistic
from workbench.decompose.sampling.mixing import effective_sizes
from workbench.threads import one_thread

CHAINS = 20
"""Chains of each group."""

_ROUNDS = 5
_ROUND_SWEEPS = 4
_WARM_UP = 20
_MAX_GROUPS = 64
_VALUES = 250_000
"""Values of one block of rows by groups by chains."""

EFFORTS = (1, 4, 16)
"""Moves for each kept draw: the next one where the draws of a group are too dependent."""

ENOUGH = 0.2
"""Effective share of the draws, in the worst term, from which no more effort is spent."""

_SHARES = (1.0, 0.5, 0.25, 0.125)
"""Share of the weights that the moves of one draw change, in turn, at a higher effort."""

_FAR = -30.0
_ENDLESS = -1e4


@dataclass(frozen=True, eq=False)
class Part:
    """Groups that labelled the same rows.

    Attributes
    ----------
    X : ndarray, shape (rows, K)
    weight, votes : ndarray, shape (rows, J)
        Per row and group the sums of ``w`` and of ``w y``.
    names : list of str
        Names of the J groups; with the seed they fix each group's random numbers.
    """

    X: Array
    weight: Array
    votes: Array
    names: list[str]


@dataclass(frozen=True, eq=False)
class Prior:
    """Independent priors of K weights.

    Attributes
    ----------
    rate : ndarray, shape (K,)
        1 / scale of a Laplace prior, else 0.
    precision : ndarray, shape (K,)
        1 / variance of a normal prior, else 0.
    """

    rate: Array
    precision: Array


@dataclass(frozen=True, eq=False)
class Draws:
    """Posterior draws of J groups.

    Attributes
    ----------
    values : ndarray, shape (J, S, K)
        Equally weighted.
    ess : ndarray, shape (J, K)
        Effective sample size of the mean.
    rhat : ndarray, shape (J, K)
        Split R-hat of the chains.
    acceptance : ndarray, shape (J,)
        Share of the moves accepted.
    effort : ndarray of int, shape (J,)
        Moves for each draw.
    """

    values: Array
    ess: Array
    rhat: Array
    acceptance: Array
    effort: NDArray[np.int64]


def sample(
    parts: Sequence[Part],
    prior: Prior,
    *,
    draws: int,
    seed: int,
    efforts: Sequence[int] = EFFORTS,
) -> Draws:
    r"""Draw from the posterior of the weights of every group.

    .. math:: p(b) \propto \prod_i p_i^{v_i} (1 - p_i)^{w_i - v_i}\,
        e^{-\sum_k (r_k |b_k| + t_k b_k^2 / 2)}, \quad p_i = 1 / (1 + e^{-x_i' b})

    with the rate :math:`r` and precision :math:`t` of the prior.

    Parameters
    ----------
    parts : sequence of Part
        Groups come out in the order of the parts.
    prior : Prior
    draws : int
        At least this many draws a group: rounded up to a multiple of ``CHAINS``.
    seed : int
    efforts : sequence of int
        Moves for each draw to try, in turn.

    Returns
    -------
    Draws

    Examples
    --------
    >>> part = Part(np.ones((10, 1)), np.ones((10, 1)), np.ones((10, 1)), ["always A"])
    >>> got = sample([part], Prior(np.array([10.0]), np.zeros(1)), draws=200, seed=0)
    >>> got.values.shape, bool(got.values.mean() > 0.02)
    ((1, 200, 1), True)
    """
    batches = _batches(parts)

    def work(batch: list[Part]) -> Draws:
        return _patient(batch, prior, draws, seed, efforts)

    # one thread a batch; each product inside is too small to be shared out
    with one_thread(), ThreadPoolExecutor(2) as pool:
        done = list(pool.map(work, batches))
    names = ("values", "ess", "rhat", "acceptance", "effort")
    return Draws(*(np.concatenate([getattr(one, name) for one in done]) for name in names))


def _batches(parts: Sequence[Part]) -> list[list[Part]]:
    batches: list[list[Part]] = []
    held = _MAX_GROUPS
    for part in parts:
        for start in range(0, len(part.names), _MAX_GROUPS):
            piece = _cut(part, range(start, min(start + _MAX_GROUPS, len(part.names))))
            if held + len(piece.names) > _MAX_GROUPS:
                batches.append([])
                held = 0
            batches[-1].append(piece)
            held += len(piece.names)
    return batches


def _cut(part: Part, groups: Sequence[int]) -> Part:
    at = list(groups)
    return Part(part.X, part.weight[:, at], part.votes[:, at], [part.names[j] for j in at])


def _patient(
    parts: list[Part], prior: Prior, draws: int, seed: int, efforts: Sequence[int]
) -> Draws:
    """Sample; then sample the groups whose draws are too dependent again, with more moves."""
    best = _run(parts, prior, draws, seed, efforts[0])
    for effort in efforts[1:]:
        worst = best.ess.min(axis=1)
        poor = np.flatnonzero(worst < ENOUGH * best.values.shape[1])
        if not len(poor):
            break
        again = _run(_keep(parts, poor), prior, draws, seed, effort)
        for name in ("values", "ess", "rhat", "acceptance", "effort"):
            getattr(best, name)[poor] = getattr(again, name)
    return best


def _keep(parts: list[Part], groups: NDArray[np.int64]) -> list[Part]:
    start, kept = 0, []
    for part in parts:
        mine = groups[(groups >= start) & (groups < start + len(part.names))] - start
        if len(mine):
            kept.append(_cut(part, [int(j) for j in mine]))
        start += len(part.names)
    return kept


def _run(parts: list[Part], prior: Prior, draws: int, seed: int, effort: int) -> Draws:
    chain = _Chain(parts, prior, seed)
    length = -(-draws // CHAINS)
    chain.approximate()
    for _ in range(_WARM_UP):
        chain.move(1.0)
    J, K, C = chain.b.shape
    kept = np.empty((length, J, K, C))
    chain.accepted[:] = 0
    for step in range(length):
        for m in range(effort):
            chain.move(_SHARES[m % len(_SHARES)] if effort > 1 else 1.0)
        kept[step] = chain.b
    ess, rhat = effective_sizes(kept.transpose(0, 3, 1, 2).reshape(length, C, J * K))
    return Draws(
        values=kept.transpose(1, 3, 0, 2).reshape(J, C * length, K),
        ess=ess.reshape(J, K),
        rhat=rhat.reshape(J, K),
        acceptance=chain.accepted / (length * effort * C),
        effort=np.full(J, effort),
    )


class _Chain:
    """The state of all chains of some groups, shape (J, K, C), and how they move."""

    def __init__(self, parts: list[Part], prior: Prior, seed: int) -> None:
        self.parts, self.prior = parts, prior
        names = [name for part in parts for name in part.names]
        keys = [zlib.crc32(name.encode()) for name in names]
        # a group's draws do not depend on the groups beside it
        self.generators = [np.random.default_rng([seed, key]) for key in keys]
        self.choices = np.random.default_rng(seed)
        self.J, self.K = len(names), parts[0].X.shape[1]
        self.b: Array = np.zeros((self.J, self.K, CHAINS))
        self.linear = np.empty((self.J, self.K))
        self.quadratic = np.empty((self.J, self.K, self.K))
        self.votes = np.concatenate([part.votes.T @ part.X for part in parts])
        self.weights = np.concatenate([part.weight.T @ part.X for part in parts])
        self.gain = np.empty((self.J, CHAINS))
        self.accepted = np.zeros(self.J)

    def approximate(self) -> None:
        """Fit the quadratic: its slope and curvature are the means over its own draws."""
        for _ in range(_ROUNDS):
            self._match()
            for _ in range(_ROUND_SWEEPS):
                self.b = self._sweep(self.b, self.K)
        self._match()
        self.gain = self._gain(self.b)

    def move(self, share: float) -> None:
        """Propose a sweep over a share of the weights; accept it or stay."""
        proposal = self._sweep(self.b, max(1, round(share * self.K)))
        gain = self._gain(proposal)
        u = np.stack([rng.random(CHAINS) for rng in self.generators])
        accept = np.log(np.maximum(u, 1e-300)) < gain - self.gain
        self.b = np.where(accept[:, None, :], proposal, self.b)
        self.gain = np.where(accept, gain, self.gain)
        self.accepted += accept.sum(axis=1)

    def _sweep(self, b: Array, count: int) -> Array:
        """Return b after Gibbs steps of some weights under the quadratic.

        An order and its reverse are equally likely, which makes the move reversible.
        """
        b = b.copy()
        order = self.choices.permutation(self.K)[:count]
        u = np.stack([rng.random((len(order), CHAINS)) for rng in self.generators], axis=1)
        for step, k in enumerate(order):
            row = self.quadratic[:, k]
            h = row[:, k, None]
            slope = self.linear[:, k, None] - (row[:, None, :] @ b)[:, 0] + h * b[:, k]
            precision = np.maximum(h + self.prior.precision[k], 1e-20)
            b[:, k] = conditional(slope, precision, float(self.prior.rate[k]), u[step])
        return b

    def _gain(self, b: Array) -> Array:
        """Return the true minus the quadratic log-likelihood, shape (J, C)."""
        # softplus(t) = t / 2 + |t| / 2 + log(1 + exp(-|t|)): the first is linear in b
        slope = (self.votes - 0.5 * self.weights - self.linear)[:, None, :]
        total = (slope @ b)[:, 0] + 0.5 * (b * (self.quadratic @ b)).sum(axis=1)
        rest = np.zeros((self.J, CHAINS))

        def add(part: Part, at: slice, rows: slice, eta: Array) -> None:
            weight = part.weight[rows]
            np.abs(eta, out=eta)
            rest[at] += 0.5 * np.einsum("nj,njc->jc", weight, eta)
            np.negative(eta, out=eta)
            np.exp(eta, out=eta)
            eta += 1.0
            if (weight == 1.0).all():
                # a factor is at most 2, so a product of 1,000 stays finite: one log for all
                for first in range(0, len(eta), 1000):
                    rest[at] += np.log(eta[first : first + 1000].prod(axis=0))
            else:
                rest[at] += np.einsum("nj,njc->jc", weight, np.log(eta, out=eta))

        self._each_block(b, add)
        return np.asarray(total - rest)

    def _match(self) -> None:
        """Set slope and curvature of the quadratic to their means over the chains."""
        centre = self.b.mean(axis=2)
        gradient = self.votes.copy()
        hessian = np.zeros((self.J, self.K, self.K))

        def add(part: Part, at: slice, rows: slice, eta: Array) -> None:
            p = logistic(eta)
            x, w = part.X[rows], part.weight[rows]
            gradient[at] -= (w * p.mean(axis=2)).T @ x
            curvature = w * (p * (1.0 - p)).mean(axis=2)
            for j in range(curvature.shape[1]):
                hessian[at.start + j] += x.T @ (x * curvature[:, j, None])

        self._each_block(self.b, add)
        self.quadratic = hessian
        self.linear = gradient + (hessian @ centre[:, :, None])[:, :, 0]

    def _each_block(self, b: Array, add: Callable[[Part, slice, slice, Array], None]) -> None:
        """Call ``add`` with x'b, shape (rows, J, C), for blocks of the rows of every part."""
        start = 0
        for part in self.parts:
            J = len(part.names)
            at = slice(start, start + J)
            flat = np.ascontiguousarray(b[at].transpose(1, 0, 2)).reshape(self.K, J * CHAINS)
            size = max(64, _VALUES // (J * CHAINS))
            for first in range(0, len(part.X), size):
                rows = slice(first, first + size)
                add(part, at, rows, (part.X[rows] @ flat).reshape(-1, J, CHAINS))
            start += J


def conditional(slope: Array, precision: Array, rate: float, u: Array) -> Array:
    r"""Draw from the density :math:`\propto e^{q b - h b^2 / 2 - r |b|}` by inversion.

    Each side of 0 is a truncated normal; their masses are Mills ratios.

    Parameters
    ----------
    slope, precision : ndarray
        :math:`q` and :math:`h > 0`, of shapes that go together.
    rate : float
        :math:`r \ge 0`; 0 gives the normal with mean :math:`q / h`.
    u : ndarray
        Uniform numbers in [0, 1).

    Examples
    --------
    >>> float(conditional(np.zeros(1), np.ones(1), 0.0, np.array([0.025]))[0].round(2))
    1.96
    """
    root = np.sqrt(precision)
    right, left = (slope - rate) / root, (-slope - rate) / root
    # only one side can exceed 0, so the larger mass is bounded and neither ratio is 0 / 0
    above = erfcx(np.maximum(right, -1e150) * -np.sqrt(0.5))
    below = erfcx(np.maximum(left, -1e150) * -np.sqrt(0.5))
    with np.errstate(over="ignore"):
        share = np.where(np.isinf(above), 1.0, above / (above + np.minimum(below, 1e300)))
    positive = u < share
    part = np.where(positive, u / np.maximum(share, 1e-300), (u - share) / (1.0 - share + 1e-300))
    part = np.clip(part, 1e-300, 1.0)
    start = np.where(positive, right, left)
    size = start - ndtri(part * ndtr(start))
    far = start < _FAR
    if far.any():
        size = np.where(far, _far_tail(np.minimum(start, _FAR), part), size)
    signed: Array = np.where(positive, size, -size) / root
    return signed


def _far_tail(start: Array, part: Array) -> Array:
    """Return a truncated normal's distance from a truncation far out in its tail."""
    exponential = -np.log(part) / -start
    near = np.maximum(start, _ENDLESS)
    inverse = near - ndtri_exp(np.log(part) + log_ndtr(near))
    return np.where(start < _ENDLESS, exponential, np.maximum(inverse, 0.0))
