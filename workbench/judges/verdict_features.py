"""What the verdicts of one judge on a pair say, as numbers that turn with the sides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]

FEATURES = {
    "verdict": "mean verdict over the orders, from -1 (B) to 1 (A)",
    "contradiction": "the mean verdict times how far the two orders lie apart",
    "log_odds": "mean log-odds over the orders, of soft verdicts",
    "margin": "mean over the orders of the strength, signed by the verdict",
    "position": "1 where A was shown first in the only order that was asked, -1 where B was",
}
"""What each feature is; each changes its sign where A and B are exchanged."""

_CERTAIN = 0.001
"""Probabilities nearer to 0 or 1 are taken for this near."""


def verdict_features(data_rows: NDArray[np.int64], labels: pd.DataFrame, n: int) -> pd.DataFrame:
    r"""Return the features of the verdicts on each pair.

    Parameters
    ----------
    data_rows : ndarray of int, shape (labels,)
        Number of each label's pair, 0 to n - 1.
    labels : DataFrame
        ``preference, order_shown, strength`` of one judge's labels.
    n : int
        Number of pairs.

    Returns
    -------
    DataFrame, shape (n, 5)
        A column each of :data:`FEATURES`; NaN without a verdict, ``margin`` also without a
        strength.

    Notes
    -----
    Repeats of one order are averaged first, then the orders, so that an order which was asked
    more often counts no more: with :math:`v_{ab}` and :math:`v_{ba}` the mean P(A preferred),
    ``verdict`` is :math:`v_{ab} + v_{ba} - 1`, and ``contradiction`` that times
    :math:`|v_{ab} - v_{ba}|`. That both orders contradict each other says nothing for either
    side; what it says is that a lean counts for less.

    Examples
    --------
    >>> said = pd.DataFrame({"preference": [1.0, 1.0, 1.0, 0.0], "strength": np.nan,
    ...                      "order_shown": ["ab", "ba", "ab", "ba"]})
    >>> verdict_features(np.array([0, 0, 1, 1]), said, 2)["verdict"].tolist()
    [1.0, 0.0]
    """
    p = labels["preference"].to_numpy("float64")
    order = labels["order_shown"].map({"ab": 1, "ba": 2}).fillna(0).to_numpy("int64")
    strength = _column(labels, "strength")
    known = np.isfinite(p)
    cell = (data_rows * 3 + order)[known]
    p, strength = p[known], strength[known]
    size = np.bincount(cell, minlength=3 * n).reshape(n, 3)
    asked = size > 0
    orders = asked.sum(axis=1)

    def mean(values: Array) -> Array:
        sums = np.bincount(cell, values, 3 * n).reshape(n, 3)
        return np.asarray(np.divide(sums, size, out=np.zeros((n, 3)), where=asked))

    def over_orders(values: Array) -> Array:
        total = values.sum(axis=1)
        return np.asarray(np.divide(total, orders, out=np.full(n, np.nan), where=orders > 0))

    # twice a distance from one half is exact, and 0 where the orders cancel
    lean = mean(2.0 * p - 1.0)
    verdict = over_orders(lean)
    apart = np.where(asked[:, 1] & asked[:, 2], np.abs(lean[:, 1] - lean[:, 2]) / 2.0, 0.0)
    held = np.clip(p, _CERTAIN, 1.0 - _CERTAIN)
    return pd.DataFrame(
        {
            "verdict": verdict,
            "contradiction": verdict * apart,
            "log_odds": over_orders(mean(np.log(held) - np.log1p(-held))),
            "margin": over_orders(mean(np.sign(p - 0.5) * np.abs(strength))),
            "position": over_orders(asked * np.array([0.0, 1.0, -1.0])),
        }
    )


def _column(labels: pd.DataFrame, name: str) -> Array:
    if name not in labels:
        return np.full(len(labels), np.nan)
    return np.asarray(pd.to_numeric(labels[name], errors="coerce").to_numpy("float64"))


def used_features(features: pd.DataFrame, preference: Any) -> list[str]:
    """Return the features that say something of these pairs.

    Parameters
    ----------
    features : DataFrame
        Of :func:`verdict_features`, of pairs with a verdict.
    preference : array of float
        The single verdicts that they are of.

    Examples
    --------
    >>> said = pd.DataFrame({"verdict": [1.0, -1.0], "margin": [np.nan, 2.0], "position": 0.0,
    ...                      "log_odds": [6.9, -6.9], "contradiction": 0.0})
    >>> used_features(said, [1.0, 0.0])
    ['verdict']
    """
    single = np.asarray(preference, dtype="float64")
    single = single[np.isfinite(single)]
    hard = bool(np.isin(single, (0.0, 0.5, 1.0)).all())
    kept = []
    for name in FEATURES:
        values = features[name].to_numpy("float64")
        repeats = name == "log_odds" and hard
        if np.isfinite(values).all() and (values != 0).any() and not repeats:
            kept.append(name)
    return kept
