"""One group's labels, as held-out scores read them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.design import Design
from workbench.decompose.kernel import Array


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
    """

    row: NDArray[np.int64]
    y: Array
    weight: Array
    cluster: NDArray[np.int64]
    fold: NDArray[np.int64]

    @classmethod
    def of(cls, design: Design, group: int, row_fold: NDArray[np.int64]) -> Labels:
        """Return the labels of one group of a design."""
        mine = np.flatnonzero(design.cell_group[design.label_cell] == group)
        row = design.cell_row[design.label_cell[mine]]
        cluster = np.unique(design.cluster[row], return_inverse=True)[1]
        y, weight = design.label_preference[mine], design.label_weight[mine]
        return cls(row, y, weight, cluster, row_fold[row])

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
        return Labels(self.row[keep], self.y[keep], self.weight[keep], cluster, self.fold[keep])
