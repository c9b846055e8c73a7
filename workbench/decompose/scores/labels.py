"""One group's labels, as held-out scores read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.design import Design
from workbench.decompose.kernel import Array

_MIXING = np.uint64(0x9E3779B97F4A7C15)
"""Odd number that puts counted clusters in an order that is none."""


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of one group, one entry each.

    Attributes
    ----------
    row : ndarray of int
        Design row.
    y, weight : ndarray
        Preference in [0, 1], and weight.
    cluster : ndarray of int
        Cluster, numbered from 0 without gaps.
    fold : ndarray of int
    code : ndarray of int, optional
        Cluster in the design, and
    words : callable, optional
        returns the hash of the name of each of those.
    """

    row: NDArray[np.int64]
    y: Array
    weight: Array
    cluster: NDArray[np.int64]
    fold: NDArray[np.int64]
    code: NDArray[np.int64] | None = None
    words: Callable[[], NDArray[np.uint64]] | None = None

    @classmethod
    def of(cls, design: Design, group: int, row_fold: NDArray[np.int64]) -> Labels:
        """Return the labels of one group of a design."""
        mine = np.flatnonzero(design.cell_group[design.label_cell] == group)
        row = design.cell_row[design.label_cell[mine]]
        code = design.cluster[row]
        cluster = np.unique(code, return_inverse=True)[1]
        y, weight = design.label_preference[mine], design.label_weight[mine]
        return cls(row, y, weight, cluster, row_fold[row], code, lambda: design.cluster_words)

    @cached_property
    def decided(self) -> NDArray[np.bool_]:
        """Which labels are no tie."""
        return np.asarray(self.y != 0.5)

    @cached_property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return int(self.cluster.max()) + 1 if len(self.cluster) else 0

    def at(self, keep: NDArray[np.bool_]) -> Labels:
        """Return some of the labels."""
        if keep.all():
            return self
        cluster = np.unique(self.cluster[keep], return_inverse=True)[1]
        code = None if self.code is None else self.code[keep]
        parts = self.row[keep], self.y[keep], self.weight[keep], cluster, self.fold[keep]
        return Labels(*parts, code, self.words)

    def draw(self, clusters: int) -> NDArray[np.bool_]:
        """Return which labels are of the clusters, so many, that are drawn by their names."""
        if self.words is None or self.code is None:
            words = np.arange(self.n_clusters, dtype=np.uint64) * _MIXING
        else:
            words = np.empty(self.n_clusters, dtype=np.uint64)
            words[self.cluster] = self.words()[self.code]
        return np.asarray((words <= np.sort(words)[clusters - 1])[self.cluster])
