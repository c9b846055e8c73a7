"""Directions that separate labels in parts: a linear program on the rows that bind it.

The program of :func:`workbench.decompose.identify.separation` has a constraint a row. Few of them
bind: it is solved on some, and a pass over all parts brings the rows that its solution violates
most, until none does. What is found then is what all rows would have given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.estimate import batches
from workbench.decompose.identify import recession
from workbench.decompose.kernel import Array
from workbench.decompose.parted.moments import Directions, decided
from workbench.decompose.parted.stored import Piece
from workbench.decompose.parted.whole import Whole
from workbench.engine import Engine

_WORST = 60
"""Violated rows that a part brings at a time."""

_FIRST = 200
_SLACK = 1e-6
"""Violation up to which a row is met: the solver of the program meets its own within 1e-7."""

_ROUNDS = 200


def directions_of(
    whole: Whole, active: NDArray[np.bool_], groups: list[int], engine: Engine
) -> Directions:
    """Return the separating directions of some groups, shape (m, K), of those that have any."""
    found = {}
    for group in groups:
        own = _of_group(whole, active[group], group, engine)
        if len(own):
            found[group] = own
    return found


def _of_group(whole: Whole, active: NDArray[np.bool_], group: int, engine: Engine) -> Array:
    """Return all directions of a group, each on the rows that those before left undecided."""
    columns, K = np.flatnonzero(active), len(active)
    directions: Array = np.empty((0, K))
    for _ in range(len(columns)):
        direction = _direction(whole, columns, group, directions, engine)
        if direction is None:
            break
        full = np.zeros(K)
        full[columns] = direction
        directions = np.vstack([directions, full])
    return directions


def _direction(
    whole: Whole, columns: NDArray[np.int64], group: int, before: Array, engine: Engine
) -> Array | None:
    """Return a direction that separates the rows that are left; None where there is none."""
    first = _Binding(group, columns, before, None, np.ones(len(columns)))
    total = _added(engine, first, whole)
    if not len(total.X):
        return None
    size = np.maximum(total.size, 1e-300)
    X, share = total.X, total.share
    for _ in range(_ROUNDS):
        direction = recession(X, share, total.pull / size, size)
        if direction is None:
            return None
        more = _added(engine, _Binding(group, columns, before, direction, size), whole)
        if not len(more.X):
            return direction
        X, share = np.vstack([X, more.X]), np.concatenate([share, more.share])
    return None


@dataclass(frozen=True, eq=False)
class _Found:
    """Rows of parts that bind, and the sums over all rows that the program needs."""

    X: Array
    share: Array
    pull: Array
    size: Array

    def __add__(self, other: _Found) -> _Found:
        return _Found(
            np.vstack([self.X, other.X]),
            np.concatenate([self.share, other.share]),
            self.pull + other.pull,
            np.maximum(self.size, other.size),
        )


def _added(engine: Engine, work: _Binding, whole: Whole) -> _Found:
    parts = engine.map(work, whole.pieces)
    total = next(parts)
    for part in parts:
        total = total + part
    return total


@dataclass(frozen=True, eq=False)
class _Binding:
    """The rows of a part that a direction violates most; without one, the first of them."""

    group: int
    columns: NDArray[np.int64]
    before: Array
    direction: Array | None
    size: Array

    def __call__(self, piece: Piece) -> _Found:
        """Return them, with what the program's aim adds up over all rows."""
        design, K = piece.open(), len(self.columns)
        nothing = _Found(np.empty((0, K)), np.empty(0), np.zeros(K), np.zeros(K))
        for _, rows, cells in batches(design, np.flatnonzero(piece.groups == self.group).tolist()):
            weight, votes = cells.weight[:, 0], cells.votes[:, 0]
            full = design.X[rows]
            kept = (weight > 0) & ~decided(full, self.before if len(self.before) else None)
            X, share = full[kept][:, self.columns], votes[kept] / weight[kept]
            if len(X):
                return self._of_rows(X, share)
        return nothing

    def _of_rows(self, X: Array, share: Array) -> _Found:
        sign = np.where(share >= 1.0, 1.0, np.where(share <= 0.0, -1.0, 0.0))
        pull, size = sign @ X, np.abs(X).max(axis=0)
        if self.direction is None:
            at = np.unique(np.linspace(0, len(X) - 1, _FIRST).astype(np.int64))
            return _Found(X[at], share[at], pull, size)
        along = X @ self.direction
        short = np.where(sign != 0, -sign * along, np.abs(along))
        at = np.argsort(-short, kind="stable")[:_WORST]
        at = at[short[at] > _SLACK]
        return _Found(X[at], share[at], pull, size)
