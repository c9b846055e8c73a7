"""The interval of a coefficient of agreement, from what each unit adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DesignError
from workbench.intervals import Array, Codes, unit_interval

NONE_SHARED = "no pair has two ratings"
ONE_VALUE = "all ratings are one value: chance agrees too"


class Measured(NamedTuple):
    """A coefficient, before its interval.

    Attributes
    ----------
    estimate : float
        At most 1; NaN where undefined.
    pull : ndarray, shape (units,)
        First-order change of the estimate due to each unit.
    certain : float
        What one cluster is worth where no unit differs from another: twice the disagreement
        by chance, as a part of the most that two ratings can disagree.
    reason : str or None
        Why it is undefined.
    """

    estimate: float
    pull: Array
    certain: float
    reason: str | None = None


def no_measure(reason: str) -> Measured:
    """Return a coefficient that has no value.

    Examples
    --------
    >>> no_measure(ONE_VALUE).reason
    'all ratings are one value: chance agrees too'
    """
    return Measured(np.nan, np.zeros(0), np.nan, reason)


def coefficient(found: Measured, cluster: Codes, level: float) -> dict[str, Any]:
    r"""Return the record of a coefficient with its interval over clusters of units.

    Parameters
    ----------
    found : Measured
    cluster : ndarray of int, shape (units,)
    level : float

    Returns
    -------
    dict
        ``estimate, std_error, conf_low, conf_high, n, n_clusters, reason``.

    Notes
    -----
    The interval of the share :math:`(1 + \kappa) / 2` (:func:`workbench.intervals.unit_interval`),
    as for two annotators (:func:`workbench.agreement.weighted_kappa`).

    Examples
    --------
    >>> found = coefficient(Measured(1.0, np.zeros(30), 1.0), np.arange(30), 0.95)
    >>> round(found["conf_low"], 3), found["conf_high"]
    (0.81, 1.0)
    """
    if found.reason is not None:
        return undefined(cluster, found.reason)
    estimate, pull = found.estimate, (found.pull - found.pull.mean()) / 2
    middle = float(np.clip((1 + estimate) / 2, 0.0, 1.0))
    half = unit_interval(middle, pull, np.ones(len(pull)), cluster, level, found.certain)
    return {
        "estimate": estimate,
        "std_error": 2 * half["std_error"],
        "conf_low": min(2 * half["conf_low"] - 1, estimate),
        "conf_high": max(2 * half["conf_high"] - 1, estimate),
        **_sizes(cluster),
        "reason": half["reason"],
    }


def undefined(cluster: Codes, reason: str) -> dict[str, Any]:
    """Return the record of a coefficient that has no value, and why.

    Examples
    --------
    >>> undefined(np.zeros(0, int), NONE_SHARED)["reason"]
    'no pair has two ratings'
    """
    blank = dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), np.nan)
    return {**blank, **_sizes(cluster), "reason": reason}


def cluster_of(units: int, cluster: Sequence[int] | NDArray[Any] | None) -> Codes:
    """Return the cluster of each unit: each its own where none is given.

    Raises
    ------
    DesignError
        Not one whole number a unit.

    Examples
    --------
    >>> cluster_of(3, None).tolist()
    [0, 1, 2]
    """
    if cluster is None:
        return np.arange(units)
    codes = np.asarray(cluster)
    if codes.shape != (units,) or not np.issubdtype(codes.dtype, np.integer):
        raise DesignError(
            "The clusters do not fit the ratings.",
            found=f"shape {codes.shape} of {codes.dtype}",
            expected=f"{units:,} whole numbers, one a unit",
            fix="Give the cluster of each unit, or leave it out.",
        )
    return np.asarray(np.unique(codes, return_inverse=True)[1], dtype=np.int64)


def _sizes(cluster: Codes) -> dict[str, float]:
    count = int((np.bincount(cluster) > 0).sum()) if len(cluster) else 0
    return {"n": float(len(cluster)), "n_clusters": float(count)}
