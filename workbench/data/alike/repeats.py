"""Rows that stand twice: the same judgement again, or a repeat that counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.digests import row_hashes

_PLACE = ("row", "file", "problem", "found")
"""Columns that say where a judgement stood, not what it says."""


def same_row_id(judgements: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark judgements whose own id in the file came before with the same content.

    Examples
    --------
    >>> rows = pd.DataFrame({"row": [1, 2, 3], "row_id": ["v1", "v1", "v1"], "x": ["a", "a", "b"]})
    >>> same_row_id(rows).tolist()
    [False, True, False]
    """
    again = np.zeros(len(judgements), dtype=bool)
    if "row_id" not in judgements or not judgements["row_id"].notna().any():
        return again
    named = judgements["row_id"].notna().to_numpy()
    suspects = named & judgements["row_id"].duplicated(keep=False).to_numpy()
    if suspects.any():
        again[suspects] = _repeated(judgements[suspects])
    return again


def pasted(judgements: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark judgements that repeat an earlier row of the file in every column.

    Judgements of one record are told apart by it: a record that says the same twice holds
    two judgements.

    Examples
    --------
    >>> rows = pd.DataFrame({"row": [1, 2, 3], "preference": [1.0, 1.0, 0.0]})
    >>> pasted(rows).tolist()
    [False, True, False]
    """
    return _repeated(judgements)


def in_blocks(judgements: pd.DataFrame) -> bool:
    """Tell whether the rows are one sequence of rows again, as of a file pasted twice.

    Examples
    --------
    >>> in_blocks(pd.DataFrame({"x": [1.0, 2.0, 1.0, 2.0]}))
    True
    >>> in_blocks(pd.DataFrame({"x": [1.0, 1.0, 2.0, 2.0]}))
    False
    """
    content = row_hashes(judgements, skip=_PLACE)
    n = len(content)
    return any(
        n % k == 0 and bool((content.reshape(k, -1, 2) == content[: n // k]).all())
        for k in (2, 3, 4)
    )


def _repeated(judgements: pd.DataFrame) -> NDArray[np.bool_]:
    content = row_hashes(judgements, skip=_PLACE)
    within = _order_in_record(judgements)
    keys = pd.DataFrame({"one": content[:, 0], "two": content[:, 1], "within": within})
    return np.asarray(keys.duplicated())


def _order_in_record(judgements: pd.DataFrame) -> NDArray[np.int64]:
    """Return the number of each judgement within its record."""
    place = [c for c in ("file", "row") if c in judgements]
    again = judgements.duplicated(place) if place else pd.Series(False, index=judgements.index)
    if not again.any():
        return np.zeros(len(judgements), dtype=np.int64)
    within = judgements.groupby(place, dropna=False, sort=False).cumcount()
    return np.asarray(within, dtype=np.int64)
