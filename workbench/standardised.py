"""Weights of factors that are coded in different units, on one scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[np.float64]

PER_SD = ("per_sd", "per_sd_low", "per_sd_high")
"""Columns of a weight times the standard deviation of its factor's coded difference."""

_BLOCK = 8192

_LIMITS = ("estimate", "conf_low", "conf_high")
_LAST = ("n", "q_value", "conf_high")


def difference_sd(X: Array | sparse.csc_array, weight: Array | None = None) -> Array:
    r"""Return the standard deviation of each coded difference, shape (K,).

    .. math:: s_k = \sqrt{\textstyle\sum_i w_i x_{ik}^2 / \sum_i w_i}

    About 0 and not about the mean: which response is A is arbitrary, and exchanging the two
    of a pair turns the sign of its difference.

    Parameters
    ----------
    X : ndarray or sparse array, shape (n, K)
        Coded differences, a row a label.
    weight : ndarray, shape (n,), optional
        Of the labels.

    Examples
    --------
    >>> difference_sd(np.array([[3.0], [-4.0]])).round(3).tolist()
    [3.536]
    """
    weight = np.ones(X.shape[0]) if weight is None else weight
    total = max(float(weight.sum()), np.finfo(float).tiny)
    if not isinstance(X, np.ndarray):
        return np.asarray(np.sqrt(weight @ X**2 / total))
    squares = np.zeros(X.shape[1])
    # blocks that stay in the processor's cache
    for start in range(0, len(X), _BLOCK):
        at = slice(start, start + _BLOCK)
        squares += weight[at] @ np.square(X[at])
    return np.asarray(np.sqrt(squares / total))


def with_per_sd(table: pd.DataFrame, sd: Array, before: Sequence[str] = ("",)) -> pd.DataFrame:
    """Put the weights of a table on the scale of their factors' standard deviations.

    Parameters
    ----------
    table : DataFrame
        With ``estimate, conf_low, conf_high``, in logits per unit of a coded difference.
    sd : ndarray, shape (rows,)
        Standard deviation of the difference of each row's factor among its labels.
    before : sequence of str
        Prefixes of several such sets of columns.

    Returns
    -------
    DataFrame
        The table with ``per_sd, per_sd_low, per_sd_high`` after each set's tidy columns.

    Examples
    --------
    >>> row = {"term": ["words"], "estimate": [2.0], "conf_low": [1.0], "conf_high": [3.0]}
    >>> with_per_sd(pd.DataFrame(row), np.array([0.5]))["per_sd"].tolist()
    [1.0]
    """
    table = table.copy()
    for prefix in before:
        # the tidy columns of a set stay together and in their order
        last = next(c for c in _LAST if f"{prefix}{c}" in table)
        place = table.columns.tolist().index(f"{prefix}{last}")
        for step, (name, source) in enumerate(zip(PER_SD, _LIMITS, strict=True), start=1):
            table.insert(place + step, f"{prefix}{name}", table[f"{prefix}{source}"] * sd)
    return table
