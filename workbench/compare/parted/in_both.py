"""What two groups have in common, as sums over parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.agreement import agreement_of_counts
from workbench.compare.sides import Common, Slopes, verdicts
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.kernel import Array, Cells
from workbench.decompose.parted.stored import Piece


@dataclass(frozen=True, eq=False)
class CommonSums:
    """What adds up of :class:`Common`.

    Attributes
    ----------
    clusters, pairs, tied : int
    shared, every : tuple of Slopes, one a side
        On the pairs of both, and on all of each side.
    counts : ndarray, shape (kinds, 4)
        Pairs of a cluster by what both prefer (:func:`agreement_of_counts`), and
    times : ndarray, shape (kinds,)
        how many clusters have those counts.
    """

    clusters: int
    pairs: int
    tied: int
    shared: tuple[Slopes, Slopes]
    every: tuple[Slopes, Slopes]
    counts: Array
    times: Array

    def __add__(self, other: CommonSums) -> CommonSums:
        counts = np.concatenate([self.counts, other.counts])
        return CommonSums(
            self.clusters + other.clusters,
            self.pairs + other.pairs,
            self.tied + other.tied,
            (self.shared[0] + other.shared[0], self.shared[1] + other.shared[1]),
            (self.every[0] + other.every[0], self.every[1] + other.every[1]),
            *_kinds(counts, np.concatenate([self.times, other.times])),
        )

    def told(self, first: GroupFit, second: GroupFit, level: float) -> Common:
        """Return what both have in common."""
        slopes = self.shared if self.pairs else self.every
        agreement, kappa = agreement_of_counts(self.counts, self.times, level)
        return Common(
            clusters=self.clusters,
            pairs=self.pairs,
            effects=(slopes[0].marginal(first), slopes[1].marginal(second)),
            n=int(self.times @ self.counts.sum(axis=1)),
            n_tied=self.tied,
            agreement=agreement,
            kappa=kappa,
        )


@dataclass(frozen=True, eq=False)
class CommonAt:
    """What some groups have in common with a reference, in one part.

    Attributes
    ----------
    firsts : mapping of int to GroupFit
        By number of the group.
    second : (int, GroupFit)
    """

    firsts: Mapping[int, GroupFit]
    second: tuple[int, GroupFit]

    def __call__(self, both: tuple[Piece, Piece]) -> dict[int, CommonSums]:
        """Return it by number of the group."""
        reference = _Rows.of(both[1], *self.second)
        return {
            number: _between(_Rows.of(both[0], number, fit), reference)
            for number, fit in self.firsts.items()
        }


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of a group in one part."""

    fit: GroupFit
    X: Array
    pair: NDArray[np.int64]
    cluster: NDArray[np.int64]
    cells: Cells

    @classmethod
    def of(cls, piece: Piece, number: int, fit: GroupFit) -> _Rows:
        design, local = piece.open(), np.flatnonzero(piece.groups == number)
        none = np.empty(0, dtype=np.int64)
        if not len(local):
            empty = np.zeros((0, 1))
            return cls(fit, design.X[:0], none, none, Cells(empty, empty))
        rows, cells = design.compact(int(local[0]))
        pair = piece.array("pair")[rows].astype(np.int64)
        return cls(fit, design.X[rows], pair, design.cluster[rows], cells)


def _between(first: _Rows, second: _Rows) -> CommonSums:
    (pairs_a, a), (pairs_b, b) = (verdicts(side.pair, side.cells) for side in (first, second))
    both, at_a, at_b = np.intersect1d(pairs_a, pairs_b, assume_unique=True, return_indices=True)
    a, b = a[at_a], b[at_b]
    decided = (a != 0.5) & (b != 0.5)
    # a pair's rows all lie in one cluster
    numbers, where = np.unique(first.pair, return_index=True)
    cluster = first.cluster[where[np.searchsorted(numbers, both[decided])]]
    cell = 2 * (a[decided] <= 0.5) + (b[decided] <= 0.5)
    size = int(cluster.max()) + 1 if len(cluster) else 0
    table: Array = np.bincount(cluster * 4 + cell, minlength=4 * size).astype(np.float64)
    counts: Array = table.reshape(size, 4)
    counts = counts[counts.any(axis=1)]
    sides = (first, second)
    return CommonSums(
        len(np.intersect1d(first.cluster, second.cluster)),
        len(both),
        int((~decided).sum()),
        _slopes(sides, [np.isin(side.pair, both) for side in sides]),
        _slopes(sides, [np.ones(len(side.pair), dtype=bool) for side in sides]),
        *_kinds(counts, np.ones(len(counts))),
    )


def _slopes(sides: tuple[_Rows, _Rows], kept: list[NDArray[np.bool_]]) -> tuple[Slopes, Slopes]:
    first, second = (
        Slopes.of(side.X[own], side.fit) for side, own in zip(sides, kept, strict=True)
    )
    return first, second


def _kinds(counts: Array, times: Array) -> tuple[Array, Array]:
    """Return distinct counts, and how many clusters have each."""
    if not len(counts):
        return counts.reshape(0, 4), times
    kinds, of = np.unique(counts, axis=0, return_inverse=True)
    number: Array = np.bincount(of.ravel(), times, len(kinds)).astype(np.float64)
    return kinds, number
