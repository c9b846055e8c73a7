"""The statistics of every probe: paired shifts, rates, equivalence, verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtr

from workbench.clustered import Array, Codes, flip_p_value, mean_and_error, share
from workbench.decompose.errors.tidy import q_values
from workbench.errors import refuse_out_of_range
from workbench.flips import score_interval
from workbench.intervals import ONE_CLUSTER

Expect = Literal["none", "not up", "right"]
"""What is expected: no shift either way; no shift up; the known answer."""

BIASED, EQUIVALENT, UNDERPOWERED = "biased", "equivalent", "underpowered"
NOT_UP = "no shift up"
SENSITIVE, INSENSITIVE = "sensitive", "insensitive"

MARGIN = 0.05
"""Shifts within this are taken for none."""

Q_LEVEL = 0.05
POWER = 2.8
"""Standard errors that an effect needs to be found at 5 % with power 80 %: 1.96 + 0.84."""

_GRID = 4
"""Scores of two orders with ties are quarters: the exact test counts in them."""

SHIFT = (
    "paired shift, score interval at the size that the clusters leave, exact test of random "
    "cluster signs; equivalence by two one-sided score tests"
)


def shift(difference: Array, cluster: Codes, level: float = 0.95) -> dict[str, Any]:
    r"""Return a mean paired difference with interval, equivalence interval, test and MDE.

    Parameters
    ----------
    difference : ndarray, shape (n,)
        Score of the treated arm minus that of its control, in [-1, 1], one an item.
    cluster : ndarray of int, shape (n,)
    level : float

    Returns
    -------
    dict
        ``estimate, std_error, conf_low, conf_high, p_value, n, n_clusters, reason``; ``low_90,
        high_90`` for equivalence; ``mde``, the smallest shift that such a sample finds with
        power 80 %. NaN where there is fewer than two clusters.

    Notes
    -----
    The intervals are :func:`workbench.flips.score_interval`, which know that few
    flips may be few by chance. The standard error, and with it the MDE, is of the items
    with half an outcome each of +1 and -1 and one of 0 added, after Agresti and Min (2005),
    so that 50 items without a flip are not taken for certain.

    Examples
    --------
    >>> found = shift(np.zeros(100), np.arange(100))
    >>> found["estimate"], round(found["high_90"], 3), found["p_value"]
    (0.0, 0.027, 1.0)
    """
    n, g = len(difference), len(np.unique(cluster))
    blank = dict.fromkeys(
        ("std_error", "conf_low", "conf_high", "low_90", "high_90", "mde"), np.nan
    )
    mean = float(difference.mean()) if n else np.nan
    row = {"estimate": mean, **blank, "p_value": np.nan, "n": float(n), "n_clusters": float(g),
           "reason": None}  # fmt: skip
    if g < 2:
        return row | {"reason": ONE_CLUSTER if n else "no value"}
    values = np.concatenate([difference, [1.0, -1.0, 0.0]])
    weight = np.concatenate([np.ones(n), [0.5, 0.5, 1.0]])
    codes = np.concatenate([cluster, cluster.max() + 1 + np.arange(3)])
    _, error = mean_and_error(values, weight, codes)
    for names, width in ((("conf_low", "conf_high"), level), (("low_90", "high_90"), 0.9)):
        row |= dict(zip(names, score_interval(difference, cluster, width) or (), strict=False))
    return row | {"std_error": error, "mde": POWER * error, "p_value": _p(difference, cluster)}


def _p(difference: Array, cluster: Codes) -> float:
    """Return the exact p-value where scores are quarters, else that of the normal limit."""
    steps = difference * _GRID
    sums = np.bincount(cluster, steps)
    if np.allclose(steps, np.rint(steps), atol=1e-9):
        return flip_p_value(np.asarray(sums, dtype=np.float64))
    scale = float(np.sqrt((sums**2).sum()))
    return 1.0 if scale == 0 else float(2 * ndtr(-abs(sums.sum()) / scale))


def rate(
    values: Array, cluster: Codes, level: float = 0.95, *, tested: bool = True
) -> dict[str, Any]:
    """Return a share with its interval, and the exact test against a chance of one half.

    Parameters
    ----------
    values : ndarray, shape (n,)
        In [0, 1]; one half is undecided.
    cluster : ndarray of int, shape (n,)
    level : float
    tested : bool
        Whether one half is what it is without skill.

    Examples
    --------
    >>> round(rate(np.ones(30), np.arange(30))["conf_low"], 3)
    0.905
    """
    row: dict[str, Any] = dict(share(values, cluster, level))
    low = share(values, cluster, 0.9)
    row |= {"low_90": low["conf_low"], "high_90": low["conf_high"], "p_value": np.nan}
    error = row["std_error"]
    row["mde"] = POWER * error if error > 0 else np.nan
    if tested and row["n_clusters"] > 1:
        row["p_value"] = _p(values - 0.5, cluster)
    return row


def consistency(same: Array, again: Array, cluster: Codes, level: float = 0.95) -> dict[str, Any]:
    """Return the excess flip: how much rarer verdicts stay under treatment than on repetition.

    Parameters
    ----------
    same : ndarray, shape (n,)
        1 where the verdict is that of the control arm.
    again : ndarray, shape (n,)
        1 where a repeated call gives the verdict of the first.
    cluster : ndarray of int, shape (n,)
    level : float

    Returns
    -------
    dict
        As :func:`shift`, of again minus same; ``robustness`` and ``repeat`` beside it.

    Examples
    --------
    >>> consistency(np.array([1.0, 0.0]), np.ones(2), np.arange(2))["estimate"]
    0.5
    """
    found = shift(again - same, cluster, level)
    return found | {"robustness": float(same.mean()), "repeat": float(again.mean())}


def attack_success(
    attacked: Array, clean: Array, cluster: Codes, level: float = 0.95
) -> dict[str, Any]:
    """Return how often a response that lost wins under attack: ASR.

    Parameters
    ----------
    attacked, clean : ndarray, shape (n,)
        Scores of the target; below one half it loses, above it wins.
    cluster : ndarray of int, shape (n,)
    level : float

    Returns
    -------
    dict
        As :func:`workbench.clustered.share`, over the items that lost clean.

    Examples
    --------
    >>> attack_success(np.array([1.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0]), np.arange(3))["n"]
    2.0
    """
    lost = clean < 0.5
    return share((attacked[lost] > 0.5).astype(float), cluster[lost], level)


def detectable(n: int, spread: float = 0.5) -> float:
    """Return the shift that n independent items find with power 80 %.

    Parameters
    ----------
    n : int
    spread : float
        Standard deviation of the paired difference.

    Examples
    --------
    >>> round(detectable(200), 3)
    0.099
    """
    refuse_out_of_range({"n": (n >= 1, n, "1 or more")})
    return float(POWER * spread / np.sqrt(n))


def verdicts(table: pd.DataFrame, margin: float = MARGIN) -> pd.DataFrame:
    r"""Return the table with q-values over all of its tests, and a verdict a row.

    Parameters
    ----------
    table : DataFrame
        ``estimate, std_error, n_clusters, p_value, low_90, high_90`` and ``expect``; a known
        answer's estimate is the share of right answers, else it is a shift.
    margin : float

    Returns
    -------
    DataFrame
        With ``q_value``, of no shift at all; ``q_margin``, of no shift beyond the margin;
        and ``verdict``. Shifts: *biased* where q_margin < .05; *equivalent* where the 90 %
        interval lies inside the margin; else *underpowered*: the shift may be there, but
        not which side of the margin it is on. An expectation "not up" is broken only from
        above, and met where the interval ends below the margin: *no shift up*. Known answers:
        *sensitive* where q < .05 and the share is above one half plus two margins,
        *insensitive* where the 90 % interval lies below that; else *underpowered*.

    Notes
    -----
    Bias and equivalence are told by one margin :math:`\delta`, as in the three-sided test of
    Goeman, Solari and Stijnen (2010): the null of *biased* is a shift of at most
    :math:`\delta`, with :math:`P(T \ge (|d| - \delta) / s)` for Student's t of the clusters.

    Examples
    --------
    >>> rows = {"estimate": [0.2, 0.0], "std_error": 0.03, "n_clusters": 90.0,
    ...         "p_value": [0.001, 1.0], "low_90": [0.15, -0.02], "high_90": [0.25, 0.02],
    ...         "expect": ["none", "none"]}
    >>> verdicts(pd.DataFrame(rows))["verdict"].tolist()
    ['biased', 'equivalent']
    """
    beyond = np.array([_beyond(row, margin) for row in table.to_dict("records")], dtype=float)
    table = table.assign(
        q_value=q_values(table["p_value"].to_numpy("float64")), q_margin=q_values(beyond)
    )
    return table.assign(verdict=[_verdict(row, margin) for row in table.to_dict("records")])


def _beyond(row: Mapping[Any, Any], margin: float) -> float:
    """Return the p-value of no shift beyond the margin; NaN for known answers."""
    error = row["std_error"]
    if row["expect"] == "right" or not error > 0:
        return float("nan")
    down = row["expect"] == "not up"
    size = row["estimate"] if down else abs(row["estimate"])
    return float(stdtr(max(row["n_clusters"] - 1, 1), -(size - margin) / error))


def _verdict(row: Mapping[Any, Any], margin: float) -> str:
    low, high = row["low_90"], row["high_90"]
    if row["expect"] == "right":
        least = 0.5 + 2 * margin
        if row["q_value"] < Q_LEVEL and row["estimate"] > least:
            return SENSITIVE
        return INSENSITIVE if high < least else UNDERPOWERED
    down = row["expect"] == "not up"
    if high < margin and (down or low > -margin):
        return NOT_UP if down else EQUIVALENT
    return BIASED if row["q_margin"] < Q_LEVEL else UNDERPOWERED
