"""Whether subsets weigh a term alike, and how far apart they are: a score test, inverted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.compare.pooling import START, Pooled
from workbench.compare.subsets import Stack, Subset, typical
from workbench.compare.turned import Draws, TurnedScores
from workbench.decompose.kernel import Array

FLIPS = 1999
FEWEST_CLUSTERS = 6
"""Clusters in which a term must differ: with fewer, no pattern of signs is rare enough."""

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
    draws: Draws | None = None,
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
    draws : Draws, optional
        Those of the seed, ``FLIPS`` patterns of signs, where they serve several annotators.

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
    draws = draws or Draws(seed, FLIPS)
    scale, stack = typical(subsets), Stack(subsets)
    S, K = stack.S, stack.K
    alike = np.tile(_complete(stack, scale), (S, 1))
    turned = TurnedScores(subsets, clusters, draws)
    gradient, hessian = stack.derivatives(alike)
    deviations = _Deviations(hessian * power, scale)
    # the ridge leaves a gradient: deviations do not depend on the point, to first order
    seen = (deviations(gradient) ** 2).sum(axis=0)
    again = _replicates(deviations, turned, alike)
    expected = again.mean(axis=1)
    n_subsets, n_clusters, reasons = _counts(subsets, clusters)
    # clusters that say the same in every subset leave nothing that could differ
    told = expected > _NOTHING * deviations.nominal
    reasons = [
        reason or (None if one else "no test: the labels of the scenarios do not differ")
        for reason, one in zip(reasons, told, strict=True)
    ]
    possible = np.array([reason is None for reason in reasons])
    extreme = (again >= seen[:, None] * (1 - 1e-9)).sum(axis=1)
    p = np.where(possible, (1.0 + extreme) / (1.0 + FLIPS), np.nan)
    ratio = np.divide(seen, expected, out=np.full(K, np.nan), where=possible)
    tau = _invert(stack, turned, pooled, power, scale, draws, level)
    # the test itself says whether 0 is in the interval
    tau[1] = np.where(p <= (1.0 - level) / 2.0, tau[1], 0.0)
    middle, low, high = np.where(possible, tau, np.nan)
    return Heterogeneity(ratio, p, middle, low, high, n_subsets, n_clusters, reasons)


class _Deviations:
    """Turns scores of subsets, shape (S, K), into deviations from their common mean."""

    def __init__(self, hessian: Array, scale: Array) -> None:
        spread = (START / scale) ** 2
        self.left = np.asarray(np.linalg.inv(np.eye(len(scale)) + hessian * spread), np.float64)
        self.information = self.left @ hessian
        self.mean = np.linalg.pinv(self.information.sum(axis=0), hermitian=True)
        self.nominal = np.einsum("skl,skl->k", self.information, self.left)
        """T of independent labels, about."""

    def __call__(self, scores: Array) -> Array:
        raw = (self.left @ scores[:, :, None])[:, :, 0]
        return np.asarray(raw - self.information @ (raw.sum(axis=0) @ self.mean))

    def of_terms(self, size: Array) -> Array:
        """Deviations in each term if the subsets' weights of it alone were ``size``, (K, S, B)."""
        by_term = self.information.transpose(1, 0, 2)
        about = by_term @ (self.mean @ (np.ascontiguousarray(by_term.swapaxes(1, 2)) @ size))
        alone = np.diagonal(self.information, axis1=1, axis2=2).T[:, :, None] * size
        return np.asarray(np.subtract(alone, about, out=alone))


def _complete(stack: Stack, scale: Array) -> Array:
    """Return one fit for all subsets; a slight ridge keeps it finite."""
    pull = _RIDGE * scale**2

    def at(b: Array) -> tuple[float, Array, Array]:
        each, gradient, hessian = stack.expanded(np.tile(b, (stack.S, 1)))
        value = float(each.sum()) - 0.5 * float((pull * b**2).sum())
        return value, gradient.sum(axis=0) - pull * b, hessian.sum(axis=0) + np.diag(pull)

    b = np.zeros(stack.K)
    now, gradient, inner = at(b)
    for _ in range(_NEWTON):
        step = np.linalg.solve(inner, gradient)
        size = 1.0
        while (there := at(b + size * step))[0] < now - 1e-9 * abs(now) and size > 1e-6:
            size /= 2.0
        b, (now, gradient, inner) = b + size * step, there
        if np.abs(step * scale).max() < 1e-8:
            break
    return np.asarray(b)


def _replicates(deviations: _Deviations, turned: TurnedScores, b: Array) -> Array:
    """Return the statistic under turned signs, shape (K, FLIPS)."""
    turned.at(b, deviations.left)
    parts = []
    for part in range(len(turned.signs)):
        mean = deviations.mean @ turned.total(part)
        total = np.zeros_like(mean)
        for s, information in enumerate(deviations.information):
            own = turned.of_subset(s, part, -information, mean)
            total += np.multiply(own, own, out=own)
        parts.append(total)
    return np.concatenate(parts, axis=1)


def _invert(
    stack: Stack,
    turned: TurnedScores,
    pooled: Pooled,
    power: float,
    scale: Array,
    draws: Draws,
    level: float,
) -> Array:
    """Return tau and the ends of its interval, shape (3, K)."""
    b = pooled.mean
    S, K = b.shape
    gradient, hessian = stack.derivatives(b)
    deviations = _Deviations(hessian * power, scale)
    working = gradient + (hessian @ (b - pooled.mu)[:, :, None])[:, :, 0]
    seen = (deviations(working) ** 2).sum(axis=0)
    turned.at(b, deviations.left)
    # T at tau is a quadratic of tau, in every replicate: its three coefficients
    drawn_again: list[Array] = []
    wide = deviations.information * (pooled.tau / power)
    for part, z in enumerate(draws.deviations(FLIPS // 2, S, K)):
        whole = np.empty_like(z)
        for s in range(S):
            whole[:, s] = turned.of_subset(s, part, wide[s], z[:, s])
        mean = deviations.mean @ whole.sum(axis=1)
        whole -= (deviations.information @ mean).swapaxes(0, 1)
        unit = deviations.of_terms(z)
        unit /= power
        whole -= pooled.tau[:, None, None] * unit
        terms = [np.einsum("ksb,ksb->kb", *two) for two in ((unit, unit), (whole, unit))]
        terms.append(np.einsum("ksb,ksb->kb", whole, whole))
        terms[1] *= 2.0
        drawn_again.append(np.stack(terms))
    coefficients = np.concatenate(drawn_again, axis=2)
    tail = (1.0 - level) / 2.0
    return np.stack([_ends(coefficients[:, k], seen[k], scale[k], tail) for k in range(K)], 1)


def _ends(coefficients: Array, seen: float, scale: float, tail: float) -> Array:
    """Return tau and both ends of its interval, of one term."""
    alone = coefficients[2]
    larger = 1.0 - _below(coefficients, seen, scale)
    # below the median under tau = 0, tau is 0: no smaller T bounds tau more closely, and
    # where scenarios happen to differ less than chance has it, the interval keeps a width
    least = max(seen, float(np.median(alone)))
    smaller = _below(coefficients, np.nextafter(least, np.inf), scale)
    found = _first(larger, 0.5), _first(larger, tail), _first(1.0 - smaller, 1.0 - tail)
    return np.array(found) / scale


def _below(coefficients: Array, bound: float, scale: float) -> Array:
    """Return the share of replicates whose T is below a bound, at each tau of the grid.

    T is a convex quadratic of tau: it is below between its two crossings.
    """
    square, cross, alone = coefficients
    room = cross**2 - 4.0 * square * (alone - bound)
    root, half = np.sqrt(np.maximum(room, 0.0)), 2.0 * np.maximum(square, 1e-300)
    crossings = np.stack([-cross - root, -cross + root]) / half * scale
    first = np.searchsorted(_GRID, crossings[0], side="right")
    last = np.searchsorted(_GRID, crossings[1], side="left")
    inside = (room > 0) & (last > first)
    change = np.bincount(first[inside], minlength=len(_GRID) + 1).astype(np.float64)
    change -= np.bincount(last[inside], minlength=len(_GRID) + 1)
    count = np.cumsum(change[:-1])
    count[0] = (alone < bound).sum()
    return count / len(alone)


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
    own = np.concatenate(clusters)
    order = np.argsort(own, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(own[order]) != 0])
    n_clusters = np.logical_or.reduceat(np.concatenate(there)[order], starts).sum(axis=0)
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
