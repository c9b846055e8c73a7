"""What the error of a number does as labels are added, and how many labels that asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

NAN = float("nan")
RANK = "rank"
"""The goal of which what is wanted is the pilot's own number."""

NO_END = "no upper end: the number may be 0"
"""Why the range of labels for a number of its own has no upper end."""

_FEWEST = 5
"""Clusters below which their number says too little of how much labels of one depend."""

End = Literal["variance", "low", "high"]
_ENDS: tuple[End, ...] = ("variance", "low", "high")

_FIRST = 50
_MOST_POINTS = 16


def few_clusters(clusters: int, labels: int) -> str | None:
    """Return why nothing is promised where labels are of too few clusters; None where it is.

    Examples
    --------
    >>> few_clusters(2, 36), few_clusters(2, 2), few_clusters(5, 36)
    ('2 clusters: their errors are not known well enough', None, None)
    """
    if clusters >= min(_FEWEST, labels):
        return None
    return f"{clusters} clusters: their errors are not known well enough"


@dataclass(frozen=True)
class Law:
    r"""The variance of a number with n labels of people: :math:`v / n + f`.

    Attributes
    ----------
    goal, term, group : str
        What is planned, of which number, with whose verdicts (empty: people's labels alone).
    unit : str
    wanted : float
        The effect to be found, or the half-width of an interval.
    n : float
        Labels of people that are there.
    variance : float
        :math:`v`; NaN with a ``reason``.
    low, high : float
        Range of :math:`v` that the pilot leaves; NaN with a ``range_reason``.
    floor : float
        :math:`f`: what no label of people takes away from the error of a judge's mean.
    total : float
        Labels of all pairs that the judge decided. With more there are more pairs, and its
        help ends: the law is ``alone``.
    alone : Law or None
        That of people without the judge.
    tested : bool
        An effect is to be found with some power; else an interval is to be narrow.
    own : tuple of float
        The number itself with its interval: labels to find it are told as well.
    least : float
        Labels below which the law says nothing.
    error : bool
        Whether the number has a standard error. Spreads between people have none here; what has
        none and is not tested (labels a pair) is no matter of all labels, and has no curve.
    deff : float
        Variance as a multiple of that of independent labels.
    """

    goal: str
    term: str
    unit: str
    wanted: float
    n: float
    variance: float = NAN
    low: float = NAN
    high: float = NAN
    group: str = ""
    floor: float = 0.0
    total: float = float("inf")
    alone: Law | None = None
    tested: bool = True
    own: tuple[float, float, float] = (NAN, NAN, NAN)
    least: float = 2.0
    error: bool = True
    deff: float = NAN
    basis: str = "pilot"
    method: str = ""
    range_reason: str | None = None
    reason: str | None = None

    def squared(self, end: End, n: float) -> float:
        """Return the squared standard error with n labels, by an end of the range."""
        if self.alone is not None and n > self.total:
            return self.alone.squared(end, n)
        return float(getattr(self, end)) / n + self.floor


@dataclass(frozen=True)
class Aims:
    """What counts as found: the confidence level and the power.

    Examples
    --------
    >>> [round(Aims(0.95, 0.8).errors(tested=tested), 2) for tested in (True, False)]
    [2.8, 1.96]
    """

    level: float
    power: float

    def errors(self, *, tested: bool) -> float:
        """Return how many standard errors what is wanted has to be."""
        z = float(ndtri(0.5 + self.level / 2))
        return z + float(ndtri(self.power)) if tested else z

    def needed(self, law: Law, end: End, wanted: float) -> float:
        """Return the labels for what is wanted, unrounded; infinite where none are enough."""
        variance = float(getattr(law, end))
        if np.isnan(variance) or np.isnan(wanted):
            return NAN
        room = (wanted / self.errors(tested=law.tested)) ** 2 - law.floor
        labels = variance / room if room > 0 else float("inf")
        if law.alone is not None and labels > law.total:
            labels = self.needed(law.alone, end, wanted)
        return max(labels, law.least)

    def found(self, law: Law, end: End, n: float) -> float:
        """Return the smallest effect that n labels find, or their half-width."""
        if not n > 0:
            return NAN
        return self.errors(tested=law.tested) * float(np.sqrt(law.squared(end, n)))

    def chance(self, law: Law, n: float) -> float:
        """Return the power of n labels to find what is wanted."""
        if not (law.tested and n > 0 and law.variance > 0):
            return NAN
        z = self.errors(tested=False)
        far = abs(law.wanted) / np.sqrt(law.squared("variance", n))
        return float(ndtr(far - z) + ndtr(-far - z))


def plan_row(law: Law, aims: Aims) -> dict[str, Any]:
    """Return the row of a plan that tells of one number.

    Examples
    --------
    >>> law = Law("weight", "words", "log-odds per SD", 0.2, 100, 4.0, 3.0, 5.0)
    >>> row = plan_row(law, Aims(0.95, 0.8))
    >>> row["estimate"], row["conf_low"], row["conf_high"], round(row["found_now"], 3)
    (785.0, 589.0, 982.0, 0.56)
    """
    needed = [aims.needed(law, end, law.wanted) for end in _ENDS]
    measured = law.error or law.tested
    own, low, high = law.own
    # an interval that holds 0 leaves no number of labels that surely finds the number
    nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    farthest = max(abs(low), abs(high))
    for_own = [
        aims.needed(law, "variance", own),
        aims.needed(law, "low", farthest),
        aims.needed(law, "high", nearest),
    ]
    if law.goal == RANK:
        # what is wanted is itself as unsure as the pilot's number
        needed = for_own
    why = law.reason or law.range_reason
    if why is None and np.isinf(needed).any():
        why = NO_END
    return {
        "goal": law.goal, "group": law.group, "term": law.term,
        "estimate": _whole(needed[0]), "std_error": NAN, "conf_low": _whole(needed[1]),
        "conf_high": _whole(needed[2]), "p_value": NAN, "q_value": NAN, "n": law.n,
        "wanted": law.wanted, "unit": law.unit,
        "found_now": aims.found(law, "variance", law.n) if measured else NAN,
        "found_low": aims.found(law, "low", law.n) if measured else NAN,
        "found_high": aims.found(law, "high", law.n) if measured else NAN,
        "power_now": aims.chance(law, law.n),
        "own": own, "own_low": low, "own_high": high,
        "labels_for_own": _whole(for_own[0]), "labels_for_own_low": _whole(for_own[1]),
        "labels_for_own_high": _whole(for_own[2]),
        "deff": law.deff, "basis": law.basis, "method": law.method, "reason": why,
    }  # fmt: skip


def curve_of(laws: Sequence[Law], aims: Aims) -> pd.DataFrame:
    """Return what labels bring: a row a number and count of labels.

    Returns
    -------
    DataFrame
        ``goal, group, term, labels``; ``estimate``: the smallest effect that is found, or the
        half-width, with its range ``conf_low, conf_high``; ``std_error``; ``power`` to find what
        is wanted; ``n``: the labels that are there.

    Examples
    --------
    >>> law = Law("weight", "words", "log-odds per SD", 0.2, 100, 4.0, 3.0, 5.0)
    >>> curve_of([law], Aims(0.95, 0.8))[["labels", "std_error"]].values.tolist()[:2]
    [[50.0, 0.282...], [100.0, 0.2]]
    """
    rows = []
    for law in laws:
        if not (np.isfinite(law.variance) and (law.error or law.tested)):
            continue
        wanted = aims.needed(law, "variance", law.wanted)
        end = max(2.0 * (wanted if np.isfinite(wanted) else 0.0), 2.0 * law.n, 8.0 * _FIRST)
        points = int(min(np.ceil(np.log2(end / _FIRST)) + 1, _MOST_POINTS))
        for labels in (_FIRST * 2.0 ** np.arange(points)).tolist():
            if labels < law.least:
                continue
            error = float(np.sqrt(law.squared("variance", labels))) if law.error else NAN
            rows.append({
                "goal": law.goal, "group": law.group, "term": law.term, "labels": labels,
                "estimate": aims.found(law, "variance", labels),
                "conf_low": aims.found(law, "low", labels),
                "conf_high": aims.found(law, "high", labels),
                "std_error": error, "power": aims.chance(law, labels), "n": law.n,
            })  # fmt: skip
    return pd.DataFrame(rows, columns=list(CURVE))


CURVE = (
    "goal", "group", "term", "labels", "estimate", "conf_low", "conf_high", "std_error", "power",
    "n",
)  # fmt: skip
"""Columns of :func:`curve_of`."""


def _whole(labels: float) -> float:
    return float(np.ceil(labels - 1e-9)) if np.isfinite(labels) else NAN
