"""Sums over parts for a fit: gradients, Hessians, what a result reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.design import Design
from workbench.decompose.estimate import Rows, batches
from workbench.decompose.identify import Columns, columns_of
from workbench.decompose.kernel import Array, Cells, Moments, final_pass
from workbench.decompose.parted.stored import Piece

DECIDED = 1e-9
"""``|x'd|`` above which a separating direction decides a row."""

Directions = Mapping[int, Array]
"""By group: the directions, shape (m, K), that separate its labels."""


@dataclass(frozen=True, eq=False)
class MomentsAt:
    """The sums of a part at coefficients, for the groups that are wanted.

    Attributes
    ----------
    beta : ndarray, shape (K, J)
    wanted : ndarray of bool, shape (J,)
        Groups whose sums are wanted; those of the others are 0.
    robust : bool
        Whether the meat of heteroskedasticity-robust errors is wanted.
    directions : mapping
        Rows that these decide are left out.
    """

    beta: Array
    wanted: NDArray[np.bool_]
    robust: bool = False
    directions: Directions = field(default_factory=dict)

    def __call__(self, piece: Piece) -> Moments:
        """Return the sums of one part."""
        K, J = self.beta.shape
        total = empty_moments(K, J, self.robust)
        design = piece.open()
        for groups, rows, cells in left(design, piece.groups, self.wanted, self.directions):
            at = piece.groups[groups]
            found = final_pass(design.X[rows], cells, self.beta[:, at], None, self.robust)
            put(total, found, at)
        return total


def empty_moments(K: int, J: int, robust: bool) -> Moments:
    """Return the sums over no row."""
    square = (J, K, K)
    return Moments(
        gradient=np.zeros((K, J)),
        hessian=np.zeros(square),
        meat=np.zeros(square) if robust else None,
        log_likelihood=np.zeros(J),
        slope=np.zeros(J),
        steepest=np.zeros(J),
        curvature=np.zeros((K, J)),
    )


def put(total: Moments, found: Moments, at: NDArray[np.int64]) -> None:
    """Put the sums of some groups at their places."""
    for name in ("gradient", "curvature"):
        getattr(total, name)[:, at] = getattr(found, name)
    for name in ("hessian", "meat", "log_likelihood", "slope", "steepest"):
        if getattr(total, name) is not None:
            getattr(total, name)[at] = getattr(found, name)


def left(
    design: Design, numbers: NDArray[np.int64], wanted: NDArray[np.bool_], directions: Directions
) -> Iterator[tuple[list[int], Rows, Cells]]:
    """Yield groups of a part that are wanted, their rows, and the cells that nothing decides."""
    for groups, rows, cells in batches(design, np.flatnonzero(wanted[numbers]).tolist()):
        if not any(int(numbers[g]) in directions for g in groups):
            yield groups, rows, cells
            continue
        kept = np.ones(cells.weight.shape)
        for j, g in enumerate(groups):
            kept[:, j] = ~decided(design.X[rows], directions.get(int(numbers[g])))
        yield groups, rows, cells.kept(kept)


def decided(X: Array, directions: Array | None) -> NDArray[np.bool_]:
    """Return which rows a separating direction decides, shape (rows,)."""
    if directions is None:
        return np.zeros(len(X), dtype=bool)
    return np.asarray((np.abs(X @ directions.T) > DECIDED).any(axis=1))


@dataclass(frozen=True, eq=False)
class ColumnsLeft:
    """What is to be known of the columns where separated groups have lost rows.

    Attributes
    ----------
    directions : mapping
    """

    directions: Directions

    def __call__(self, piece: Piece) -> dict[int, Left]:
        """Return it of one part, by group."""
        design = piece.open()
        wanted = np.isin(piece.groups, list(self.directions))
        found = {}
        for groups, rows, cells in batches(design, np.flatnonzero(wanted).tolist()):
            X = design.X[rows]
            where = np.arange(len(design.X))[rows]
            for j, g in enumerate(groups):
                gone = decided(X, self.directions[int(piece.groups[g])])
                stays = (cells.weight[:, j] > 0) & ~gone
                rows_left = where[stays]
                label_row = design.cell_row[design.label_cell[design.labels_of(g)]]
                found[int(piece.groups[g])] = Left(
                    columns_of(X, stays[:, None]),
                    int(np.isin(label_row, rows_left).sum()),
                    len(np.unique(design.cluster[rows_left])),
                    float(cells.weight[stays, j].sum()),
                )
        return found


@dataclass(frozen=True, eq=False)
class Left:
    """What a separated group has left: columns, labels, clusters and weight."""

    columns: Columns
    n: int
    n_clusters: int
    weight: float

    def __add__(self, other: Left) -> Left:
        mine, theirs = self.columns, other.columns
        columns = Columns(
            mine.gram + theirs.gram,
            np.minimum(mine.low, theirs.low),
            np.maximum(mine.high, theirs.high),
        )
        return Left(
            columns,
            self.n + other.n,
            self.n_clusters + other.n_clusters,
            self.weight + other.weight,
        )
