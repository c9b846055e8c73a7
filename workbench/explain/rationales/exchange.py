"""Reasons exchanged between pairs that could have had each other's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.clustered import Array, Codes

Exchange = Literal["within", "across"]

WITHIN: Literal["within"] = "within"
ACROSS: Literal["across"] = "across"

_SHARE = 0.5
"""Pairs that must stand beside others of their prompt for exchanges within prompts."""


@dataclass(frozen=True, eq=False)
class Strata:
    """Pairs whose reasons may change places.

    Attributes
    ----------
    how : {"within", "across"}
        Pairs of one prompt, or prompts with as many pairs.
    stratum : ndarray of int, shape (n,)
    cluster : ndarray of int, shape (n,)
        The prompt.
    """

    how: Exchange
    stratum: Codes
    cluster: Codes

    @classmethod
    def of(cls, cluster: Codes, wanted: str = "auto") -> Strata:
        """Return the strata of pairs: within prompts where at least half stand beside others.

        Examples
        --------
        >>> Strata.of(np.array([0, 0, 1])).how, Strata.of(np.array([0, 1, 2])).how
        ('within', 'across')
        """
        size = np.bincount(cluster)[cluster] if len(cluster) else cluster
        if wanted == "auto":
            wanted = WITHIN if len(cluster) and (size > 1).mean() >= _SHARE else ACROSS
        if wanted == WITHIN:
            return cls(WITHIN, cluster, cluster)
        return cls(ACROSS, np.unique(size, return_inverse=True)[1].astype(np.int64), cluster)

    def means(self, values: Array) -> Array:
        """Return of each pair the mean of its stratum, of each column.

        Examples
        --------
        >>> Strata.of(np.array([0, 0])).means(np.array([[1.0], [0.0]])).tolist()
        [[0.5], [0.5]]
        """
        size = np.bincount(self.stratum)
        sums = [np.bincount(self.stratum, column, len(size)) for column in values.T]
        return np.asarray((np.array(sums) / size)[:, self.stratum].T)

    def drawn(self, rng: np.random.Generator) -> Codes:
        """Return whose reasons each pair has after an exchange, shape (n,).

        Across prompts, whole prompts change places: what pairs of one prompt share stays theirs.
        """
        n = len(self.cluster)
        if self.how == WITHIN:
            home = np.argsort(self.stratum, kind="stable")
            away = np.lexsort((rng.random(n), self.stratum))
        else:
            luck = rng.random(int(self.cluster.max(initial=-1)) + 1)[self.cluster]
            home = np.lexsort((rng.random(n), self.cluster, self.stratum))
            away = np.lexsort((rng.random(n), self.cluster, luck, self.stratum))
        found = np.empty(n, dtype=np.int64)
        found[home] = away
        return found
