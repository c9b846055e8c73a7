"""How often a judge chooses the right response, by whether that is the longer one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from workbench.audit.measures import share_row
from workbench.clustered import Array, Codes, cluster_error, count_clusters
from workbench.intervals import ONE_CLUSTER

ALL = "right"
PLACES = {
    1: "right where the right one is longer",
    0: "right where both are about as long",
    -1: "right where the right one is shorter",
}
GAP = "longer minus shorter"
GAP_METHOD = "difference of shares, both intervals put together (MOVER), t test by its arm"


def place_of(longer: Array, equal: float) -> NDArray[np.int64]:
    """Return 1 where the right response is longer, -1 where shorter, 0 where about as long.

    Parameters
    ----------
    longer : ndarray
        In doublings.
    equal : float
        How much longer one may be, as a part, to count as about as long.

    Examples
    --------
    >>> place_of(np.array([1.0, 0.1, -0.2]), 0.1).tolist()
    [1, 0, -1]
    """
    # 110 words beside 100 are about as long, whatever rounding says
    about = np.abs(longer) <= np.log2(1 + equal) + 1e-9
    return np.where(about, 0, np.sign(longer)).astype(np.int64)


def rows(values: Array, place: NDArray[np.int64], cluster: Codes, level: float) -> Iterator[Any]:
    """Yield a judge's accuracy over all pairs, in each place, and the difference.

    Parameters
    ----------
    values : ndarray, shape (n,)
        In [0, 1].
    place : ndarray of int, shape (n,)
        From :func:`place_of`.
    cluster : ndarray of int, shape (n,)
    level : float
    """
    yield share_row(ALL, values, cluster, level)
    found = {}
    for sign, term in PLACES.items():
        own = place == sign
        found[sign] = share_row(term, values[own], cluster[own], level, "no such pair")
        yield found[sign]
    yield _difference(values, place, cluster, level, found[1], found[-1])


def gap_pull(values: Array, place: NDArray[np.int64]) -> Array:
    """Return each value's pull on the difference of the accuracies; empty where there is none."""
    pull = np.zeros(len(values))
    for sign in (1, -1):
        own = place == sign
        if not own.any():
            return np.empty(0)
        pull[own] = sign * (values[own] - values[own].mean()) / own.sum()
    return pull


def _difference(
    values: Array, place: NDArray[np.int64], cluster: Codes, level: float,
    longer: dict[str, Any], shorter: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    own = place != 0
    record: dict[str, Any] = {"term": GAP, "method": GAP_METHOD, "n": float(own.sum()),
              "n_clusters": float(count_clusters(cluster[own]))}  # fmt: skip
    pull = gap_pull(values, place)
    if not len(pull):
        return {**record, "estimate": np.nan, "reason": "pairs of one kind only"}
    d = longer["estimate"] - shorter["estimate"]
    low, high = _mover(longer, shorter, _correlation(pull, place, cluster))
    record |= {"estimate": d, "std_error": cluster_error(pull, cluster)}
    if not np.isfinite([low, high]).all():
        return {**record, "reason": longer["reason"] or shorter["reason"] or ONE_CLUSTER}
    # the test that the interval is of: by its arm towards 0
    df = max(record["n_clusters"] - 1, 1)
    arm = (d - low if d > 0 else high - d) / float(stdtrit(df, 0.5 + level / 2))
    p = float(2 * stdtr(df, -abs(d) / arm)) if arm > 0 else np.nan
    return {**record, "conf_low": low, "conf_high": high, "p_value": p, "reason": None}


def _correlation(pull: Array, place: NDArray[np.int64], cluster: Codes) -> float:
    """Return the correlation of both shares, whose clusters may be the same ones."""
    one, two = (np.bincount(cluster, np.where(place == s, s * pull, 0.0)) for s in (1, -1))
    size = float(np.sqrt((one**2).sum() * (two**2).sum()))
    return float(one @ two) / size if size > 0 else 0.0


def _mover(one: dict[str, Any], two: dict[str, Any], rho: float) -> tuple[float, float]:
    """Return the ends of a difference of shares (Zou and Donner 2008)."""
    d = one["estimate"] - two["estimate"]
    down = one["estimate"] - one["conf_low"], two["conf_high"] - two["estimate"]
    up = one["conf_high"] - one["estimate"], two["estimate"] - two["conf_low"]
    widths = [np.sqrt(max(x * x + y * y - 2 * rho * x * y, 0.0)) for x, y in (down, up)]
    return max(d - widths[0], -1.0), min(d + widths[1], 1.0)
