"""Sketches of texts from passes over their bytes: which could be equal, which nearly so."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.alike.normal_form import SIGNS

Words = NDArray[np.uint64]
Minima = NDArray[np.uint32]

HASHES, MORE = 8, 48
"""Minima of a sketch, and of one that tells more of few texts."""

_SHINGLE, _HALF = 8, 4
"""Bytes of the shingles of a sketch, hashed by halves: as many as 32 bits hold."""

_CHUNK = 1 << 18
"""Bytes sketched at a time: what lies between passes stays in the processor's cache."""

_LOWER = np.uint32(0x20202020)
_ONE, _TWO = np.uint32(0x9E3779B1), np.uint32(0x85EBCA77)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def _random_words(name: str, n: int) -> Words:
    """Return n fixed words that look random, whatever the version of numpy."""
    return np.frombuffer(hashlib.shake_128(name.encode()).digest(8 * n), np.uint64).copy()


_ORDERS = (_random_words("orders", MORE) >> np.uint64(32)).astype(np.uint32)


def _weights() -> Words:
    """Return a weight for each byte: upper case as lower case, 0 for what a normal form drops."""
    weights = _random_words("letters", 256)
    for byte in range(128):
        character = chr(byte)
        if character.isupper():
            weights[byte] = weights[ord(character.lower())]
        elif not (character.isalnum() or character in SIGNS or character in "+<=>^|~$`"):
            weights[byte] = 0
    return weights


_WEIGHTS = _weights()
_DIGITS = _random_words("digits", 10)


@dataclass(frozen=True)
class Bytes:
    """The bytes of a column of text; row i lies at ``at[i]`` to ``at[i + 1]``."""

    content: NDArray[np.uint8]
    at: NDArray[np.int64]

    @classmethod
    def of(cls, texts: pa.LargeStringArray) -> Bytes:
        """Read a column without missing values, where it lies."""
        _, offsets, content = texts.buffers()
        at = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
        return cls(np.frombuffer(content or b"", np.uint8), at)

    def chunks(self) -> list[tuple[int, int]]:
        """Return rows from and to, of about as many bytes each."""
        n, bounds = len(self.at) - 1, [0]
        while bounds[-1] < n:
            end = int(np.searchsorted(self.at, self.at[bounds[-1]] + _CHUNK))
            bounds.append(min(max(end, bounds[-1] + 1), n))
        return list(itertools.pairwise(bounds))

    def rows(self, start: int, end: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the bytes of some rows, and where each one begins and the last one ends."""
        at = self.at[start : end + 1]
        return self.content[at[0] : at[-1]], at - at[0]


def outside_ascii(texts: Bytes) -> NDArray[np.bool_]:
    """Tell which rows hold a character outside ASCII."""
    found = np.zeros(len(texts.at) - 1, dtype=bool)
    for start, end in texts.chunks():
        content, at = texts.rows(start, end)
        odd = np.flatnonzero(content > 127)
        if len(odd):
            found[start + np.unique(np.searchsorted(at, odd, side="right") - 1)] = True
    return found


def digits(texts: Bytes) -> Words:
    """Return a hash of the digits of each row, in their order; 0 where there are none.

    Examples
    --------
    >>> one, two, other = digits(Bytes.of(pa.array(["1 or 2", "12", "21"], pa.large_string())))
    >>> bool(one == two), bool(one == other)
    (True, False)
    """
    hashes = np.zeros(len(texts.at) - 1, dtype=np.uint64)
    for start, end in texts.chunks():
        content, at = texts.rows(start, end)
        place = np.flatnonzero((content - np.uint8(48)) < 10)
        first = np.searchsorted(place, at)
        rows = np.flatnonzero(np.diff(first))
        if len(rows):
            rank = np.arange(len(place)) - np.repeat(first[rows], np.diff(first)[rows])
            powers = np.cumprod(np.full(int(rank.max()) + 1, _SPREAD))
            terms = _DIGITS[content[place] - 48] * powers[rank]
            hashes[start + rows] = np.add.reduceat(terms, first[rows])
    return hashes


def letters(texts: Bytes) -> Words:
    """Return a sum over the letters, digits and signs of each row, the same in any case.

    Texts of one normal form have one sum, whatever their white space and punctuation.
    """
    sums = np.zeros(len(texts.at) - 1, dtype=np.uint64)
    for start, end in texts.chunks():
        content, at = texts.rows(start, end)
        rows = np.flatnonzero(np.diff(at))
        if len(rows):
            sums[start + rows] = np.add.reduceat(_WEIGHTS[content], at[rows])
    return sums


def minima(texts: Bytes, hashes: int = HASHES) -> tuple[Minima, NDArray[np.bool_]]:
    """Return the MinHash sketch of each row, and which rows are long enough to have one.

    The minima over a row's shingles of one hash in several orders (exclusive or with fixed
    words): two rows share each with about the probability of their Jaccard
    similarity [1]_.

    References
    ----------
    .. [1] Broder (1997), On the resemblance and containment of documents, Sequences 1997.
    """
    n = len(texts.at) - 1
    sketch, long = np.zeros((n, hashes), dtype=np.uint32), np.diff(texts.at) >= 2 * _SHINGLE
    for start, end in texts.chunks():
        content, at = texts.rows(start, end)
        rows = np.flatnonzero(long[start:end])
        if not len(rows):
            continue
        halves = np.ndarray((len(content) - _HALF + 1,), "<u4", content.tobytes(), 0, (1,))
        spread = (halves | _LOWER) * _ONE
        hashed = (spread[:-_HALF] * _TWO) ^ spread[_HALF:]
        # each row's own windows: from its first to the last that ends within it
        bounds = np.stack([at[rows], at[rows + 1] - _SHINGLE + 1], axis=1).ravel()
        bounds = bounds[:-1] if bounds[-1] >= len(hashed) else bounds
        for k, order in enumerate(_ORDERS[:hashes]):
            sketch[start + rows, k] = np.minimum.reduceat(hashed ^ order, bounds)[::2]
    return sketch, long
