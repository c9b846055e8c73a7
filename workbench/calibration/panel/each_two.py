"""Each two members of a panel: how far their errors, and their verdicts, are the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import t

from workbench.calibration.panel.joint import LEAST, ONE_PROMPT, Joint
from workbench.calibration.panel.left_out import MOST
from workbench.clustered import Array, jackknife_error
from workbench.intervals import NO_VARIATION, ONE_CLUSTER

_METHOD = "correlation of errors, jackknife over clusters, Student's t of Fisher's z"
_SMALL = 1e-12


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
    clusters = float(min(len(np.unique(found.cluster)), MOST))
    rho, n = found.of.rho[i, j], found.of.n[i, j]
    why = _no_ends(rho, error, n, clusters)
    known = np.array([reason is None for reason in why], dtype=bool)
    low, high = _ends(np.where(known, rho, 0.0), error, clusters, level)
    return pd.DataFrame(
        {
            "term": [members[a] for a in i],
            "other": [members[b] for b in j],
            "estimate": rho,
            "std_error": np.where(known, error, np.nan),
            "conf_low": np.where(known, low, np.nan),
            "conf_high": np.where(known, high, np.nan),
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
    given = np.isfinite(side).astype(np.float64)
    same = np.zeros((side.shape[1], side.shape[1]))
    for value in (-1.0, 0.0, 1.0):
        hot = (side == value).astype(np.float64)
        same += hot.T @ hot
    return given.T @ given, same


def _ends(rho: Array, error: Array, clusters: float, level: float) -> tuple[Array, Array]:
    """Return the ends of correlations: Student's t of Fisher's z."""
    half = float(t.ppf(0.5 + level / 2, max(clusters - 1.0, 1.0))) * error / (1.0 - rho**2)
    return np.tanh(np.arctanh(rho) - half), np.tanh(np.arctanh(rho) + half)


def _no_ends(rho: Array, error: Array, n: Array, clusters: float) -> list[str | None]:
    """Return why each correlation, or its interval, is not known; else None."""
    why = np.full(len(rho), None, dtype=object)
    why[(error <= _SMALL) | (np.abs(rho) >= 1.0 - _SMALL)] = NO_VARIATION
    why[np.isnan(error)] = ONE_PROMPT
    if clusters < 2:
        why[:] = ONE_CLUSTER
    why[np.isnan(rho)] = "the errors of one never vary there"
    why[n < LEAST] = f"fewer than {LEAST} pairs of the reference in common"
    return list(why)
