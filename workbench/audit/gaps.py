"""A difference of shares of two kinds of rows, whose clusters may be the same ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from workbench.audit.measures import share_row
from workbench.clustered import Array, Codes, cluster_error, count_clusters
from workbench.intervals import ONE_CLUSTER

GAP_METHOD = "difference of shares, both intervals put together (MOVER), t test by its arm"


def gap_row(
    term: str, values: Array, side: NDArray[np.int64], cluster: Codes, level: float = 0.95
) -> dict[str, Any]:
    """Return the mean of some values in [0, 1] less that of others, as a row of a table.

    Parameters
    ----------
    term : str
    values : ndarray, shape (n,)
    side : ndarray of int, shape (n,)
        1 for the first kind, -1 for the other; 0 is left out.
    cluster : ndarray of int, shape (n,)
    level : float

    Notes
    -----
    Zou and Donner (2008): each end is as far from the difference as both shares' ends put together,
    with the correlation that clusters in common give. The test is that of the arm towards 0.

    Examples
    --------
    >>> values, side = np.repeat([1.0, 0.0], 20), np.repeat([1, -1], 20)
    >>> found = gap_row("gap", values, side, np.arange(40))
    >>> found["estimate"], round(float(found["conf_low"]), 2), found["p_value"] < 1e-6
    (1.0, 0.8, True)
    """
    own = side != 0
    record: dict[str, Any] = {
        "term": term, "method": GAP_METHOD, "n": float(own.sum()),
        "n_clusters": float(count_clusters(cluster[own])),
    }  # fmt: skip
    pull = gap_pull(values, side)
    if not len(pull):
        return {**record, "estimate": np.nan, "reason": "pairs of one kind only"}
    one, two = (share_row("", values[side == s], cluster[side == s], level) for s in (1, -1))
    d = one["estimate"] - two["estimate"]
    low, high = _mover(one, two, _correlation(pull, side, cluster))
    record |= {"estimate": d, "std_error": cluster_error(pull, cluster)}
    if not np.isfinite([low, high]).all():
        return {**record, "reason": one["reason"] or two["reason"] or ONE_CLUSTER}
    df = max(record["n_clusters"] - 1, 1)
    arm = (d - low if d > 0 else high - d) / float(stdtrit(df, 0.5 + level / 2))
    p = float(2 * stdtr(df, -abs(d) / arm)) if arm > 0 else np.nan
    return {**record, "conf_low": low, "conf_high": high, "p_value": p, "reason": None}


def gap_pull(values: Array, side: NDArray[np.int64]) -> Array:
    """Return each value's pull on the difference of both means; empty where one has no value.

    Examples
    --------
    >>> gap_pull(np.array([1.0, 0.0, 0.5]), np.array([1, 1, -1])).tolist()
    [0.25, -0.25, -0.0]
    """
    pull = np.zeros(len(values))
    for sign in (1, -1):
        own = side == sign
        if not own.any():
            return np.empty(0)
        pull[own] = sign * (values[own] - values[own].mean()) / own.sum()
    return pull


def _correlation(pull: Array, side: NDArray[np.int64], cluster: Codes) -> float:
    one, two = (np.bincount(cluster, np.where(side == s, s * pull, 0.0)) for s in (1, -1))
    size = float(np.sqrt((one**2).sum() * (two**2).sum()))
    return float(one @ two) / size if size > 0 else 0.0


def _mover(one: dict[str, Any], two: dict[str, Any], rho: float) -> tuple[float, float]:
    d = one["estimate"] - two["estimate"]
    down = one["estimate"] - one["conf_low"], two["conf_high"] - two["estimate"]
    up = one["conf_high"] - one["estimate"], two["estimate"] - two["conf_low"]
    widths = [np.sqrt(max(x * x + y * y - 2 * rho * x * y, 0.0)) for x, y in (down, up)]
    return float(max(d - widths[0], -1.0)), float(min(d + widths[1], 1.0))
