"""Held-out scores as sums over parts: means with clustered errors, and areas under curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array


@dataclass(frozen=True, eq=False)
class MeanSums:
    """A weighted mean and its cluster-robust error, which add up over parts.

    Squares are kept about the mean of what was added, and moved with it: they lose nothing where
    values hardly vary.

    Attributes
    ----------
    n_clusters : int
    total, weight : float
        Sums of ``w v`` and of ``w``.
    squares, cross, sizes : float
        Sums over clusters of ``(A - m B)^2``, ``(A - m B) B`` and ``B^2``, with the sums A and B
        of a cluster and the mean m.
    """

    n_clusters: int = 0
    total: float = 0.0
    weight: float = 0.0
    squares: float = 0.0
    cross: float = 0.0
    sizes: float = 0.0

    @classmethod
    def of(cls, values: Array, weight: Array, cluster: NDArray[np.int64]) -> MeanSums:
        """Return the sums of some values.

        Examples
        --------
        >>> one = MeanSums.of(np.array([1.0]), np.ones(1), np.array([0]))
        >>> two = MeanSums.of(np.array([0.0]), np.ones(1), np.array([0]))
        >>> (one + two).mean_and_error
        (0.5, 0.5...)
        """
        if not len(values):
            return cls()
        there = np.bincount(cluster) > 0
        own = np.bincount(cluster, weight * values)[there]
        size = np.bincount(cluster, weight)[there]
        mean = float(own.sum() / size.sum())
        # of each value, as in memory: a cluster's sum and its size times the mean may cancel
        left = np.bincount(cluster, weight * (values - mean))[there]
        return cls(
            len(own),
            float(own.sum()),
            float(size.sum()),
            float(left @ left),
            float(left @ size),
            float(size @ size),
        )

    def __add__(self, other: MeanSums) -> MeanSums:
        if not self.n_clusters or not other.n_clusters:
            return other if not self.n_clusters else self
        total, weight = self.total + other.total, self.weight + other.weight
        mean = total / weight
        squares, cross = 0.0, 0.0
        for one in (self, other):
            shift = one.total / one.weight - mean
            squares += one.squares + 2 * shift * one.cross + shift**2 * one.sizes
            cross += one.cross + shift * one.sizes
        sizes = self.sizes + other.sizes
        return MeanSums(
            self.n_clusters + other.n_clusters, total, weight, max(squares, 0.0), cross, sizes
        )

    @property
    def mean_and_error(self) -> tuple[float, float]:
        """The mean and its error, as :func:`workbench.clustered.mean_and_error`."""
        if not self.n_clusters:
            return float("nan"), float("nan")
        mean, g = self.total / self.weight, self.n_clusters
        if g < 2:
            return mean, float("nan")
        return mean, float(np.sqrt(g / (g - 1) * self.squares) / self.weight)


@dataclass(frozen=True, eq=False)
class AreaTable:
    """How many labels of each side have each prediction.

    Attributes
    ----------
    values : ndarray, shape (n,)
        Predictions, sorted.
    positive, negative : ndarray, shape (n,)
        Labels for A and for B.
    """

    values: Array
    positive: Array
    negative: Array

    @classmethod
    def of(cls, p: Array, positive: NDArray[np.bool_], bins: int | None) -> AreaTable:
        """Count predictions, in equal bins of [0, 1] where ``bins`` says so."""
        values, place = np.unique(binned(p, bins), return_inverse=True)
        n = len(values)
        for_a = np.bincount(place[positive], minlength=n).astype(np.float64)
        return cls(values, for_a, np.bincount(place[~positive], minlength=n).astype(np.float64))

    def __add__(self, other: AreaTable) -> AreaTable:
        both = np.r_[self.values, other.values]
        # two sorted runs: this sort only merges them
        order = np.argsort(both, kind="stable")
        both = both[order]
        first = np.flatnonzero(np.r_[len(both) > 0, both[1:] != both[:-1]])

        def counted(mine: Array, theirs: Array) -> Array:
            joined = np.r_[mine, theirs][order]
            return np.add.reduceat(joined, first) if len(first) else joined

        return AreaTable(
            both[first],
            counted(self.positive, other.positive),
            counted(self.negative, other.negative),
        )

    @property
    def area(self) -> float:
        """The area under the curve; labels of one bin are ties."""
        if not self.positive.sum() or not self.negative.sum():
            return float("nan")
        return float(self.positive @ self.below(self.negative) / self.positive.sum())

    @staticmethod
    def below(counts: Array) -> Array:
        """Return the share of labels below each value, those at it by half."""
        return np.asarray((np.cumsum(counts) - counts / 2) / counts.sum())

    def placements(self, p: Array, positive: NDArray[np.bool_], bins: int | None) -> Array:
        """Return the pull of each label on the area."""
        at = np.searchsorted(self.values, binned(p, bins))
        area = self.area
        for_a = (self.below(self.negative)[at] - area) / self.positive.sum()
        for_b = (1.0 - self.below(self.positive)[at] - area) / self.negative.sum()
        return np.asarray(np.where(positive, for_a, for_b))


def binned(p: Array, bins: int | None) -> Array:
    """Return predictions, each as the middle of its bin where there are bins.

    Examples
    --------
    >>> binned(np.array([0.1, 0.9]), 2).tolist()
    [0.25, 0.75]
    """
    if bins is None:
        return p
    return np.asarray((np.minimum(np.floor(p * bins), bins - 1) + 0.5) / bins)
