"""Whether reasons say rightly which response has more, and praise what weights reward."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.clustered import Array, Codes, share
from workbench.flips import paired_difference

NOTHING_SAID = "no reason says which response has more, where they differ"

DIRECTION_COLUMNS = [
    "group", "term", "estimate", "std_error", "conf_low", "conf_high", "p_value", "q_value", "n",
    "n_clusters", "expected", "beyond", "beyond_low", "beyond_high", "n_side_named",
    "praises_more", "praises_low", "praises_high", "n_praised", "weight", "as_weighted", "reason",
]  # fmt: skip


def direction_row(
    claim: Array, sided: np.ndarray, difference: Array, label: Array, cluster: Codes,
    weight: float, level: float,
) -> dict[str, Any]:  # fmt: skip
    r"""Return how far what reasons say of one factor is so.

    Parameters
    ----------
    claim : ndarray, shape (n,)
        1: the reason says that A has more; -1: B; 0: it does not say.
    sided : ndarray of bool, shape (n,)
        Whether the reason named the response.
    difference : ndarray, shape (n,)
        A minus B.
    label : ndarray, shape (n,)
        1: A is preferred; -1: B; 0: a tie.
    cluster : ndarray of int, shape (n,)
    weight : float
        Of the factor in these labels.
    level : float

    Returns
    -------
    dict
        ``estimate``: share of claims with the sign of the difference. ``expected``: the same if
        claims only followed the verdict, as often for the preferred response as these do;
        ``beyond``: the difference of the two, whose test is ``p_value``. ``praises_more``: share
        of claims by which the preferred response has more; ``as_weighted``: share by which it
        has what the weight rewards.

    Examples
    --------
    >>> one = np.array([1.0, -1.0, 1.0])
    >>> row = direction_row(one, one > 0, one, one, np.arange(3), 0.5, 0.95)
    >>> row["estimate"], row["praises_more"], row["as_weighted"]
    (1.0, 1.0, 1.0)
    """
    decided = (claim != 0) & (label != 0)
    praise = share((claim == label)[decided].astype(np.float64), cluster[decided], level)
    rate = praise["estimate"]
    row: dict[str, Any] = {
        **dict.fromkeys(DIRECTION_COLUMNS[2:], np.nan),
        "praises_more": rate, "praises_low": praise["conf_low"],
        "praises_high": praise["conf_high"], "n_praised": float(decided.sum()), "weight": weight,
        "as_weighted": rate if weight > 0 else 1 - rate if weight < 0 else np.nan,
    }  # fmt: skip
    told = (claim != 0) & np.isfinite(difference) & (difference != 0)
    row |= {"n": float(told.sum()), "n_side_named": float((told & sided).sum())}
    if not told.any():
        return row | {"n": 0.0, "n_clusters": 0.0, "reason": NOTHING_SAID}
    sign, said, verdict = np.sign(difference[told]), claim[told], label[told]
    agrees = (said == sign).astype(np.float64)
    row |= share(agrees, cluster[told], level)
    if np.isnan(rate):
        return row
    follows = np.where(verdict == 0, 0.5, np.where(sign == verdict, rate, 1 - rate))
    beyond = paired_difference(agrees - follows, cluster[told], level)
    return row | {
        "expected": float(follows.mean()), "beyond": beyond["estimate"],
        "beyond_low": beyond["conf_low"], "beyond_high": beyond["conf_high"],
        "p_value": beyond["p_value"],
    }  # fmt: skip
