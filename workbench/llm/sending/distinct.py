"""Which keys were there before, in eight bytes a key."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Distinct:
    """Keys that were seen, by a 64-bit hash of each.

    Of a million keys two share a hash with a chance of 3 in 100 million, and that would
    change a count by one: nothing else hangs on it.

    Attributes
    ----------
    count : int
        Different keys.

    Examples
    --------
    >>> seen = Distinct()
    >>> seen.add(["a", "b", "a"]).tolist(), seen.add(["b", "c"]).tolist(), seen.count
    ([True, True, False], [False, True], 3)
    """

    def __init__(self) -> None:
        self.count = 0
        # sorted arrays, each at least twice as long as the next
        self._runs: list[NDArray[np.int64]] = []

    def add(self, keys: Sequence[str]) -> NDArray[np.bool_]:
        """Add keys, and return which of them are new."""
        codes = np.fromiter(map(hash, keys), np.int64, len(keys))
        new = np.zeros(len(codes), dtype=bool)
        new[np.unique(codes, return_index=True)[1]] = True
        for run in self._runs:
            place = np.minimum(np.searchsorted(run, codes), len(run) - 1)
            new &= run[place] != codes
        if new.any():
            self._insert(np.sort(codes[new]))
        return new

    def _insert(self, run: NDArray[np.int64]) -> None:
        self.count += len(run)
        while self._runs and len(self._runs[-1]) < 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        self._runs.append(run)
