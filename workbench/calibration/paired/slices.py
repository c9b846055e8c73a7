"""Slices of pairs, by a column that the pairs have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.clustered import Codes
from workbench.errors import DesignError


class Slices(dict[str, NDArray[np.bool_]]):
    """Which rows are in each slice; ``lacking`` says how many are in none."""

    lacking: int = 0


def slices_of(pairs: pd.DataFrame, by: str | None, rows: Codes) -> Slices:
    """Return the slices of some rows of the pairs, in the order of their names.

    Parameters
    ----------
    pairs : DataFrame
    by : str, optional
        No slices when None.
    rows : ndarray of int, shape (n,)

    Raises
    ------
    DesignError
        No such column, or none of the rows has a value.

    Examples
    --------
    >>> pairs = pd.DataFrame({"kind": ["b", "a", None, "a"]})
    >>> {name: inside.tolist() for name, inside in slices_of(pairs, "kind", np.arange(4)).items()}
    {'a': [False, True, False, True], 'b': [True, False, False, False]}
    """
    found = Slices()
    if by is None:
        return found
    column: Any = pairs.get(by) if isinstance(by, str) else None
    values = None if column is None else column.take(rows)
    if values is None or not values.notna().any():
        raise DesignError(
            f"There are no slices by {by!r}.",
            found=", ".join(str(name) for name in pairs if pairs[name].notna().any()),
            expected="a column of the pairs with a value",
            fix="Name one of these in by=.",
        )
    names = values.astype("str")
    for name in sorted(names.dropna().unique()):
        found[str(name)] = names.eq(name).to_numpy(dtype=bool)
    found.lacking = int(values.isna().sum())
    return found
