"""How often each value was given to each unit: the table that the coefficients stand on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DataError
from workbench.intervals import Array

_MOST_VALUES = 1000
"""Different values beyond which a table of counts is not made."""

_BLOCK = 2**17
"""Ratings that are compared at a time: they stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Counts:
    """A table of counts.

    Attributes
    ----------
    counts : ndarray, shape (units, V)
        How many raters gave each value.
    values : ndarray, shape (V,)
        The values, in their order.
    """

    counts: NDArray[Any]
    values: Array

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def n(self) -> Array:
        """Ratings of each unit, shape (units,)."""
        return self.dot(np.ones(self.counts.shape[1]))

    def dot(self, weights: Array) -> Array:
        """Return the sum over values of count times weight, shape (units,)."""
        total = np.zeros(len(self.counts))
        for column, weight in zip(self.counts.T, weights.tolist(), strict=True):
            total += column * weight
        return total

    def squares(self) -> Array:
        """Return the sum of the squared counts, shape (units,)."""
        total = np.zeros(len(self.counts))
        for column in self.counts.T:
            wide = column.astype(np.float64)
            total += wide * wide
        return total

    def take(self, units: NDArray[np.bool_]) -> Counts:
        """Return some of the units."""
        return Counts(self.counts.T[:, units].T, self.values)


def value_counts(ratings: ArrayLike) -> Counts:
    """Count the values of each unit.

    Parameters
    ----------
    ratings : array_like, shape (units, raters)
        Numbers; NaN where a rater did not rate a unit.

    Returns
    -------
    Counts
        The values that occur, sorted.

    Raises
    ------
    DataError
        No table of numbers, or more than a thousand different ones.

    Examples
    --------
    >>> found = value_counts([[1, 1, np.nan], [1, 2, 2]])
    >>> found.values.tolist(), found.counts.tolist()
    ([1.0, 2.0], [[2, 0], [1, 2]])
    """
    table = rating_table(ratings)
    units, raters = table.shape
    kind = np.uint8 if raters < 256 else np.uint32
    columns: dict[float, NDArray[Any]] = {}
    step = max(_BLOCK // max(raters, 1), 1)
    for start in range(0, units, step):
        block = np.ascontiguousarray(table[start : start + step].T)
        seen: NDArray[Any] = np.zeros(block.shape[1], dtype=kind)
        for value, column in columns.items():
            column[start : start + step] = _times(block == value, kind)
            seen = seen + column[start : start + step]
        there = _times(block == block, kind)
        if (seen == there).all():
            continue
        fresh = np.unique(block[:, seen < there])
        for value in fresh[~np.isnan(fresh)].tolist():
            if value not in columns:
                columns[value] = np.zeros(units, dtype=kind)
                columns[value][start : start + step] = _times(block == value, kind)
        if len(columns) > _MOST_VALUES:
            raise _too_many(len(columns))
    values = sorted(columns)
    if values and not np.isfinite(values).all():
        raise no_table(ratings)
    laid = np.array([columns[value] for value in values], dtype=kind).reshape(len(values), units)
    return Counts(laid.T, np.array(values))


def rating_table(ratings: ArrayLike) -> Array:
    """Return ratings as a table of numbers, units by raters.

    Raises
    ------
    DataError
        They are none.

    Examples
    --------
    >>> rating_table([[1, 2]]).shape
    (1, 2)
    """
    try:
        table = np.asarray(ratings, dtype=np.float64)
    except (TypeError, ValueError):
        table = np.zeros(0)
    if table.ndim != 2:
        raise no_table(ratings)
    return table


def as_counts(ratings: ArrayLike | Counts) -> Counts:
    """Return a table of counts, made where ratings are given.

    Examples
    --------
    >>> len(as_counts([[1, 2], [2, 2]]))
    2
    """
    return ratings if isinstance(ratings, Counts) else value_counts(ratings)


def _times(found: NDArray[np.bool_], kind: Any) -> NDArray[Any]:
    """Return how often each column of a block was found to be so."""
    return np.asarray(np.add.reduce(found.view(np.uint8), axis=0, dtype=kind))


def no_table(ratings: ArrayLike) -> DataError:
    """Return the error of ratings that are no table of finite numbers.

    Examples
    --------
    >>> no_table(np.zeros(3)).found
    'shape (3,)'
    """
    shape = getattr(ratings, "shape", "of no array")
    return DataError(
        "The ratings are no table of numbers.",
        found=f"shape {shape}",
        expected="units by raters, finite numbers, NaN where there is no rating",
        fix="Number the values in their order; a table of counts is Counts(counts, values).",
    )


def _too_many(found: int) -> DataError:
    return DataError(
        "The ratings have too many different values for a table of counts.",
        found=f"more than {found:,}",
        expected=f"at most {_MOST_VALUES:,}",
        fix='Take metric="interval", or the intraclass correlation (icc), which need no counts.',
    )
