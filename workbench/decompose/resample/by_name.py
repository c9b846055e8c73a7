"""Random draws for clusters that follow from their names: the same in whatever part they lie."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtr

Words = NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_BITS = 16


def hashed(words: Words) -> Words:
    """Return 64 bits that look independent of those given (Steele, Lea and Flood 2014).

    Examples
    --------
    >>> bin(int(hashed(np.arange(1000, dtype=np.uint64))[7])).count("1") in range(16, 49)
    True
    """
    z = (words ^ (words >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return z ^ (z >> np.uint64(31))


def drawn(words: Words, seed: int, block: int) -> Words:
    """Return 64 random bits of each cluster, other ones for each seed and block.

    Parameters
    ----------
    words : ndarray of uint64, shape (clusters,)
        Of their names (:func:`workbench.data.split.name_words`).
    seed, block : int
    """
    # one number, which arithmetic on arrays lets wrap
    key = hashed(np.array([seed % 2**64], dtype=np.uint64) + _STEP)
    key = hashed(key + np.array([block], dtype=np.uint64) * _STEP)
    return hashed(words ^ key)


def signs_of(words: Words, first: int, last: int, seed: int) -> NDArray[np.uint8]:
    """Return a random bit, 1 for +1 and 0 for -1, of each cluster in some replicates.

    Parameters
    ----------
    words : ndarray of uint64, shape (clusters,)
    first, last : int
        Replicates, ``last`` not among them; ``first`` a multiple of 64.
    seed : int

    Returns
    -------
    ndarray of uint8, shape (clusters, last - first)

    Examples
    --------
    >>> words = np.arange(3, dtype=np.uint64)
    >>> two = signs_of(words, 0, 70, 1)
    >>> two.shape, bool((two[1:] == signs_of(words[1:], 0, 70, 1)).all())
    ((3, 70), True)
    """
    blocks = [drawn(words, seed, b) for b in range(first // 64, -(-last // 64))]
    bytes_of = np.stack(blocks, axis=1).astype("<u8").view(np.uint8)
    return np.unpackbits(bytes_of.reshape(len(words), -1), axis=1, count=last - first)


def counts_of(words: Words, first: int, last: int, seed: int) -> NDArray[np.uint8]:
    """Return how often some replicates draw each cluster: Poisson counts of mean 1.

    As many clusters as there are come in the mean only, which a maximum does not feel (Hanley
    and MacGibbon 2006); the counts have Poisson's law to a 65,536th.

    Parameters
    ----------
    words : ndarray of uint64, shape (clusters,)
    first, last : int
        Replicates, ``last`` not among them.
    seed : int

    Returns
    -------
    ndarray of uint8, shape (clusters, last - first)

    Examples
    --------
    >>> counts = counts_of(np.arange(1000, dtype=np.uint64), 0, 50, 3)
    >>> bool(abs(counts.mean() - 1) < 0.02), bool(abs(counts.var() - 1) < 0.05)
    (True, True)
    """
    per_word = 64 // _BITS
    blocks = range(first // per_word, -(-last // per_word))
    bits = np.stack([drawn(words, seed, b) for b in blocks], axis=1).astype("<u8")
    uniform = bits.view(f"<u{_BITS // 8}").reshape(len(words), -1)
    start = first - blocks[0] * per_word
    return np.asarray(_poisson()[uniform[:, start : start + last - first]])


@cache
def _poisson() -> NDArray[np.uint8]:
    """Return the count of each number that 16 bits make."""
    middle = (np.arange(2**_BITS) + 0.5) / 2**_BITS
    return np.asarray(np.searchsorted(pdtr(np.arange(20), 1.0), middle), dtype=np.uint8)
