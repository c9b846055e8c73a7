"""How often each value was given to each unit: the table that the coefficients stand on."""

from __future__ import annotations

from collections.abc import Iterator
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
        return np.asarray(self.dot(np.ones(len(self.values))))

    def dot(self, *weights: Array) -> Any:
        """Return the sums over values of count times weight, one row for each weights."""
        made, rows = np.empty((len(weights), len(self.counts))), np.array(weights)
        for at, block in self._blocks():
            made[:, at] = rows @ block
        return made[0] if len(weights) == 1 else made

    def over(self, *parts: Array) -> Any:
        """Return the sums over units of count times part, one row for each part."""
        made = np.zeros((len(parts), len(self.values)))
        for at, block in self._blocks():
            made += np.array([part[at] for part in parts]) @ block.T
        return made[0] if len(parts) == 1 else made

    def squares(self) -> Array:
        """Return the sum of the squared counts, shape (units,)."""
        made = np.empty(len(self.counts))
        for at, block in self._blocks():
            made[at] = np.einsum("ij,ij->j", block, block)
        return made

    def _blocks(self) -> Iterator[tuple[slice, Array]]:
        """Give blocks of units as numbers, values by units, that stay in the cache."""
        step = max(_BLOCK // 2 // max(len(self.values), 1), 1)
        for start in range(0, len(self.counts), step):
            at = slice(start, min(start + step, len(self.counts)))
            yield at, self.counts.T[:, at].astype(np.float64)

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
    found = counted(rating_table(ratings), _MOST_VALUES)
    if found is None:
        raise DataError(
            "The ratings have too many different values for a table of counts.",
            found=f"more than {_MOST_VALUES:,}",
            expected=f"at most {_MOST_VALUES:,}",
            fix='Take metric="interval", or the intraclass correlation (icc).',
        )
    return found


def counted(table: Array, most: int) -> Counts | None:
    """Return the counts of each unit's values, or None where there are more than so many values.

    Examples
    --------
    >>> counted(np.array([[1.0, 2.0, 3.0]]), 2) is None
    True
    """
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
        fresh = fresh[~np.isnan(fresh) & ~np.isin(fresh, list(columns))]
        if not np.isfinite(fresh).all():
            raise no_table(table)
        if len(columns) + len(fresh) > most:
            return None
        for value in fresh.tolist():
            columns[value] = np.zeros(units, dtype=kind)
            columns[value][start : start + step] = _times(block == value, kind)
    values = sorted(columns)
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
