"""Bradley-Terry plus one cycle, fitted and compared on held-out labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from workbench.clustered import mean_difference
from workbench.data.split import folds as fold_numbers
from workbench.decompose.kernel import Array, Codes, logistic
from workbench.structure.transitivity.comparisons import Comparisons

RIDGES = (0.3, 1.0, 5.0, 25.0)
"""Penalties on u and v among which other folds choose."""

STARTS = 3

_TINY = 0.01
"""Ridge on ratings, in both models alike: it keeps those of a fold finite."""

_NO_CYCLE = 0.005
"""Largest product of u and v, in logits, that counts as none."""

NOTHING_LEFT = "no cycle is left by the ridge that other folds choose: both models are one"

MOST_HELD_OUT = 100
"""Items above which the held-out comparison is left out."""

_MEMORY = 8
_STEPS = 150
_NEAR = 1e-3

Loss = Callable[[Array], tuple[Array, Array]]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out log-loss of both models, and the difference (negative: cycles predict).

    Attributes
    ----------
    row : dict
        ``estimate, std_error, conf_low, conf_high, p_value, n, n_clusters, reason``.
    plain, cyclic : float
        Mean log-loss of Bradley-Terry, and of it with a cycle.
    ridges : tuple of float
        What each fold chose.
    """

    row: dict[str, Any]
    plain: float
    cyclic: float
    ridges: tuple[float, ...]


def held_out(found: Comparisons, folds: int, level: float, seed: int) -> HeldOut:
    r"""Compare ``r_i - r_j + u_i v_j - v_i u_j`` with Bradley-Terry on labels of other clusters.

    The ridge on u and v is chosen for each fold by the other folds alone.

    Parameters
    ----------
    found : Comparisons
    folds : int
    level : float
    seed : int

    Notes
    -----
    Of rank one, with r as the ratings: the general preference model (Zhang et al. 2024), and
    Blade-Chest (Chen and Joachims 2016), whose inner model has u as blades and v as chests.
    """
    n_clusters, M = len(np.unique(found.cluster)), len(found.edges.items)
    if folds < 2 or n_clusters < max(folds, 3) or M > MOST_HELD_OUT:
        why = f"{n_clusters} clusters are too few for folds" if folds > 1 else "folds=0"
        if folds > 1 and M > MOST_HELD_OUT:
            why = f"left out: {M:,} items, more than {MOST_HELD_OUT:,}"
        row: dict[str, Any] = dict.fromkeys(
            ("estimate", "std_error", "conf_low", "conf_high", "p_value"), np.nan
        )
        told = {"n": float(len(found)), "n_clusters": float(n_clusters), "reason": why}
        return HeldOut({**row, **told}, np.nan, np.nan, ())
    fold = np.asarray(fold_numbers(found.cluster, folds, seed))
    edge, E = found.edge, len(found.edges.first)
    n = np.zeros((folds, E))
    s = np.zeros((folds, E))
    np.add.at(n, (fold, edge), found.weight)
    np.add.at(s, (fold, edge), found.weight * found.y)
    plain, cyclic, ridges = _predictions(found, n, s, seed)
    losses = [found.weight * _log_loss(eta[fold, edge], found.y) for eta in (plain, cyclic)]
    row = mean_difference(losses[1] - losses[0], found.clusters, level)
    if np.array_equal(plain, cyclic):
        row |= {"std_error": np.nan, "reason": NOTHING_LEFT}
    return HeldOut(row, float(losses[0].mean()), float(losses[1].mean()), ridges)


def _log_loss(eta: Array, y: Array) -> Array:
    return np.asarray(np.logaddexp(0.0, eta) - y * eta)


def _predictions(
    found: Comparisons, n: Array, s: Array, seed: int
) -> tuple[Array, Array, tuple[float, ...]]:
    """Return the logits of both models for each left-out fold, shape (K, E), and the ridges."""
    K = len(n)
    edges = found.edges
    pairs = list(combinations(range(K), 2)) if K > 2 else [(0, 1)]
    left = np.zeros((K + len(pairs), K), dtype=bool)
    left[np.arange(K), np.arange(K)] = True
    for k, out in enumerate(pairs):
        left[K + k, list(out)] = True
    if K == 2:
        left = left[:K]  # with both folds out nothing is left to choose by
    used = (~left).astype(np.float64)
    model = _Cyclic(edges.first, edges.second, len(edges.items), seed)
    training = (used @ n, used @ s)
    r = model.plain(*training)
    plain = r[:, edges.first] - r[:, edges.second]
    starts = model.starts(plain, *training)
    inner = np.arange(K, len(left))
    chosen = np.ones(K)
    if len(inner):
        total = np.zeros((K, len(RIDGES)))
        part = (training[0][inner], training[1][inner], r[inner], starts[:, inner])
        for c, ridge in enumerate(RIDGES):
            eta = model.logits(model.fit(*part, np.full(len(inner), ridge)))
            for at, (f, g) in enumerate(pairs):
                losses = n * np.logaddexp(0.0, eta[at]) - s * eta[at]
                # what is left out beside fold f judges the ridge of fold f
                total[f, c] += losses[g].sum()
                total[g, c] += losses[f].sum()
        chosen = np.asarray(RIDGES)[np.argmin(total, axis=1)]
    outer = np.arange(K)
    fitted = model.fit(training[0][outer], training[1][outer], r[outer], starts[:, outer], chosen)
    _, u, v = np.split(fitted, 3, axis=1)
    # what the ridge has pressed to nothing is no cycle, and no difference either
    none = np.abs(u[:, :, None] * v[:, None, :]).max(axis=(1, 2)) < _NO_CYCLE
    cyclic = np.where(none[:, None], plain[:K], model.logits(fitted))
    return plain[:K], cyclic, tuple(float(c) for c in chosen)


class _Cyclic:
    """Fits of many training sets at once; parameters r, u, v stand next to each other."""

    def __init__(self, first: Codes, second: Codes, M: int, seed: int) -> None:
        self.first, self.second, self.M = first, second, M
        E = len(first)
        rows, ones = np.arange(E), np.ones(E)
        self.at_first = sparse.csr_array((ones, (first, rows)), shape=(M, E))
        self.at_second = sparse.csr_array((ones, (second, rows)), shape=(M, E))
        self.rng = np.random.default_rng(seed)

    def plain(self, n: Array, s: Array) -> Array:
        """Return ratings (B, M) of Bradley-Terry."""

        def loss(r: Array) -> tuple[Array, Array]:
            eta = r[:, self.first] - r[:, self.second]
            value = (n * np.logaddexp(0.0, eta) - s * eta).sum(axis=1)
            g = n * logistic(eta) - s
            slope = self._to(self.at_first, g) - self._to(self.at_second, g) + _TINY * r
            return value + _TINY / 2 * (r**2).sum(axis=1), slope

        return minimised(loss, np.zeros((len(n), self.M)))

    def starts(self, plain: Array, n: Array, s: Array) -> Array:
        """Return u and v to start from, (STARTS, B, 2 M): from the residuals, then at random."""
        B, M = len(n), self.M
        residual = np.log((s + 0.5) / (n - s + 0.5)) - plain
        skew = np.zeros((B, M, M))
        skew[:, self.first, self.second] = residual
        skew -= skew.transpose(0, 2, 1)
        left, size, right = np.linalg.svd(skew)
        root = np.sqrt(size[:, :1])
        first = np.concatenate([root * left[:, :, 0], root * right[:, 0]], axis=1)
        drawn = self.rng.normal(scale=0.5, size=(STARTS - 1, 1, 2 * M))
        return np.concatenate([first[None], np.repeat(drawn, B, axis=1)])

    def logits(self, x: Array) -> Array:
        r, u, v = np.split(x, 3, axis=1)
        i, j = self.first, self.second
        return np.asarray(r[:, i] - r[:, j] + u[:, i] * v[:, j] - v[:, i] * u[:, j])

    def fit(self, n: Array, s: Array, r: Array, starts: Array, ridge: Array) -> Array:
        """Return the best of all starts of each training set, shape (B, 3 M)."""
        B = len(n)
        start = np.concatenate([np.hstack([r, one]) for one in starts])
        n, s, ridge = (np.concatenate([part] * len(starts)) for part in (n, s, ridge))

        def loss(x: Array) -> tuple[Array, Array]:
            r, u, v = np.split(x, 3, axis=1)
            i, j = self.first, self.second
            ui, uj, vi, vj = u[:, i], u[:, j], v[:, i], v[:, j]
            eta = r[:, i] - r[:, j] + ui * vj - vi * uj
            value = (n * np.logaddexp(0.0, eta) - s * eta).sum(axis=1)
            value += _TINY / 2 * (r**2).sum(axis=1)
            value += ridge / 2 * ((u**2).sum(axis=1) + (v**2).sum(axis=1))
            g = n * logistic(eta) - s
            to = self._to
            slope = [
                to(self.at_first, g) - to(self.at_second, g) + _TINY * r,
                to(self.at_first, g * vj) - to(self.at_second, g * vi) + ridge[:, None] * u,
                to(self.at_second, g * ui) - to(self.at_first, g * uj) + ridge[:, None] * v,
            ]
            return value, np.concatenate(slope, axis=1)

        found = minimised(loss, start)
        value = loss(found)[0].reshape(len(starts), B)
        return np.asarray(found.reshape(len(starts), B, -1)[np.argmin(value, axis=0), range(B)])

    @staticmethod
    def _to(matrix: sparse.csr_array, g: Array) -> Array:
        return np.asarray((matrix @ g.T).T)


def minimised(loss: Loss, x: Array) -> Array:
    """Minimise many functions side by side by L-BFGS, shape (B, P).

    Examples
    --------
    >>> def bowl(x):
    ...     return ((x - 3.0) ** 2).sum(axis=1), 2 * (x - 3.0)
    >>> minimised(bowl, np.zeros((2, 2))).round(3).tolist()
    [[3.0, 3.0], [3.0, 3.0]]
    """
    value, slope = loss(x)
    steps: list[Array] = []
    turns: list[Array] = []
    for _ in range(_STEPS):
        if np.abs(slope).max() < _NEAR:
            break
        way = _direction(slope, steps, turns)
        fall = (way * slope).sum(axis=1)
        wrong = fall >= 0
        way[wrong], fall[wrong] = -slope[wrong], -(slope[wrong] ** 2).sum(axis=1)
        size = np.ones(len(x))
        if not steps:
            size = 1.0 / np.maximum(np.sqrt((slope**2).sum(axis=1)), 1.0)
        x, value, slope, step, turn = _searched(loss, x, value, slope, way, fall, size)
        steps, turns = [*steps[1 - _MEMORY :], step], [*turns[1 - _MEMORY :], turn]
    return x


def _direction(slope: Array, steps: list[Array], turns: list[Array]) -> Array:
    q = -slope
    kept: list[tuple[Array, Array]] = []
    for step, turn in zip(reversed(steps), reversed(turns), strict=True):
        curved = (step * turn).sum(axis=1)
        rho = np.divide(1.0, curved, out=np.zeros_like(curved), where=curved > 1e-12)
        alpha = rho * (step * q).sum(axis=1)
        q = q - alpha[:, None] * turn
        kept.append((rho, alpha))
    if steps:
        curved = (steps[-1] * turns[-1]).sum(axis=1)
        square = (turns[-1] ** 2).sum(axis=1)
        scale = np.divide(curved, square, out=np.ones_like(curved), where=curved > 1e-12)
        q = q * scale[:, None]
    for (rho, alpha), step, turn in zip(reversed(kept), steps, turns, strict=True):
        beta = rho * (turn * q).sum(axis=1)
        q = q + (alpha - beta)[:, None] * step
    return np.asarray(q)


def _searched(
    loss: Loss, x: Array, value: Array, slope: Array, way: Array, fall: Array, size: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Step back until every function falls enough; one that does not stays where it is."""
    for _ in range(12):
        there = x + size[:, None] * way
        new, turned = loss(there)
        good: NDArray[np.bool_] = new <= value + 1e-4 * size * fall + 1e-12 * np.abs(value)
        if good.all():
            break
        size = np.where(good, size, size * 0.3)
    kept = good[:, None]
    there, turned = np.where(kept, there, x), np.where(kept, turned, slope)
    return there, np.where(good, new, value), turned, there - x, turned - slope
