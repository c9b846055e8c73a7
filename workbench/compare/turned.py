"""Scores of clusters with signs turned at random, the same for a cluster in every subset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.compare.subsets import Subset
from workbench.decompose.kernel import Array, logistic, run_sums

Codes = NDArray[np.int64]

_BLOCKS = 1000
_WIDTH = 256
_BATCH = 256
"""Blocks whose matrices are held at a time: they stay in the processor's cache."""

_KEPT = 2**26
"""Bytes of random deviations that are kept; more are drawn again each time."""

_SMALL = 0.05
"""Leverage from which eigenvalues replace the power series, within 1e-10 of the root below."""

_MOST = 0.9
"""Leverage of a direction beyond which nothing more is taken back."""

_SERIES = (1 / 2, 3 / 8, 5 / 16, 35 / 128, 63 / 256, 231 / 1024, 429 / 2048)
"""Coefficients of the power series of (1 - x)^(-1/2), less the first, 1."""


class Draws:
    """Random signs of blocks of clusters, and random deviations of subsets, of one seed.

    They follow from the numbers of clusters, subsets and terms alone: whoever comes next with
    the same ones finds them made.

    Parameters
    ----------
    seed : int
    flips : int
        Patterns of signs.

    Examples
    --------
    >>> draws = Draws(0, 4)
    >>> draws.begin(3)
    >>> draws.block.tolist(), draws.signs[0].shape
    ([0, 1, 2], (3, 4))
    >>> [part.shape for part in draws.deviations(2, 5, 1)]
    [(1, 5, 2)]
    """

    def __init__(self, seed: int, flips: int) -> None:
        self.seed, self.flips = seed, flips
        self.block: Codes = np.empty(0, dtype=np.int64)
        self.signs: list[Array] = []
        self._after: Any = None
        self._made: tuple[tuple[int, int, int] | None, list[Array]] = (None, [])

    def begin(self, count: int) -> None:
        """Draw the block of each of ``count`` clusters, and signs, a row a block."""
        if count == len(self.block):
            return
        rng = np.random.default_rng(self.seed)
        self.block = np.arange(count) if count <= _BLOCKS else rng.integers(_BLOCKS, size=count)
        width = int(self.block.max()) + 1
        signs = 2.0 * rng.integers(2, size=(self.flips, width)) - 1.0
        # a row a block, so that those of a subset are taken out as they stand; few columns at a
        # time, so that they are taken from the processor's cache
        self.signs = [
            np.ascontiguousarray(signs[start : start + _WIDTH].T)
            for start in range(0, self.flips, _WIDTH)
        ]
        self._after, self._made = rng.bit_generator.state, (None, [])

    def deviations(self, flips: int, S: int, K: int) -> Iterator[Array]:
        """Yield standard normal deviates beside the first ``flips`` signs, parts (K, S, flips)."""
        key = (flips, S, K)
        if self._made[0] == key:
            yield from self._made[1]
            return
        rng, kept = np.random.default_rng(), []
        rng.bit_generator.state = self._after
        for start in range(0, flips, _WIDTH):
            n = min(_WIDTH, flips - start)
            part = np.ascontiguousarray(rng.normal(size=(n, S, K)).transpose(2, 1, 0))
            if 8 * flips * S * K <= _KEPT:
                kept.append(part)
            yield part
        if kept:
            self._made = (key, kept)


class TurnedScores:
    """Sums of the scores of clusters, each with its sign, over the rows of each subset.

    Many clusters are put together at random in blocks that turn together, which leaves the
    variance of every sum as it is on average. A fit draws its own scores towards 0, those of
    influential clusters most: each block's are taken back by the square root of one minus its
    leverage (Bell and McCaffrey 2002).

    Parameters
    ----------
    subsets : sequence of Subset
    clusters : sequence of ndarray of int
        Cluster of each row; a cluster may lie in several subsets.
    draws : Draws

    Examples
    --------
    >>> one = Subset(np.ones((3, 1)), np.ones(3), np.array([1.0, 1.0, 0.0]))
    >>> turned = TurnedScores([one], [np.arange(3)], Draws(0, 4))
    >>> turned.at(np.zeros((1, 1)), np.ones((1, 1, 1)))
    >>> turned.of_subset(0, 0, np.ones((1, 1)), np.zeros((1, 4))).shape
    (1, 4)
    """

    def __init__(self, subsets: Sequence[Subset], clusters: Sequence[Codes], draws: Draws) -> None:
        _, code = np.unique(np.concatenate(clusters), return_inverse=True)
        count = int(code.max()) + 1
        draws.begin(count)
        self.signs, block = draws.signs, draws.block
        self.blocks = len(self.signs[0])
        subset = np.repeat(np.arange(len(subsets)), [len(one.X) for one in subsets])
        of_row = block[code]
        order = np.lexsort((subset, of_row))
        self.subset, self.block = subset[order], of_row[order]
        self.X = np.concatenate([one.X for one in subsets])[order]
        self.weight = np.concatenate([one.weight for one in subsets])[order]
        self.votes = np.concatenate([one.votes for one in subsets])[order]
        key = self.block * len(subsets) + self.subset
        self.starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
        self.S, self.K = len(subsets), self.X.shape[1]
        self.places = [
            np.flatnonzero(self.subset[self.starts] == s).astype(np.int64) for s in range(self.S)
        ]
        self.rows = [self.block[self.starts[place]] for place in self.places]
        self.own: list[Array] = []
        self.by_block: Array = np.empty((0, 0))

    def at(self, b: Array, left: Array) -> None:
        """Take the scores at coefficients ``b`` (S, K), each subset's times ``left`` (S, K, K)."""
        p = logistic(np.einsum("nk,nk->n", self.X, b[self.subset]))
        sums = run_sums(self.X, self.votes - self.weight * p, self.starts)
        root = self.X * np.sqrt(self.weight * p * (1.0 - p))[:, None]
        scores = self._unshrunk(root, sums)
        self.own = [left[s] @ scores[place].T for s, place in enumerate(self.places)]
        self.by_block = np.zeros((self.blocks, self.K))
        for own, rows in zip(self.own, self.rows, strict=True):
            self.by_block[rows] += own.T

    def of_subset(self, s: int, part: int, left: Array, right: Array) -> Array:
        """Return one subset's sums plus ``left @ right``.

        There is a column each pattern of signs of one part, of which the first ``n``.

        Parameters
        ----------
        s, part : int
        left : ndarray, shape (K, K)
        right : ndarray, shape (K, n)
        """
        own, (K, n) = self.rows[s], right.shape
        # one product instead of two and their sum
        both = np.empty((len(own) + K, n))
        np.take(self.signs[part][:, :n], own, axis=0, out=both[:-K], mode="clip")
        both[-K:] = right
        return np.asarray(np.concatenate([self.own[s], left], axis=1) @ both)

    def total(self, part: int) -> Array:
        """Return the sums over all subsets, likewise."""
        return np.asarray(self.by_block.T @ self.signs[part])

    def _unshrunk(self, root: Array, sums: Array) -> Array:
        """Return what each block's scores were before the fit drew them towards 0."""
        total = root.T @ root
        size = np.sqrt(np.maximum(np.diag(total), 1e-300))
        values, vectors = np.linalg.eigh(total / np.outer(size, size))
        spread = np.sqrt(np.maximum(values, 1e-8))
        into, out = (vectors / spread).T / size, size[:, None] * vectors * spread
        rows, moved = root @ into.T, sums @ into.T
        of_sum = self.block[self.starts]
        row_ends, sum_ends = (
            np.searchsorted(codes, np.arange(self.blocks + 1)) for codes in (self.block, of_sum)
        )
        n_rows, n_sums = np.diff(row_ends), np.diff(sum_ends)
        # blocks with about as many rows go together, filled up with rows of 0
        order = np.argsort(n_rows, kind="stable")
        for part in np.split(order, range(_BATCH, len(order), _BATCH)):
            Z = _filled(rows, row_ends[part], int(n_rows[part].max()), n_rows[part])
            V = _filled(moved, sum_ends[part], int(n_sums[part].max()), n_sums[part])
            back = V + _taken_back(Z, V)
            filled = np.arange(V.shape[1]) < n_sums[part][:, None]
            at = (sum_ends[part][:, None] + np.arange(V.shape[1]))[filled]
            moved[at] = back[filled]
        return np.asarray(moved @ out.T)


def _filled(values: Array, start: Codes, width: int, count: Codes) -> Array:
    """Return runs of rows as one array, shape (runs, width, K), filled up with 0."""
    place = np.arange(width)
    at = np.minimum(start[:, None] + place, len(values) - 1)
    return np.asarray(np.where((place < count[:, None])[:, :, None], values[at], 0.0))


def _taken_back(Z: Array, V: Array) -> Array:
    """Return ``V ((I - Z'Z)^(-1/2) - I)`` of each block, by the smaller of ``Z'Z`` and ``ZZ'``."""
    turned = np.swapaxes(Z, 1, 2)
    wide = Z.shape[1] <= Z.shape[2]
    inner = Z @ turned if wide else turned @ Z
    small = np.einsum("bii->b", inner) <= _SMALL
    unit = np.eye(inner.shape[1])
    factor = np.empty_like(inner)
    if small.any():
        series = np.broadcast_to(_SERIES[-1] * unit, inner[small].shape)
        for coefficient in _SERIES[-2::-1]:
            series = inner[small] @ series + coefficient * unit
        factor[small] = series
    if not small.all():
        values, vectors = np.linalg.eigh(inner[~small])
        values = np.maximum(values, 0.0)
        root = np.sqrt(1.0 - np.minimum(values, _MOST))
        # a cluster that alone tells a term has nothing to take back
        part = np.where(values > 1e-9, (1.0 / root - 1.0) / np.maximum(values, 1e-9), 0.5)
        factor[~small] = (vectors * part[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    return np.asarray((V @ turned) @ factor @ Z if wide else V @ (factor @ inner))
