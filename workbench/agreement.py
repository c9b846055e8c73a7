"""Agreement of two annotators, raw and beyond chance, with intervals that stay in range."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.clustered import share
from workbench.intervals import Codes, unit_interval


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
    kappa = {**agreement, **dict.fromkeys(_NUMBERS, np.nan)}
    if not len(a):
        return agreement, kappa
    same, share_a, share_b = agreement["estimate"], a.mean(), b.mean()
    chance = share_a * share_b + (1 - share_a) * (1 - share_b)
    if chance == 1.0:
        return agreement, kappa | {"reason": "both always say the same: chance agrees too"}
    n = len(a)
    value = float(np.clip((same - chance) / (1 - chance), -1.0, 1.0))
    same_pull = ((a == b) - same) / n
    chance_pull = ((a - share_a) * (2 * share_b - 1) + (b - share_b) * (2 * share_a - 1)) / n
    pull = same_pull / (1 - chance) - chance_pull * (1 - same) / (1 - chance) ** 2
    half = unit_interval((1 + value) / 2, pull / 2, np.ones(n), cluster, level, 2 * (1 - chance))
    ends = {end: 2 * half[end] - 1 for end in ("conf_low", "conf_high")}
    found = {"std_error": 2 * half["std_error"], **ends, "reason": half["reason"]}
    return agreement, kappa | {"estimate": value, **found}


_NUMBERS = ("estimate", "std_error", "conf_low", "conf_high")
