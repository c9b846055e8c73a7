r"""How many pairs and calls would tell what an audit of a judge could not tell.

A measure is *powered* where both of its answers would be found. With :math:`s` the standard
deviation of an item by the measure's own error (:math:`s^2 = n\,\widehat{se}^2`, so that what
clusters cost is in it) and the margin :math:`\delta`, it takes

.. math::
   n^* = \Big(\frac{z_{.95} + z_{.90}}{\delta}\Big)^2 s^2,\qquad
   n^*_{\text{not up}} = \Big(\frac{z_{.95} + z_{.80}}{\delta}\Big)^2 s^2,\qquad
   n^*_{\text{right}} = \Big(\frac{z_{.975} + z_{.80}}{2 \delta}\Big)^2 s^2

items: a judge that is not shifted at all passes the two one-sided tests at 5 % with probability
80 % (Julious 2004, section 4.1: the two ends share the 20 %; "not up" has one end), and one that is
shifted by twice the margin is found with at least that probability. Of known answers, a share
of one half plus two margins is told from one half. A measure of the calls themselves has a
threshold :math:`\tau` and no margin: :math:`n^* = ((z_{.95} + z_{.80}) / (p - \tau))^2 s^2` puts
the 90 % interval on one side of it, if the share :math:`p` is the one that was found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri

HOW = (
    "A measure is powered where both of its answers would be found. With s, the standard deviation "
    "of one item by the measure's own error (s = standard error x square root of n, so that what "
    "clusters cost is in it), it takes\n\n"
    "  shifts:           n = ((1.645 + 1.282) s / margin)^2\n"
    "  no shift up:      n = ((1.645 + 0.842) s / margin)^2\n"
    "  known answers:    n = ((1.960 + 0.842) s / (2 margin))^2\n"
    "  the calls:        n = ((1.645 + 0.842) s / (share - threshold))^2\n\n"
    "items. Then a judge without a shift passes both one-sided tests at 5 % with probability 80 %, "
    "one that is shifted by twice the margin is found with at least that probability, and a share "
    "of one half plus two margins is told from one half with 80 %. An audit grows as a whole: the "
    "pairs and calls are those of all probes together, at the share of pairs to which the measure "
    "applied here."
)
"""The formula in words, to stand beside the numbers."""

_ALPHA, _POWER = 0.05, 0.8
NEAR = (
    "so many pairs would tell most judges: what was found lies close to the threshold, where more "
    "pairs tell slowly"
)


class Budget(NamedTuple):
    """What a measure would take to be powered.

    Attributes
    ----------
    items : float
        That the measure itself needs; NaN where it cannot be reckoned.
    reason : str or None
        What there is to say of it.
    """

    items: float
    reason: str | None = None


def items_needed(row: Mapping[Any, Any], margin: float) -> Budget:
    """Return how many items a measure needs to be powered; see the module for the formula.

    Parameters
    ----------
    row : mapping
        ``std_error, n, expect`` and, with a threshold, ``estimate``: a row of the estimates of
        :class:`workbench.audit.judges.scorecard.JudgeAudit`.
    margin : float
        Shifts within it are taken for none.

    Examples
    --------
    >>> row = {"std_error": 0.05, "n": 100.0, "expect": "none", "estimate": 0.0}
    >>> items_needed(row, 0.05).items  # (1.645 + 1.282)^2 0.25 / 0.0025
    857.0
    """
    error, n = float(row["std_error"]), float(row["n"])
    if not (np.isfinite(error) and error > 0 and n > 0):
        return Budget(np.nan, "nothing varied, or there was nothing to measure: no error is known")
    reach = _reach(row, margin)
    if not np.isfinite(reach):
        return Budget(np.nan, "the share that was found is the threshold itself")
    needed = float(np.ceil(n * (error * reach) ** 2))
    return Budget(needed, NEAR if needed <= n else None)


def _reach(row: Mapping[Any, Any], margin: float) -> float:
    """Return how many errors of the mean of one item fit into what is to be told."""
    expect = str(row["expect"])
    one_end = ndtri(1 - _ALPHA) + ndtri(_POWER)
    if expect == "right":
        return float((ndtri(1 - _ALPHA / 2) + ndtri(_POWER)) / (2 * margin))
    if expect == "not up":
        return float(one_end / margin)
    if expect == "none":
        return float((ndtri(1 - _ALPHA) + ndtri(1 - (1 - _POWER) / 2)) / margin)
    gap = abs(float(row["estimate"]) - float(expect.split()[-1]))
    return float(one_end / gap) if gap > 0 else np.inf
