"""Which texts are worth comparing: those with equal letters, or with MinHash sketches alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.alike import sketch
from workbench.data.alike.normal_form import folded, stripped

Rows = NDArray[np.int64]

FRAME = 50
"""What more texts than these have in common is the frame of a template, and proposes nothing."""

_BAND = 2
"""Minima of a band: what two texts share at first."""

_AGREE = 0.6
"""Least share of equal minima of a pair worth comparing; it estimates the similarity."""

_MIX = np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True)
class _Sketches:
    """What passes over the bytes say of each row of a column.

    ``letters`` is the same for texts of one normal form (and for hardly any others),
    ``numbers`` for texts of the same digits in one order; ``minima`` hold for rows that are
    ``long`` enough.
    """

    numbers: sketch.Words
    letters: sketch.Words
    minima: sketch.Minima
    long: NDArray[np.bool_]


def proposed(texts: pa.LargeStringArray) -> tuple[Rows, Rows]:
    """Return the rows that may equal another in normal form, and pairs that may be near-equal.

    Parameters
    ----------
    texts : LargeStringArray
        Distinct texts, none missing.

    Returns
    -------
    again : ndarray of int
    pairs : ndarray of int, shape (m, 2)

    Examples
    --------
    >>> again, pairs = proposed(pa.array(["Why?", "Say hello", "WHY"], pa.large_string()))
    >>> again.tolist(), pairs.tolist()
    ([0, 2], [])
    """
    rows, found = _sketches(texts)
    same = found.letters * _MIX + found.numbers
    can = _one_a_text(same, found.minima, np.flatnonzero(found.long))
    pairs = list(_sharing(found.minima[can], found.numbers[can]))
    near = np.concatenate([np.zeros((0, 2), dtype=np.int64), *pairs])
    return rows[_again(same)], _confirmed(texts, rows[can[near]])


def _one_a_text(same: sketch.Words, minima: sketch.Minima, rows: Rows) -> Rows:
    """Return one of the rows of each normal form, the same one in any order of rows."""
    again = _again(same[rows])
    if not again.any():
        return rows
    some = rows[again]
    some = some[np.lexsort((*minima[some].T, same[some]))]
    first = np.r_[True, same[some][1:] != same[some][:-1]]
    return np.concatenate([rows[~again], some[first]])


def _confirmed(texts: pa.LargeStringArray, pairs: Rows) -> Rows:
    """Return the pairs whose longer sketches agree too."""
    rows = np.unique(pairs)
    if not len(rows):
        return pairs
    found = texts.take(pa.array(rows)).to_pylist()
    minima, _ = sketch.minima(_bytes_of([folded(text) for text in found]), sketch.MORE)
    return pairs[_agree(minima, np.searchsorted(rows, pairs))]


def _agree(minima: sketch.Minima, pairs: Rows) -> NDArray[np.bool_]:
    one, other = minima[pairs[:, 0]], minima[pairs[:, 1]]
    return np.asarray((one == other).mean(axis=1) >= _AGREE)


def _sketches(texts: pa.LargeStringArray) -> tuple[Rows, _Sketches]:
    """Return the rows whose numbers another row has too, and what their bytes say."""
    content = sketch.Bytes.of(texts)
    numbers = sketch.digits(content)
    # bytes say nothing of case and punctuation outside ASCII: such rows are folded first
    odd = np.flatnonzero(sketch.outside_ascii(content))
    fold = [folded(text) for text in texts.take(pa.array(odd)).to_pylist()]
    numbers[odd] = sketch.digits(_bytes_of(fold))
    # prompts full of numbers are told apart by them alone
    rows = np.flatnonzero(_again(numbers))
    if len(rows) < len(texts):
        content = sketch.Bytes.of(texts.take(pa.array(rows)))
    letters = sketch.letters(content)
    minima, long = sketch.minima(content)
    kept = np.flatnonzero(np.isin(odd, rows))
    at, fold = np.searchsorted(rows, odd[kept]), [fold[i] for i in kept]
    letters[at] = sketch.letters(_bytes_of([stripped(text) for text in fold]))
    minima[at], long[at] = sketch.minima(_bytes_of(fold))
    return rows, _Sketches(numbers[rows], letters, minima, long)


def _bytes_of(texts: list[str]) -> sketch.Bytes:
    return sketch.Bytes.of(pa.array(texts, pa.large_string()))


def _again(words: sketch.Words) -> NDArray[np.bool_]:
    return np.array(pd.Series(words).duplicated(keep=False))


def _sharing(minima: sketch.Minima, numbers: sketch.Words) -> Iterator[Rows]:
    """Yield pairs of rows with one band and most minima in common, and the same numbers.

    A band that more rows than FRAME have is left out.
    """
    for k in range(0, sketch.HASHES, _BAND):
        band = (minima[:, k].astype(np.uint64) << np.uint64(32)) | minima[:, k + 1]
        key = band * _MIX + numbers
        rows = np.flatnonzero(_again(key))
        if not len(rows):
            continue
        rows = rows[np.argsort(key[rows])]
        key = key[rows]
        size = np.diff(np.flatnonzero(np.r_[True, key[1:] != key[:-1], True]))
        few = np.repeat(size <= FRAME, size)
        rows, key = rows[few], key[few]
        for lag in range(1, FRAME):
            shared = np.flatnonzero(key[:-lag] == key[lag:])
            if not len(shared):
                break
            pairs = np.stack([rows[shared], rows[shared + lag]], axis=1)
            yield pairs[_agree(minima, pairs)]
