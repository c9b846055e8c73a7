"""Anderson's acceleration of a fixed-point iteration, for many problems side by side."""

from __future__ import annotations

import numpy as np

from workbench.decompose.kernel import Array

_RIDGE = 1e-12


class Secants:
    """Anderson's acceleration (1965): a step that uses what all earlier steps showed.

    On a linear problem it is as fast as the method of conjugate gradients.
    """

    def __init__(self) -> None:
        self.steps: list[Array] = []
        self.changes: list[Array] = []
        self.last: tuple[Array, Array] | None = None

    def forget_point(self) -> None:
        """Take no secant from the last point to the next: their rounding errors differ."""
        self.last = None

    def advance(self, d: Array, residual: Array) -> Array:
        """Return the next point, shape (k, width), from this one and its residual."""
        if self.last is not None:
            change = residual - self.last[1]
            size = lengths(change)
            # a column that has come to rest has nothing more to tell
            scale = np.divide(1.0, size, out=np.zeros_like(size), where=size > 1e-150)
            self.changes.append(change * scale)
            self.steps.append((d - self.last[0]) * scale)
        self.last = (d, residual)
        if not self.changes:
            return d + residual
        changes = np.stack(self.changes, axis=-1)
        gram_matrix = np.einsum("krm,krn->rmn", changes, changes)
        gram_matrix += _RIDGE * np.eye(len(self.changes))
        right = np.einsum("krm,kr->rm", changes, residual)
        share = np.linalg.solve(gram_matrix, right[:, :, None])[:, :, 0]
        moved = np.stack(self.steps, axis=-1) + changes
        return np.asarray(d + residual - np.einsum("krm,rm->kr", moved, share))


def lengths(columns: Array) -> Array:
    """Return the Euclidean length of each column.

    Examples
    --------
    >>> lengths(np.array([[3.0], [4.0]]))
    array([5.])
    """
    return np.asarray(np.sqrt((columns * columns).sum(axis=0)))
