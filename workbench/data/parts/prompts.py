"""Distinct prompts of a stream, and which of them are near-equal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.alike.near_equal import near_equal
from workbench.data.digests import content_digests

MOST = 1 << 29
"""Characters of distinct prompts up to which near-equal ones are looked for."""

Words = NDArray[np.uint64]


def words_of(texts: pd.Series) -> Words:
    """Return a 64-bit hash of each text; missing ones have that of nothing.

    Examples
    --------
    >>> first, again, other = words_of(pd.Series(["a", "a", None])).tolist()
    >>> first == again, first == other
    (True, False)
    """
    values = texts.astype("str").fillna("\0").to_numpy(dtype=object)
    return np.asarray(pd.util.hash_array(values, categorize=False))


class _Known:
    """Numbers that were seen, in sorted runs of which each is twice as long as the next."""

    def __init__(self) -> None:
        self._runs: list[Words] = []

    def add(self, words: Words) -> NDArray[np.bool_]:
        """Take in distinct sorted numbers; return which of them are new."""
        new = np.ones(len(words), dtype=bool)
        for run in self._runs:
            at = np.minimum(np.searchsorted(run, words), len(run) - 1)
            new &= run[at] != words
        if new.any():
            self._runs.append(words[new])
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]))
        return new


class Prompts:
    """Collects the distinct prompts of batches."""

    def __init__(self) -> None:
        self._known = _Known()
        self.texts: list[pa.LargeStringArray] = []
        self.size = 0

    def add(self, prompts: pd.Series, words: Words) -> None:
        """Take in the prompts of a batch, with their hashes."""
        present = np.flatnonzero(prompts.notna().to_numpy())
        distinct, first = np.unique(words[present], return_index=True)
        new = self._known.add(distinct)
        if not new.any() or self.size > MOST:
            return
        rows = present[np.sort(first[new])]
        texts = pa.array(prompts.iloc[rows], pa.large_string(), from_pandas=True)
        texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        self.texts.append(texts)
        self.size += texts.nbytes

    def near_equal(self) -> list[list[str]] | None:
        """Return the groups of near-equal prompts; None where there were too many to compare."""
        if self.size > MOST:
            return None
        if not self.texts:
            return []
        texts = pa.chunked_array(self.texts).combine_chunks()
        self.texts = []
        return [texts.take(pa.array(rows)).to_pylist() for rows in near_equal(texts)]


def by_cluster(
    groups: list[list[str]] | None,
) -> tuple[list[list[str]] | None, dict[str, str]]:
    """Return groups of prompts in the order of their ids, and the cluster of each by its id.

    Examples
    --------
    >>> groups, found = by_cluster([["Why?", "why"]])
    >>> sorted(groups[0]), len(found), len(set(found.values())), min(found) in found.values()
    (['Why?', 'why'], 2, 1, True)
    """
    if groups is None:
        return None, {}
    clusters: dict[str, str] = {}
    found = []
    for group in groups:
        names = content_digests([pd.Series(group, dtype="str")]).tolist()
        clusters.update(dict.fromkeys(names, min(names)))
        found.append(sorted(zip(names, group, strict=True)))
    return [[text for _, text in group] for group in sorted(found)], clusters
