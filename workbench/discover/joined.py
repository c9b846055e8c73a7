"""Directions that say the same: joined by their activations."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.embedding.base import Matrix

Array = NDArray[np.float64]


def activation_correlation(activations: Matrix) -> Array:
    r"""Return how far activations go together, :math:`\sum a_j a_k / \sqrt{\sum a_j^2 \sum a_k^2}`.

    Parameters
    ----------
    activations : ndarray, shape (n, m)

    Returns
    -------
    ndarray, shape (m, m)
        0 of directions that are never active.

    Examples
    --------
    >>> activation_correlation(np.array([[1.0, -1.0], [2.0, -2.0]])).round(3).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    a = activations.astype(np.float64)
    products = a.T @ a
    size = np.sqrt(np.diag(products))
    return np.asarray(
        products / np.where(size > 0, size, 1.0) / np.where(size > 0, size, 1.0)[:, None]
    )


def join(activations: Matrix, rank: Array, alike: float) -> pd.DataFrame:
    """Return which directions are joined into which.

    Parameters
    ----------
    activations : ndarray, shape (n, m)
    rank : ndarray, shape (m,)
        The larger one of two is kept; NaN comes last.
    alike : float
        Size of a correlation from which two are one.

    Returns
    -------
    DataFrame
        ``direction, joined_into, correlation``: one row a direction that is left out.

    Examples
    --------
    >>> twice = np.array([[1.0, -1.0], [2.0, -2.0]])
    >>> join(twice, np.array([0.1, 0.4]), 0.9)[["direction", "joined_into"]].to_numpy().tolist()
    [[0, 1]]
    """
    together = activation_correlation(activations)
    kept: list[int] = []
    rows = []
    worth = np.where(np.isfinite(rank), rank, -np.inf)
    for k in np.argsort(-worth, kind="stable"):
        near = max(kept, key=lambda j: (abs(together[k, j]), -j), default=None)
        if near is not None and abs(together[k, near]) >= alike:
            rows.append({"direction": int(k), "joined_into": near,
                         "correlation": float(together[k, near])})  # fmt: skip
        else:
            kept.append(int(k))
    columns = ["direction", "joined_into", "correlation"]
    return pd.DataFrame(rows, columns=columns).sort_values("direction", ignore_index=True)
