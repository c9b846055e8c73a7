"""Agreement of two annotators, raw and beyond chance, with intervals that stay in range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.clustered import no_value, share
from workbench.intervals import (
    Array,
    Codes,
    Size,
    as_binomial,
    ends_text,
    interval_of_size,
    mid_p,
    size_of_sums,
    unit_interval,
)

NONE_SHARED = "no pair was judged by both, ties apart"
"""Why two annotators have no agreement."""


def agreement_and_kappa(
    a: NDArray[np.bool_], b: NDArray[np.bool_], cluster: Codes, level: float = 0.95
) -> tuple[dict[str, Any], dict[str, Any]]:
    r"""Return raw agreement and Cohen's kappa of two verdicts, each with its interval.

    Parameters
    ----------
    a, b : ndarray of bool, shape (n,)
        Whether each annotator preferred A.
    cluster : ndarray of int, shape (n,)
    level : float

    Returns
    -------
    tuple of dict
        As :func:`workbench.clustered.share` returns; kappa and its ends lie in [-1, 1].

    Notes
    -----
    :math:`\kappa = (p_o - p_e) / (1 - p_e)`. The error is that of leaving out a cluster, from
    the influence values of :math:`p_o` and of both marginal shares (delta method). The
    interval is that of a share for :math:`(1 + \kappa) / 2`: with even marginals it is the
    agreement itself, and near :math:`\kappa = 1` the effective size makes it the exact one of
    the count of disagreements.

    Examples
    --------
    >>> a, b = np.array([1, 1, 0, 0], bool), np.array([1, 0, 0, 0], bool)
    >>> agreement, kappa = agreement_and_kappa(a, b, np.arange(4))
    >>> agreement["estimate"], kappa["estimate"]
    (0.75, 0.5)
    """
    agreement = share((a == b).astype(np.float64), cluster, level)
    kappa = weighted_kappa(a.astype(np.float64), b.astype(np.float64), cluster, level)
    if not len(a):
        return agreement | {"reason": NONE_SHARED}, kappa | {"reason": NONE_SHARED}
    return agreement, kappa


def agreement_text(row: Mapping[str, Any], names: Sequence[str] = ("agreement", "kappa")) -> str:
    """Return agreement and kappa with their intervals as text, or why there are none.

    Parameters
    ----------
    row : mapping
        ``n``, ``reason``, and each name with its ends ``_low`` and ``_high``.
    names : sequence of str

    Examples
    --------
    >>> nothing = {"n": 0, "agreement": np.nan, "reason": "no pair was judged by both"}
    >>> agreement_text(nothing)
    'agreement undefined: no pair was judged by both'
    """
    if not row["n"]:
        return f"agreement undefined: {row['reason']}"
    pairs = "1 pair" if row["n"] == 1 else f"{row['n']:,} pairs"
    return f"{', '.join(_told(row, name) for name in names)}, n = {pairs}"


def _told(row: Mapping[str, Any], name: str) -> str:
    if np.isnan(row[name]):
        return f"{name} undefined ({row['reason']})"
    ends = ends_text(row[f"{name}_low"], row[f"{name}_high"], row["reason"], "")
    return f"{name} {row[name]:.3f} {ends}"


def weighted_kappa(x: Array, y: Array, cluster: Codes, level: float = 0.95) -> dict[str, Any]:
    r"""Return Cohen's kappa with quadratic weights, and its interval.

    .. math:: \kappa = 1 - \frac{\overline{(x - y)^2}}
              {s_x^2 + s_y^2 + (\bar x - \bar y)^2}

    with population variances: equal to the concordance correlation of Lin (1989), and of
    scores 0 and 1 to Cohen's plain kappa.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
    cluster : ndarray of int, shape (n,)
    level : float

    Returns
    -------
    dict
        As :func:`workbench.clustered.share` returns.

    Examples
    --------
    >>> scores = np.array([0.0, 1.0, 2.0, 3.0])
    >>> weighted_kappa(scores, scores, np.arange(4))["estimate"]
    1.0
    """
    n, row = len(x), no_value(cluster)
    if n == 0:
        return row
    a, b, gap = x - x.mean(), y - y.mean(), float(x.mean() - y.mean())
    apart, chance = (x - y) ** 2, float(a @ a / n + b @ b / n + gap**2)
    if chance <= 1e-12:
        return row | {"reason": "both always say the same: chance agrees too"}
    found = float(np.clip(1 - apart.mean() / chance, -1.0, 1.0))
    lent = a**2 + b**2 + 2 * gap * (a - b)
    pull = (apart.mean() - apart) / chance + (apart.mean() / chance**2) * (lent - lent.mean())
    most = float(np.ptp(np.concatenate([x, y]))) ** 2
    half = unit_interval(
        (1 + found) / 2, pull / (2 * n), np.ones(n), cluster, level, 2 * chance / most
    )
    ends = {end: 2 * half[end] - 1 for end in ("conf_low", "conf_high")}
    known = {"std_error": 2 * half["std_error"], **ends, "reason": half["reason"]}
    return row | {"estimate": found, **known}


_CELLS = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
"""What both say in the cells of a table of counts: both A, the first alone, the second, none."""


def agreement_of_counts(
    counts: Array, times: Array, level: float = 0.95
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return agreement and kappa (:func:`agreement_and_kappa`) from counts of clusters.

    Parameters
    ----------
    counts : ndarray, shape (kinds, 4)
        Pairs of one cluster on which both prefer A, the first alone does, the second, none.
    times : ndarray, shape (kinds,)
        How many clusters have those counts.
    level : float

    Examples
    --------
    >>> agreement, kappa = agreement_of_counts(np.eye(4)[[0, 1, 3]], np.array([1.0, 1.0, 2.0]))
    >>> agreement["estimate"], kappa["estimate"]
    (0.75, 0.5)
    """
    x, y = _CELLS.T
    cells = times @ counts
    n = float(cells.sum())
    row = no_value(np.empty(0, dtype=np.int64)) | {
        "n": n, "n_clusters": float(times[counts.sum(axis=1) > 0].sum())
    }  # fmt: skip
    if not n:
        return row | {"reason": NONE_SHARED}, row | {"reason": NONE_SHARED}

    def size(mean: float, pull: Array, certain: float) -> Size:
        sums, share, squares = counts @ pull, counts.sum(axis=1), float(cells @ pull**2)
        return as_binomial(size_of_sums(sums, share, n, squares, level, times), mean, n, certain)

    same = (x == y).astype(np.float64)
    mean = float(np.clip(cells @ same / n, 0.0, 1.0))
    if n == 1:
        low, high = mid_p(mean, 1.0, level)
        agreement = row | {"estimate": mean, "conf_low": low, "conf_high": high, "reason": None}
    else:
        found = size(mean, (same - mean) / n, 1.0)
        agreement = row | {"estimate": mean, **interval_of_size(mean, found, level)}
    means = cells @ _CELLS / n
    a, b, gap = x - means[0], y - means[1], float(means[0] - means[1])
    apart, lent = (x - y) ** 2, a**2 + b**2 + 2 * gap * (a - b)
    chance = float(cells @ a**2 / n + cells @ b**2 / n + gap**2)
    if chance <= 1e-12:
        return agreement, row | {"reason": "both always say the same: chance agrees too"}
    off = float(cells @ apart / n)
    kappa = float(np.clip(1 - off / chance, -1.0, 1.0))
    pull = (off - apart) / chance + (off / chance**2) * (lent - cells @ lent / n)
    middle = (1 + kappa) / 2
    half = interval_of_size(middle, size(middle, pull / (2 * n), 2 * chance), level)
    ends = {end: 2 * half[end] - 1 for end in ("conf_low", "conf_high")}
    known = {"std_error": 2 * half["std_error"], **ends, "reason": half["reason"]}
    return agreement, row | {"estimate": kappa, **known}
