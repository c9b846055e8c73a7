"""Splits that keep a prompt on one side."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.errors import DataError

MANY = 100_000
"""Clusters from which the fold of each follows from its own name alone."""


def folds(clusters: Sequence[str] | NDArray[np.str_], k: int, seed: int) -> NDArray[np.int64]:
    """Return the fold, 0 to k - 1, of each row, all rows of a cluster in one fold.

    Clusters are ordered by a hash of their name and the seed, then each goes to the fold
    that is smallest so far. More than 100,000 clusters are not put in order: the hash of each
    is its fold, and folds differ in size by chance (by 1 % of their clusters or less). The order
    of rows does not matter.

    Parameters
    ----------
    clusters : sequence of str, shape (n,)
        Cluster of each row.
    k : int
        Number of folds.
    seed : int

    Raises
    ------
    DataError
        Fewer clusters than folds.

    Examples
    --------
    >>> folds(["p", "q", "p"], 2, seed=0)[[0, 2]].tolist() in ([0, 0], [1, 1])
    True
    """
    codes, names = pd.factorize(np.asarray(clusters), sort=True)
    check_folds(len(names), k)
    if len(names) > MANY:
        return np.asarray(drawn_folds(name_words(names, seed), k)[codes])
    sizes = np.bincount(codes, minlength=len(names))
    fold_of = np.empty(len(names), dtype=np.int64)
    filled = [0] * k
    for cluster in _shuffled([str(name) for name in names], seed):
        smallest = filled.index(min(filled))
        fold_of[cluster] = smallest
        filled[smallest] += int(sizes[cluster])
    return np.asarray(fold_of[codes], dtype=np.int64)


def check_folds(clusters: int, k: int) -> None:
    """Refuse more folds than there are clusters."""
    if clusters < k:
        raise DataError(
            f"Too few clusters for {k} folds.",
            found=f"{clusters} clusters (prompts)",
            expected=f"at least {k}",
            fix="Ask for fewer folds, or folds=0 to leave the held-out scores out.",
        )


def name_words(names: Sequence[str] | pd.Index, seed: int) -> NDArray[np.uint64]:
    """Return 64 bits of each name that depend on it and the seed alone.

    Examples
    --------
    >>> bool((name_words(["p", "q"], 0) == name_words(["q", "p"], 0)[::-1]).all())
    True
    """
    key = f"{seed % 10**16:016d}"
    words = pd.util.hash_array(np.asarray(names, dtype=object), hash_key=key, categorize=False)
    return np.asarray(words, dtype=np.uint64)


def drawn_folds(words: NDArray[np.uint64], k: int) -> NDArray[np.int64]:
    """Return the fold of each of many clusters, by its word: about as many in each.

    Examples
    --------
    >>> sorted(set(drawn_folds(name_words(list("abcdefgh"), 0), 2).tolist()))
    [0, 1]
    """
    return np.asarray(words % np.uint64(k), dtype=np.int64)


def split(
    data: PreferenceData, test_share: float = 0.2, seed: int = 0
) -> tuple[PreferenceData, PreferenceData]:
    """Split into training and test data, all pairs of a cluster on one side.

    Parameters
    ----------
    data : PreferenceData
    test_share : float
        Share of the pairs that goes into the test data, met as closely as whole clusters allow.
    seed : int

    Returns
    -------
    train, test : PreferenceData

    Raises
    ------
    DataError
        A share outside (0, 1), or one that leaves a side empty.

    Examples
    --------
    >>> import workbench as wb
    >>> train, test = split(wb.load("sample"), 0.25)
    >>> len(set(train.pairs["cluster"]) & set(test.pairs["cluster"]))
    0
    """
    in_test = pairs_held_out(data, test_share, seed)
    ids = data.pairs["pair_id"]
    return data.filter(pair_ids=ids[~in_test]), data.filter(pair_ids=ids[in_test])


def pairs_held_out(data: PreferenceData, test_share: float, seed: int) -> NDArray[np.bool_]:
    """Return which pairs :func:`split` puts into the test data.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> int(pairs_held_out(data, 0.25, 0).sum()) == len(split(data, 0.25)[1])
    True
    """
    codes, names = data.coded("pairs", "cluster")
    sizes = np.bincount(codes, minlength=len(names))
    order = _shuffled([str(name) for name in names], seed)
    reached = np.cumsum(sizes[order])
    n_test = int(np.searchsorted(reached, test_share * len(data) - 0.5)) + 1
    if not 0 < test_share < 1 or n_test >= len(names):
        raise DataError(
            "The data cannot be split so.",
            found=f"test_share={test_share} of {len(names)} clusters",
            expected="a share between 0 and 1 that leaves clusters on both sides",
            fix="Pass another test_share.",
        )
    test = np.zeros(len(names), dtype=bool)
    test[order[:n_test]] = True
    return np.asarray(test[codes])


def _shuffled(names: list[str], seed: int) -> list[int]:
    """Return positions in an order that depends on the names and the seed alone."""

    def key(position: int) -> bytes:
        return hashlib.blake2b(f"{seed}:{names[position]}".encode(), digest_size=16).digest()

    return sorted(range(len(names)), key=key)
