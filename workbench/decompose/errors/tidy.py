"""Intervals, tests and false discovery rates of estimates: the columns of every tidy table."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr, stdtrit

from workbench.decompose.kernel import Array
from workbench.results import TIDY

Number = TypeVar("Number", float, Array)


def tidy_columns(
    terms: list[str],
    estimate: Array,
    error: Array,
    n: int | NDArray[np.int64],
    level: float,
    df: float | Array = np.inf,
) -> dict[str, Any]:
    """Return the columns of every table of estimates, with t (or normal) intervals and tests.

    Examples
    --------
    >>> tidy_columns(["words"], np.array([2.0]), np.array([1.0]), 9, 0.95)["p_value"].round(3)
    array([0.046])
    """
    low, high = t_interval(estimate, error, level, df)
    p = p_values(estimate, error, df)
    columns = (terms, estimate, error, low, high, p, q_values(p), n)
    return dict(zip(TIDY, columns, strict=True))


def normal_interval(estimate: Number, error: Number, level: float) -> tuple[Number, Number]:
    """Return the ends of normal intervals.

    Examples
    --------
    >>> round(normal_interval(0.0, 1.0, 0.95)[1], 3)
    1.96
    """
    half = float(ndtri(0.5 + level / 2)) * error
    return estimate - half, estimate + half


def t_interval(
    estimate: Array, error: Array, level: float, df: float | Array
) -> tuple[Array, Array]:
    """Return the ends of intervals by Student's t; normal where ``df`` is infinite.

    Examples
    --------
    >>> low, high = t_interval(np.zeros(1), np.ones(1), 0.95, 10.0)
    >>> high.round(3)
    array([2.228])
    """
    half = np.asarray(stdtrit(df, 0.5 + level / 2)) * error
    return estimate - half, estimate + half


def p_values(estimate: Array, error: Array, df: float | Array = np.inf) -> Array:
    """Return two-sided p-values by t (or the normal); NaN where the error is 0 or undefined."""
    z = np.divide(estimate, error, out=np.full(len(error), np.nan), where=error > 0)
    return np.asarray(2 * stdtr(df, -np.abs(z)))


def q_values(p: Array) -> Array:
    """Return Benjamini-Hochberg q-values of the defined p-values.

    Examples
    --------
    >>> q_values(np.array([0.01, 0.04, np.nan])).tolist()
    [0.02, 0.04, nan]
    """
    q = np.full(len(p), np.nan)
    defined = np.flatnonzero(np.isfinite(p))
    order = defined[np.argsort(p[defined], kind="stable")]
    ranked = p[order] * (len(order) / np.arange(1, len(order) + 1))
    # the least of what is at least as large
    q[order] = np.clip(np.minimum.accumulate(ranked[::-1])[::-1], 0.0, 1.0)
    return q


def holm(p: Array) -> Array:
    """Return Holm's adjusted p-values of the defined p-values: no false find at all.

    Notes
    -----
    Holm (1979): the k-th smallest of m is multiplied by m - k + 1; none is below one before it.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, np.nan, 0.03])).round(3).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    adjusted = np.full(len(p), np.nan)
    defined = np.flatnonzero(np.isfinite(p))
    order = defined[np.argsort(p[defined], kind="stable")]
    steps = np.arange(len(order), 0, -1) * p[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
