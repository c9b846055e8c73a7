"""Blocks of rows with whole clusters in each."""

from __future__ import annotations

import itertools

import numpy as np

from workbench.decompose.kernel import Codes

BLOCK = 8192
"""Rows of clusters that are worked on at a time: they stay in the processor's cache."""


def blocks_of(codes: Codes, size: int) -> list[tuple[int, int]]:
    """Return where blocks of about so many rows begin and end, whole clusters in each.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        Cluster of each row, sorted.
    size : int

    Examples
    --------
    >>> blocks_of(np.array([0, 0, 0, 1, 2, 2]), 2)
    [(0, 3), (3, 4), (4, 6)]
    """
    starts = starts_of(codes)
    at = np.unique(np.searchsorted(starts, np.arange(0, len(codes), size)))
    edges = np.unique(np.r_[0, starts[at[at < len(starts)]], len(codes)]).tolist()
    return list(itertools.pairwise(edges)) or [(0, 0)]


def starts_of(codes: Codes) -> Codes:
    """Return the first row of each cluster, from sorted codes."""
    return np.flatnonzero(np.r_[len(codes) > 0, codes[1:] != codes[:-1]])
