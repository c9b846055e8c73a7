"""Each two members of a panel: how far their errors, and their verdicts, are the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.calibration.panel.joint import LEAST, ONE_PROMPT, Joint
from workbench.clustered import Array, jackknife_error
from workbench.intervals import NO_VARIATION, ONE_CLUSTER, correlation_ends

_METHOD = "correlation of errors, jackknife over clusters, Student's t of Fisher's z"
_SMALL = 1e-12
_BLOCK = 2**15
"""Pairs that are compared at a time: they stay in the processor's cache."""

_FEWEST = 1.5
"""Clusters of equal weight below which one tells nearly all."""


def each_two(found: Joint, members: list[str], side: Array, level: float) -> pd.DataFrame:
    """Return the correlation of errors of each two members with its interval.

    Parameters
    ----------
    found : Joint
    members : list of str
    side : ndarray, shape (pairs, k)
        Verdicts on all pairs, whether the reference labelled them or not.
    level : float

    Returns
    -------
    DataFrame
        ``term, other``, the correlation with its ends, ``n`` pairs of the reference; ``same`` of
        the ``n_both`` pairs that both judged have one verdict; ``method, reason``.
    """
    shared, same = same_verdicts(side)
    i, j = np.triu_indices(len(members), 1)
    error = jackknife_error(found.without.rho)[i, j]
    rho, n = found.of.rho[i, j], found.of.n[i, j]
    # pairs that both judged, by what is left out at a time: clusters, or groups of these
    own = (found.of.n - found.without.n)[:, i, j]
    clusters = own.sum(axis=0) ** 2 / np.maximum((own**2).sum(axis=0), 1.0)
    why = _no_ends(rho, error, n, clusters)
    known = np.array([reason is None for reason in why], dtype=bool)
    low, high = np.full(len(rho), np.nan), np.full(len(rho), np.nan)
    for k in np.flatnonzero(known):
        low[k], high[k], _ = correlation_ends(rho[k], error[k], clusters[k], level)
    return pd.DataFrame(
        {
            "term": [members[a] for a in i],
            "other": [members[b] for b in j],
            "estimate": rho,
            "std_error": np.where(known, error, np.nan),
            "conf_low": low,
            "conf_high": high,
            "n": n,
            "same": same[i, j],
            "n_both": shared[i, j],
            "method": _METHOD,
            "reason": pd.Series(why, dtype="object"),
        }
    )


def same_verdicts(side: Array) -> tuple[Array, Array]:
    """Return how many pairs each two members judged, and on how many alike.

    Examples
    --------
    >>> shared, same = same_verdicts(np.array([[1.0, 1.0], [0.0, -1.0], [1.0, np.nan]]))
    >>> shared[0, 1], same[0, 1]
    (np.float64(2.0), np.float64(1.0))
    """
    members = side.shape[1]
    shared, same = np.zeros((members, members)), np.zeros((members, members))
    for start in range(0, len(side), _BLOCK):
        block = side[start : start + _BLOCK].T
        # a bit for each pair: pairs that have it for two members are counted 64 at a time
        shared += _both(np.isfinite(block))
        for value in (-1.0, 0.0, 1.0):
            same += _both(block == value)
    return shared, same


def _both(said: NDArray[np.bool_]) -> Array:
    """Return in how many columns each two rows hold, shape (rows, rows)."""
    rows, columns = said.shape
    if not said.any():
        return np.zeros((rows, rows))
    bits = np.zeros((rows, -(-columns // 64) * 8), dtype=np.uint8)
    bits[:, : -(-columns // 8)] = np.packbits(said, axis=1)
    words = bits.view(np.uint64)
    found = np.zeros((rows, rows))
    for k in range(rows):
        count = np.bitwise_count(words[k] & words[k:])
        found[k, k:] = found[k:, k] = count.sum(axis=1, dtype=np.uint32)
    return found


def _no_ends(rho: Array, error: Array, n: Array, clusters: Array) -> list[str | None]:
    """Return why each correlation, or its interval, is not known; else None."""
    why = np.full(len(rho), None, dtype=object)
    why[(error <= _SMALL) | (np.abs(rho) >= 1.0 - _SMALL)] = NO_VARIATION
    why[np.isnan(error)] = ONE_PROMPT
    why[clusters < _FEWEST] = ONE_CLUSTER
    why[np.isnan(rho)] = "the errors of one never vary there"
    why[n < LEAST] = f"fewer than {LEAST} pairs of the reference in common"
    return list(why)
