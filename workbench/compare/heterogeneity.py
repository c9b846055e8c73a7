"""Whether subsets weigh a term alike, and how far apart they are: a score test, inverted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from workbench.compare.pooling import START, Pooled, Stack, Subset, typical
from workbench.decompose.kernel import Array, logistic

FLIPS = 1999
FEWEST_CLUSTERS = 6
"""Clusters in which a term must differ: with fewer, no pattern of signs is rare enough."""

_BLOCKS = 1000
_BLOCK_VALUES = 4_000_000
_NOTHING = 1e-9
_RIDGE = 1e-2
_NEWTON = 30
_GRID = np.concatenate([[0.0], np.geomspace(0.005, 20.0, 240)])
"""Values of tau that are tried, in logits per typical difference."""


@dataclass(frozen=True, eq=False)
class Heterogeneity:
    """The test that all subsets weigh a term alike, and tau, for each of K terms.

    Attributes
    ----------
    statistic : ndarray, shape (K,)
        Ratio of the sum of squared deviations to its mean under equal weights.
    p_value : ndarray, shape (K,)
    tau, tau_low, tau_high : ndarray, shape (K,)
        Standard deviation between subsets: unbiased in the median; 0 where they differ no more
        than chance alone would have it. ``tau_high`` is infinite where nothing bounds it.
    n_subsets, n_clusters : ndarray of int, shape (K,)
        Subsets and clusters in which the term differs.
    reasons : list of str or None
        Why there is no test.
    """

    statistic: Array
    p_value: Array
    tau: Array
    tau_low: Array
    tau_high: Array
    n_subsets: NDArray[np.int64]
    n_clusters: NDArray[np.int64]
    reasons: list[str | None]


def heterogeneity(
    subsets: Sequence[Subset],
    clusters: Sequence[NDArray[np.int64]],
    pooled: Pooled,
    power: float,
    level: float,
    seed: int,
) -> Heterogeneity:
    r"""Test ``tau = 0`` for each term, and invert the test for an interval of ``tau``.

    Parameters
    ----------
    subsets : sequence of Subset
    clusters : sequence of ndarray of int
        Cluster of each row; a cluster may lie in several subsets.
    pooled : Pooled
        Fit of the same subsets.
    power : float
        Power of the likelihood in it.
    level : float
    seed : int

    Returns
    -------
    Heterogeneity

    Notes
    -----
    The derivative of the restricted likelihood by :math:`\tau_k^2` rests on

    .. math:: T_k = \sum_s \big[(I + H_s D)^{-1} (U_s - H_s m)\big]_k^2

    with scores U and Hessian H of each subset at one fit for all of them, so that no subset
    needs a fit of its own. D, half a logit per typical difference on every term, keeps large
    subsets from being all of the sum, and keeps what differs in one term out of the others; m is
    the generalised least-squares mean. Under equal weights the scores of different clusters
    have mean 0 whatever their size: T is compared with its values when the sign of each
    cluster's scores, in all subsets at once, is turned at random (the wild score bootstrap of
    Kline and Santos 2012; the variance component's score after Lin 1997).

    For the interval, scores at the subsets' pooled weights get random deviations of size tau;
    it holds every tau under which neither tail of T is below (1 - level) / 2. Where T is below
    its median under tau = 0, and tau therefore 0, the upper end is that of the median: subsets
    that happen to differ less than chance would have it bound tau no closer (the power-constrained
    limit of Cowan, Cranmer, Gross and Vitells 2011), and no interval is a point.

    Examples
    --------
    >>> from workbench.compare.pooling import pool
    >>> rng = np.random.default_rng(0)
    >>> x = rng.choice([-1.0, 1.0], size=(400, 1))
    >>> parts = [Subset(x, np.ones(400), (rng.random(400) < 0.5 + a * x[:, 0]) * 1.0)
    ...          for a in (-0.3, 0.3, 0.0)]
    >>> own = [np.arange(400) + 400 * s for s in range(3)]
    >>> found = heterogeneity(parts, own, pool(parts), 1.0, 0.95, 0)
    >>> bool(found.p_value[0] < 0.01), bool(0 < found.tau_low[0] < found.tau[0])
    (True, True)
    """
    rng = np.random.default_rng(seed)
    scale, stack = typical(subsets), Stack(subsets)
    S, K = stack.S, stack.K
    alike = np.tile(_complete(stack, scale), (S, 1))
    signs = _signs(clusters, rng)
    gradient, hessian = stack.derivatives(alike)
    deviations = _Deviations(hessian * power, scale)
    # the ridge leaves a gradient: deviations do not depend on the point, to first order
    seen = (deviations(gradient[None])[0] ** 2).sum(axis=0)
    again = _replicates(deviations, subsets, clusters, alike, signs)
    expected = again.mean(axis=0)
    n_subsets, n_clusters, reasons = _counts(subsets, clusters)
    # clusters that say the same in every subset leave nothing that could differ
    told = expected > _NOTHING * deviations.nominal
    reasons = [
        reason or (None if one else "no test: the labels of the scenarios do not differ")
        for reason, one in zip(reasons, told, strict=True)
    ]
    possible = np.array([reason is None for reason in reasons])
    extreme = (again >= seen * (1 - 1e-9)).sum(axis=0)
    p = np.where(possible, (1.0 + extreme) / (1.0 + FLIPS), np.nan)
    ratio = np.divide(seen, expected, out=np.full(K, np.nan), where=possible)
    tau = _invert(subsets, clusters, pooled, power, scale, signs, rng, level)
    # the test itself says whether 0 is in the interval
    tau[1] = np.where(p <= (1.0 - level) / 2.0, tau[1], 0.0)
    middle, low, high = np.where(possible, tau, np.nan)
    return Heterogeneity(ratio, p, middle, low, high, n_subsets, n_clusters, reasons)


class _Deviations:
    """Turns scores of subsets, shape (B, S, K), into deviations from their common mean."""

    def __init__(self, hessian: Array, scale: Array) -> None:
        spread = (START / scale) ** 2
        self.left = np.linalg.inv(np.eye(len(scale)) + hessian * spread)
        self.information = self.left @ hessian
        self.mean = np.linalg.pinv(self.information.sum(axis=0), hermitian=True)
        self.nominal = np.einsum("skl,skl->k", self.information, self.left)
        """T of independent labels, about."""

    def __call__(self, scores: Array) -> Array:
        raw = np.matmul(self.left, scores[..., None])[..., 0]
        mean = raw.sum(axis=1) @ self.mean
        return np.asarray(raw - np.einsum("skl,bl->bsk", self.information, mean))

    def of_term(self, k: int, size: Array) -> Array:
        """Deviations in term k if the subsets' weights of it were ``size``, shape (B, S)."""
        mean = (size @ self.information[:, :, k]) @ self.mean
        return np.asarray(size * self.information[:, k, k] - mean @ self.information[:, k].T)


def _complete(stack: Stack, scale: Array) -> Array:
    """Return one fit for all subsets; a slight ridge keeps it finite."""
    b, pull = np.zeros(stack.K), _RIDGE * scale**2

    def objective(at: Array) -> float:
        whole = np.tile(at, (stack.S, 1))
        return stack.log_likelihood(whole) - 0.5 * float((pull * at**2).sum())

    now = objective(b)
    for _ in range(_NEWTON):
        gradient, hessian = stack.derivatives(np.tile(b, (stack.S, 1)))
        inner = hessian.sum(axis=0) + np.diag(pull)
        step = np.linalg.solve(inner, gradient.sum(axis=0) - pull * b)
        size = 1.0
        while (there := objective(b + size * step)) < now - 1e-9 * abs(now) and size > 1e-6:
            size /= 2.0
        b, now = b + size * step, there
        if np.abs(step * scale).max() < 1e-8:
            break
    return np.asarray(b)


def _signs(clusters: Sequence[NDArray[np.int64]], rng: np.random.Generator) -> list[Array]:
    """Return random signs of each subset's rows' clusters, shape (FLIPS, blocks), and places.

    Many clusters are put together at random in blocks that turn together, which leaves the
    variance of every sum as it is on average.
    """
    _, code = np.unique(np.concatenate(clusters), return_inverse=True)
    count = int(code.max()) + 1
    block = np.arange(count) if count <= _BLOCKS else rng.integers(_BLOCKS, size=count)
    signs = rng.choice([-1.0, 1.0], size=(FLIPS, int(block.max()) + 1))
    return [signs, block[code].astype(np.float64)]


def _cluster_scores(
    subsets: Sequence[Subset], clusters: Sequence[NDArray[np.int64]], b: Array, signs: list[Array]
) -> sparse.csr_matrix:
    """Return the scores of each block of clusters, shape (blocks, S * K).

    A fit draws its own scores towards 0, those of influential clusters most: each block's are
    taken back by the square root of one minus its leverage (Bell and McCaffrey 2002).
    """
    K, blocks = b.shape[1], signs[0].shape[1]
    block = signs[1].astype(np.int64)
    information = np.zeros((blocks, K * K))
    sums, start = [], 0
    for s, one in enumerate(subsets):
        codes, at = np.unique(block[start : start + len(one.X)], return_inverse=True)
        start += len(one.X)
        p = logistic(one.X @ b[s])
        sums.append((codes, _summed(at, one.X * (one.votes - one.weight * p)[:, None])))
        root = one.X * np.sqrt(one.weight * p * (1.0 - p))[:, None]
        for k in range(K):
            own = _summed(at, root * root[:, [k]])
            information[codes, k * K : (k + 1) * K] += own
    back = _unshrunk(information.reshape(blocks, K, K))
    rows, columns, values = [], [], []
    for s, (codes, own) in enumerate(sums):
        rows.append(np.repeat(codes, K))
        columns.append(np.tile(np.arange(s * K, (s + 1) * K), len(codes)))
        values.append(np.einsum("ckl,cl->ck", back[codes], own).ravel())
    place = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_matrix((np.concatenate(values), place), (blocks, len(subsets) * K))


def _summed(place: NDArray[np.int64], values: Array) -> Array:
    ones = (np.ones(len(place)), (place, np.arange(len(place))))
    return np.asarray(sparse.csr_matrix(ones, (int(place.max()) + 1, len(place))) @ values)


def _unshrunk(information: Array) -> Array:
    """Return what takes each block's scores back to their size before the fit, (blocks, K, K)."""
    total = information.sum(axis=0)
    size = np.sqrt(np.maximum(np.diag(total), 1e-300))
    values, vectors = np.linalg.eigh(total / np.outer(size, size))
    root = np.sqrt(np.maximum(values, 1e-8))
    into = (vectors / root).T / size
    out = size[:, None] * vectors * root
    leverage, turn = np.linalg.eigh(into @ information @ into.T)
    # a cluster that alone tells a term has nothing to take back: 0.9 is the most
    factor = 1.0 / np.sqrt(1.0 - np.clip(leverage, 0.0, 0.9))
    inner = (turn * factor[:, None, :]) @ np.swapaxes(turn, 1, 2)
    return np.asarray(out @ inner @ into)


def _flipped(scores: sparse.csr_matrix, signs: Array, shape: tuple[int, int]) -> Array:
    return np.asarray((scores.T @ signs.T).T).reshape(len(signs), *shape)


def _parts(count: int, values: int) -> list[slice]:
    size = max(1, _BLOCK_VALUES // max(values, 1))
    return [slice(start, start + size) for start in range(0, count, size)]


def _replicates(
    deviations: _Deviations,
    subsets: Sequence[Subset],
    clusters: Sequence[NDArray[np.int64]],
    b: Array,
    signs: list[Array],
) -> Array:
    """Return the statistic under turned signs, shape (FLIPS, K)."""
    scores = _cluster_scores(subsets, clusters, b, signs)
    return np.concatenate(
        [
            (deviations(_flipped(scores, signs[0][part], b.shape)) ** 2).sum(axis=1)
            for part in _parts(FLIPS, b.size)
        ]
    )


def _invert(
    subsets: Sequence[Subset],
    clusters: Sequence[NDArray[np.int64]],
    pooled: Pooled,
    power: float,
    scale: Array,
    signs: list[Array],
    rng: np.random.Generator,
    level: float,
) -> Array:
    """Return tau and the ends of its interval, shape (3, K)."""
    b, K = pooled.mean, pooled.mean.shape[1]
    gradient, hessian = Stack(subsets).derivatives(b)
    deviations = _Deviations(hessian * power, scale)
    working = gradient + np.einsum("skl,sl->sk", hessian, b - pooled.mu)
    seen = (deviations(working[None])[0] ** 2).sum(axis=0)
    scores = _cluster_scores(subsets, clusters, b, signs)
    # T at tau is a quadratic of tau, in every replicate: its three coefficients
    drawn_again: list[Array] = []
    for part in _parts(FLIPS // 2, b.size):
        some = signs[0][: FLIPS // 2][part]
        z = rng.normal(size=(len(some), *b.shape))
        drawn = np.einsum("skl,bsl->bsk", hessian, z * pooled.tau)
        whole = deviations(_flipped(scores, some, b.shape) + drawn)
        unit = np.stack([deviations.of_term(k, z[:, :, k]) for k in range(K)], axis=2) / power
        rest = whole - pooled.tau * unit
        square, cross = (unit**2).sum(axis=1), 2.0 * (rest * unit).sum(axis=1)
        drawn_again.append(np.stack([square, cross, (rest**2).sum(axis=1)]))
    coefficients = np.concatenate(drawn_again, axis=1)
    tail = (1.0 - level) / 2.0
    return np.stack([_ends(coefficients[:, :, k], seen[k], scale[k], tail) for k in range(K)], 1)


def _ends(coefficients: Array, seen: float, scale: float, tail: float) -> Array:
    """Return tau and both ends of its interval, of one term."""
    square, cross, alone = coefficients
    tau = _GRID[:, None] / scale
    again = alone + tau * (cross + tau * square)
    larger = np.count_nonzero(again >= seen, axis=1) / len(alone)
    # below the median under tau = 0, tau is 0: no smaller T bounds tau more closely, and
    # where scenarios happen to differ less than chance has it, the interval keeps a width
    least = max(seen, float(np.median(alone)))
    smaller = np.count_nonzero(again <= least, axis=1) / len(alone)
    found = _first(larger, 0.5), _first(larger, tail), _first(1.0 - smaller, 1.0 - tail)
    return np.array(found) / scale


def _first(share: Array, bound: float) -> float:
    """Return where a rising share reaches a bound, between values of the grid."""
    rising = np.maximum.accumulate(share)
    at = int(np.searchsorted(rising, bound))
    if at == 0:
        return 0.0
    if at == len(_GRID):
        return float("inf")
    low, high = rising[at - 1], rising[at]
    return float(_GRID[at - 1] + (bound - low) / (high - low) * (_GRID[at] - _GRID[at - 1]))


def _counts(
    subsets: Sequence[Subset], clusters: Sequence[NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str | None]]:
    there = [one.X != 0 for one in subsets]
    n_subsets = np.sum([part.any(axis=0) for part in there], axis=0)
    K = subsets[0].X.shape[1]
    n_clusters = np.array(
        [
            len(
                np.unique(
                    np.concatenate([c[t[:, k]] for c, t in zip(clusters, there, strict=True)])
                )
            )
            for k in range(K)
        ]
    )
    reasons: list[str | None] = []
    for subset, cluster in zip(n_subsets.tolist(), n_clusters.tolist(), strict=True):
        if subset < 2:
            reasons.append("no test: the term differs in fewer than two scenarios")
        elif cluster < FEWEST_CLUSTERS:
            only = "1 cluster" if cluster == 1 else f"{cluster} clusters"
            reasons.append(f"no test: the term differs in only {only}")
        else:
            reasons.append(None)
    return n_subsets, n_clusters, reasons
