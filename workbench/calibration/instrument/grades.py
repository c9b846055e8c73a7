"""Grades of judges: one category a judge and item, and what two judges say of the same items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from workbench.calibration.instrument.facets import Read, compressed
from workbench.clustered import Array, Codes

MOST = 10
"""Grades beyond which they are cut into groups of equal size."""

MOST_ITEMS = 20_000
"""Items from which errors are taken; more would not change them."""

_FEWEST_CLUSTERS = 200
"""Clusters that are kept where there are as many."""

ONE_GRADE = "it gives one grade throughout"
NO_ITEM = "no item that another judge of the group graded too"
APART = "shares no item with the other judges, over any chain"
TOO_FEW = "fewer than two judges whose grades vary"


@dataclass(frozen=True, eq=False)
class Grades:
    """Grades, items by judges.

    Attributes
    ----------
    names : list of str
    category : ndarray of int, shape (items, judges)
        -1 where a judge gave none.
    values : ndarray, shape (categories,)
        The grade, or the middle of a group of grades, of each category.
    cluster : ndarray of int, shape (items,)
    clusters : int
        Of all items, among them those that are not here.
    reasons : dict of str to str
        Judges that cannot be compared, and why.
    cut : bool
        Whether grades were cut into groups.
    """

    names: list[str]
    category: NDArray[np.int64]
    values: Array
    cluster: Codes
    clusters: int
    reasons: dict[str, str]
    cut: bool

    def counts(self) -> Array:
        """Return how often two judges gave two grades, shape (judges, judges, K, K)."""
        J, K = len(self.names), len(self.values)
        found = np.zeros((J, J, K, K))
        for j in range(J):
            for k in range(j):
                both = (self.category[:, j] >= 0) & (self.category[:, k] >= 0)
                cell = self.category[both, j] * K + self.category[both, k]
                found[j, k] = np.bincount(cell, minlength=K * K).reshape(K, K)
                found[k, j] = found[j, k].T
        return found

    def sample(self) -> tuple[NDArray[np.int64], float]:
        """Return items for the errors, whole clusters evenly apart, and their share of all."""
        items = len(self.cluster)
        if items <= MOST_ITEMS:
            return np.arange(items), 1.0
        present = np.unique(self.cluster)
        # large clusters are few: of those, too, enough have to be left for an error
        step = min(-(-items // MOST_ITEMS), max(len(present) // _FEWEST_CLUSTERS, 1))
        kept = present[::step]
        return np.flatnonzero(np.isin(self.cluster, kept)), len(kept) / len(present)


def grades_of(read: Read, names: Sequence[str], clusters: int) -> Grades:
    """Return the grades of judges that can be compared, the others with the reason.

    Several grades of a judge for an item are their mean, as the nearest category.
    """
    item, items = compressed(read.item)
    J, judge = len(names), read.codes["judge"]
    at = item * J + judge
    count = np.bincount(at, minlength=items * J)
    mean = np.full(items * J, np.nan)
    np.divide(np.bincount(at, read.y, items * J), count, out=mean, where=count > 0)
    table = np.round(mean, 9).reshape(items, J)
    reasons: dict[str, str] = {}
    varies = np.array([len(np.unique(col[np.isfinite(col)])) > 1 for col in table.T])
    for k in map(int, np.flatnonzero(~varies)):
        reasons[names[k]] = ONE_GRADE
    there = np.isfinite(table) & varies
    shared = there.T.astype(np.float64) @ there.astype(np.float64)
    np.fill_diagonal(shared, 0)
    _, part = connected_components(csr_array(shared > 0), directed=False)
    sizes = [(int((part[varies] == p).sum()), -p) for p in range(int(part.max()) + 1)]
    main = -max(sizes)[1]
    for k in map(int, np.flatnonzero(varies & (part != main))):
        reasons[names[k]] = NO_ITEM if not shared[k].any() else APART
    kept = [int(k) for k in np.flatnonzero(varies & (part == main))]
    if len(kept) < 2:
        reasons |= {names[k]: TOO_FEW for k in kept}
        kept = []
    table = table[:, kept]
    used = np.isfinite(table).sum(axis=1) > 1
    cluster = np.zeros(items, dtype=np.int64)
    cluster[item] = read.cluster
    category, values, cut = _categories(table[used])
    return Grades([names[k] for k in kept], category, values, cluster[used], clusters, reasons,
                  cut)  # fmt: skip


def _categories(table: Array) -> tuple[NDArray[np.int64], Array, bool]:
    known = np.isfinite(table)
    values, place = np.unique(table[known], return_inverse=True)
    category = np.full(table.shape, -1)
    cut = len(values) > MOST
    if cut:
        ends = np.unique(np.quantile(table[known], np.arange(1, MOST) / MOST))
        place = np.unique(np.searchsorted(ends, table[known], "left"), return_inverse=True)[1]
        n = np.bincount(place.ravel())
        values = np.bincount(place.ravel(), table[known]) / n
    category[known] = place.ravel()
    return category, values, cut
