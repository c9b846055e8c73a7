"""Rows that stand twice: the same judgement again, or a repeat that counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class Repeats:
    """How many rows repeat an earlier one; those of the parts of a set add up to the set's.

    Attributes
    ----------
    again, rows : int
        Rows that repeat one, and all.
    blocks : mapping of int to (int, int, int)
        By number of blocks in which the rows are one sequence again: how far the rows of the
        file lie apart, and the first and last row of the first block; 0, 0 and -1 where that is
        not one distance.

    Examples
    --------
    >>> one = Repeats.of(pd.DataFrame({"row": [1, 3, 21, 23], "x": [1.0, 2.0, 1.0, 2.0]}))
    >>> one
    Repeats(again=2, rows=4, blocks={2: (20, 1, 3)})
    >>> (one + Repeats.of(pd.DataFrame({"row": [2, 22], "x": [3.0, 3.0]}))).blocks
    {2: (20, 1, 3)}
    """

    again: int = 0
    rows: int = 0
    blocks: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, judgements: pd.DataFrame) -> Repeats:
        """Return those of judgements, in the order of the file."""
        again, rows = int(pasted(judgements).sum()), len(judgements)
        # of fewer nothing is told
        return cls(again, rows, _blocks(judgements) if 2 * again >= rows > 0 else {})

    def __add__(self, other: Repeats) -> Repeats:
        if not (self.rows and other.rows):
            return self if self.rows else other
        blocks = {
            k: (step, min(first, other.blocks[k][1]), max(last, other.blocks[k][2]))
            for k, (step, first, last) in self.blocks.items()
            if k in other.blocks and other.blocks[k][0] == step
        }
        return Repeats(self.again + other.again, self.rows + other.rows, blocks)

    def told(self, *, nobody: bool) -> tuple[int, list[str]]:
        """Return how many rows repeat an earlier one, where that is no chance, and a note.

        Parameters
        ----------
        nobody : bool
            Whether the file leaves open who judged: equal votes of people who are not named are
            what crowds give, in blocks they are not.
        """
        distinct = self.rows - self.again
        in_blocks = any(
            not step or last - first < step for step, first, last in self.blocks.values()
        )
        if distinct < 10 or self.again < distinct or (nobody and not in_blocks):
            return 0, []
        return self.again, [
            f"{self.again:,} of {self.rows:,} rows repeat an earlier one in every column, as a "
            "file pasted twice does; all are kept as judgements: --drop-duplicates leaves them out"
        ]


NO_REPEATS = Repeats()
"""Of no row."""


def _blocks(judgements: pd.DataFrame) -> dict[int, tuple[int, int, int]]:
    """Return in how many blocks the rows are one sequence again, as of a file pasted twice."""
    content = row_hashes(judgements, skip=_PLACE)
    n, found = len(content), {}
    for k in (2, 3, 4):
        if n % k == 0 and bool((content.reshape(k, -1, 2) == content[: n // k]).all()):
            found[k] = _distance(judgements, k)
    return found


def _distance(judgements: pd.DataFrame, k: int) -> tuple[int, int, int]:
    """Return how many rows of the file lie between blocks, and where the first one lies."""
    one_file = "file" not in judgements or judgements["file"].nunique(dropna=False) == 1
    if "row" not in judgements or not one_file:
        return 0, 0, -1
    row = judgements["row"].to_numpy().reshape(k, -1)
    steps = np.unique(np.diff(row, axis=0))
    if len(steps) > 1 or (np.diff(row.ravel()) < 0).any():
        return 0, 0, -1
    return int(steps[0]), int(row[0, 0]), int(row[0, -1])


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
