"""Which end of a direction is called more of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.discover.dictionary import Dictionary
from workbench.embedding.base import Matrix
from workbench.threads import one_thread

_BLOCK = 8192


def oriented(found: Dictionary, vectors: Matrix, rows: NDArray[np.int64]) -> Dictionary:
    """Turn directions so that the end that few responses reach is the positive one.

    A property that a name can state is there in few responses and lacking in most: then the name
    says what is there. Which responses stand as A plays no part.

    Parameters
    ----------
    found : Dictionary
    vectors : ndarray of float32, shape (n texts, d)
        Of single responses.
    rows : ndarray of int
        Of the responses that count.

    Examples
    --------
    >>> unit = np.eye(1, dtype=np.float32)
    >>> few = np.array([[0.0], [0.0], [0.0], [-9.0]], dtype=np.float32)
    >>> oriented(Dictionary(unit, unit, 1, 1.0), few, np.arange(4)).decoder.tolist()
    [[-1.0]]
    """
    sums = np.zeros((3, found.m))
    with one_thread():
        for at in range(0, len(rows), _BLOCK):
            along = (vectors[rows[at : at + _BLOCK]] @ found.encoder.T).astype(np.float64)
            along /= found.scale
            sums += np.array([along.sum(axis=0), (along**2).sum(axis=0), (along**3).sum(axis=0)])
    mean, square, cube = sums / max(len(rows), 1)
    skew = cube - 3 * mean * square + 2 * mean**3
    # where neither end is the rarer one, the largest entry of the direction is positive
    largest = np.take_along_axis(
        found.decoder, np.abs(found.decoder).argmax(axis=1)[:, None], axis=1
    )[:, 0]
    spread = np.maximum(square - mean**2, 0.0) ** 1.5
    clear = np.abs(skew) > 1e-6 * spread
    return found.turned(np.where(np.where(clear, skew, largest) < 0, -1.0, 1.0).astype(np.float32))
