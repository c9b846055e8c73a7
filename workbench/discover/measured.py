"""Whether a set varies in a direction at all: how often it is active, and how much it explains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.clustered import share
from workbench.discover.dictionary import Dictionary
from workbench.embedding.base import Matrix


def measured(
    activations: Matrix,
    cluster: NDArray[np.int64],
    lengths: float,
    found: Dictionary,
    *,
    least: int,
    level: float,
) -> pd.DataFrame:
    """Return how often each direction is active, and what share of the differences it makes.

    Parameters
    ----------
    activations : ndarray, shape (n pairs, m)
        Of the screening part.
    cluster : ndarray of int, shape (n pairs,)
    lengths : float
        Sum of the squared lengths of the differences.
    found : Dictionary
    least : int
        Pairs in which a direction must be active to be measurable.
    level : float

    Returns
    -------
    DataFrame
        One row a direction: ``active, active_low, active_high`` (share of pairs),
        ``active_pairs, variance`` (its squared activations as a share of the squared lengths) and
        ``measurable``.

    Examples
    --------
    >>> unit = np.eye(2, dtype=np.float32)
    >>> a = np.array([[1.0, 0.0], [0.0, 0.0]], dtype=np.float32)
    >>> two = Dictionary(unit, unit, 1, 1.0)
    >>> measured(a, np.arange(2), 2.0, two, least=1, level=0.95)["measurable"].tolist()
    [True, False]
    """
    rows: list[dict[str, Any]] = []
    for column in activations.T.astype(np.float64):
        on = (column != 0).astype(float)
        told = share(on, cluster, level)
        many = int(on.sum())
        squares = float(column @ column) * found.scale**2
        rows.append(
            {
                "active": told["estimate"],
                "active_low": told["conf_low"],
                "active_high": told["conf_high"],
                "active_pairs": many,
                "variance": squares / lengths if lengths > 0 else np.nan,
                "measurable": many >= least,
            }
        )
    return pd.DataFrame(rows)
