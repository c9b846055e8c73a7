"""Intraclass correlations: what one rating, or the mean of several, says of a unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import level_option, refuse_out_of_range
from workbench.intervals import Array, Codes
from workbench.structure.raters.counts import Counts, rating_table
from workbench.structure.raters.interval import (
    NONE_SHARED,
    ONE_VALUE,
    Measured,
    cluster_of,
    coefficient,
    no_measure,
)

FORMS = ("ICC1", "ICC2", "ICC3")
"""Shrout and Fleiss's (1,1), (2,1) and (3,1); with a k at the end, of the mean of k ratings."""

INCOMPLETE = "not every rater rated every pair: only the one-way form is defined"
"""Why there is no two-way form."""

NO_SPREAD = "units and ratings spread in no way that can be told apart"

NO_MEAN = "the means of the units do not differ: nothing can be told of them"

NO_END = "the interval of one rating reaches to where means of units do not differ"

TOO_LOW = "below what so many ratings can correlate: raters spread less than their error"
"""Why there is no two-way form where the variance between raters comes out below 0."""

FEW_UNITS = "one unit: nothing to tell apart"


def icc(
    ratings: ArrayLike,
    *,
    cluster: Sequence[int] | NDArray[Any] | None = None,
    level: float = 0.95,
) -> dict[str, dict[str, Any]]:
    r"""Return the six intraclass correlations of Shrout and Fleiss, by form.

    With mean squares between units (R), between raters (J), of the rest (E) and within units (W)
    of n units and k raters:

    .. math:: ICC_1 = \frac{R - W}{R + (k - 1) W},\quad
              ICC_2 = \frac{R - E}{R + (k - 1) E + k (J - E) / n},\quad
              ICC_3 = \frac{R - E}{R + (k - 1) E}

    and of means of k ratings :math:`k \rho / (1 + (k - 1) \rho)`.

    Parameters
    ----------
    ratings : array_like, shape (units, raters)
        NaN where a rater did not rate a unit. Units with one rating are left out. Where ratings
        lack, only the one-way forms are defined, with
        :math:`k_0 = (N - \sum_u n_u^2 / N) / (n - 1)` in place of k.
    cluster : sequence of int, shape (units,), optional
    level : float

    Returns
    -------
    dict of str to dict
        ``ICC1, ICC2, ICC3, ICC1k, ICC2k, ICC3k``: as
        :func:`workbench.structure.raters.alpha.krippendorff_alpha`, and ``k``.

    Raises
    ------
    DataError
        No table of numbers.

    Notes
    -----
    The error is from influence values over clusters, without the normal distribution that F
    intervals stand on; the interval holds these raters fixed. That of a mean turns the ends of the
    interval of one rating by the formula. k ratings cannot correlate below -1 / (k - 1): where
    ICC2 would (J < E, and R near 0), it is undefined.

    References
    ----------
    Shrout and Fleiss (1979), Psychological Bulletin 86; Donner (1986) for unequal numbers.

    Examples
    --------
    >>> ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9],
    ...            [6, 2, 4, 7]]
    >>> found = icc(ratings)  # the table of Shrout and Fleiss
    >>> [round(found[form]["estimate"], 2) for form in ("ICC1", "ICC2", "ICC3")]
    [0.17, 0.29, 0.71]
    >>> [round(found[form]["estimate"], 2) for form in ("ICC1k", "ICC2k", "ICC3k")]
    [0.44, 0.62, 0.91]
    """
    refuse_out_of_range({"level": level_option(level)})
    table = rating_table(ratings)
    codes = cluster_of(len(table), cluster)
    used = np.isfinite(table).sum(axis=1) > 1
    table, codes = table[used], codes[used]
    complete = bool(np.isfinite(table).all())
    return {
        name: found
        for form in FORMS
        for name, found in records(form, *correlation(table, form, complete), codes, level).items()
    }


def records(
    form: str, found: Measured, k: float, cluster: Codes, level: float
) -> dict[str, dict[str, Any]]:
    """Return the records of a form for one rating and for the mean of k.

    Examples
    --------
    >>> found = Measured(0.5, np.array([0.1, -0.1, 0.2, -0.2]), 1.0)
    >>> made = records("ICC1", found, 2.0, np.arange(4), 0.95)
    >>> made["ICC1"]["estimate"], round(made["ICC1k"]["estimate"], 3)
    (0.5, 0.667)
    """
    one = coefficient(found, cluster, level)
    return {form: {**one, "k": 1.0}, f"{form}k": _of_means(one, k)}


def correlation(table: Array, form: str, complete: bool) -> tuple[Measured, float]:
    """Return an intraclass correlation of one rating, and how many ratings a unit has.

    Parameters
    ----------
    table : ndarray, shape (units, raters)
        Units with two ratings or more; NaN where there is none.
    form : {"ICC1", "ICC2", "ICC3"}
    complete : bool
        Whether the columns are raters who rated every unit, as the two-way forms need.

    Examples
    --------
    >>> found, k = correlation(np.array([[1.0, 1], [2, 2], [3, 3]]), "ICC1", True)
    >>> found.estimate, k
    (1.0, 2.0)
    """
    there = np.isfinite(table)
    reason = NONE_SHARED if not len(table) else FEW_UNITS if len(table) < 2 else None
    if reason is None and np.ptp(table[there]) == 0:
        reason = ONE_VALUE
    if reason is None and form != "ICC1" and not complete:
        reason = INCOMPLETE
    if reason is not None:
        return no_measure(reason), np.nan
    # sums of squares about a far zero lose digits
    centred = np.where(there, table - table[there].mean(), 0.0)
    certain = 4 * float(table[there].var()) / float(np.ptp(table[there])) ** 2
    if form == "ICC1":
        n = there.sum(axis=1).astype(np.float64)
        found = _one_way(n, centred.sum(axis=1), (centred**2).sum(axis=1))
    else:
        found = _two_way(centred, form)
    return _checked(*found, certain)


def incomplete(counts: Counts) -> dict[str, tuple[Measured, float]]:
    """Return what :func:`correlation` does, of each form, where ratings are missing.

    Who gave a rating says nothing then, so that counts suffice.

    Examples
    --------
    >>> found, k = incomplete(Counts(np.array([[2, 0, 0], [0, 2, 0]]), np.arange(3.0)))["ICC1"]
    >>> found.estimate, k
    (1.0, 2.0)
    """
    n = counts.n
    of_value = counts.over(np.ones(len(n)))
    used = counts.values[of_value > 0]
    reason = NONE_SHARED if not len(n) else FEW_UNITS if len(n) < 2 else None
    if reason is None and len(used) == 1:
        reason = ONE_VALUE
    nothing = no_measure(reason or INCOMPLETE), np.nan
    found = dict.fromkeys(FORMS, nothing)
    if reason is None:
        centred = counts.values - of_value @ counts.values / n.sum()
        certain = 4 * float(of_value @ centred**2 / n.sum()) / float(np.ptp(used)) ** 2
        found["ICC1"] = _checked(*_one_way(n, *counts.dot(centred, centred**2)), certain)
    return found


def _checked(k: float, estimate: float, pull: Array, certain: float) -> tuple[Measured, float]:
    """Return a correlation and k, or why it is none."""
    if np.isnan(estimate):
        return no_measure(NO_SPREAD), np.nan
    if estimate < -1 / (k - 1) - 1e-9:
        return no_measure(TOO_LOW), np.nan
    return Measured(estimate, pull, certain), k


def _of_means(one: dict[str, Any], k: float) -> dict[str, Any]:
    """Return the correlation of means of k ratings, from that of one (Spearman and Brown)."""
    if np.isnan(one["estimate"]):
        return {**one, "k": k}
    room = {name: 1 + (k - 1) * one[name] for name in ("estimate", "conf_low", "conf_high")}
    blank = dict.fromkeys(("std_error", "conf_low", "conf_high"), np.nan)
    if room["estimate"] <= 1e-12:
        return {**one, **blank, "estimate": np.nan, "k": k, "reason": NO_MEAN}
    made = {name: k * one[name] / room[name] if room[name] > 1e-12 else np.nan for name in room}
    if room["conf_low"] <= 1e-12:
        return {**one, **blank, "estimate": made["estimate"], "k": k, "reason": NO_END}
    return {**one, **made, "std_error": k / room["estimate"] ** 2 * one["std_error"], "k": k}


def _one_way(n: Array, total: Array, square: Array) -> tuple[float, float, Array]:
    """Return k, ICC1 and what each unit adds to it, of its ratings' number, sum and squares."""
    sums = np.column_stack([np.ones(len(n)), n, n**2, total, total**2 / n, square])

    def ratio(T: NDArray[Any]) -> Any:
        units, N, between = T[0], T[1], T[4] - T[3] ** 2 / T[1]
        k = (N - T[2] / N) / (units - 1)
        R, W = between / (units - 1), (T[5] - T[4]) / (N - units)
        return (R - W) / (R + (k - 1) * W)

    estimate, pull = _with_pull(ratio, sums)
    count, N = float(len(n)), float(n.sum())
    return (N - float((n**2).sum()) / N) / (count - 1), estimate, pull


def _two_way(table: Array, form: str) -> tuple[float, float, Array]:
    """Return k, ICC2 or ICC3, and what each unit adds to it; no rating is missing."""
    k = table.shape[1]
    mean = table.mean(axis=1)
    within = ((table - mean[:, None]) ** 2).sum(axis=1)
    sums = np.column_stack([np.ones(len(table)), mean**2, within, table])

    def ratio(T: NDArray[Any]) -> Any:
        units, raters = T[0], T[3:]
        middle = raters.sum() / (k * units)
        R = k * (T[1] - units * middle**2) / (units - 1)
        between = (raters**2).sum() / units - k * units * middle**2
        E = (T[2] - between) / ((units - 1) * (k - 1))
        extra = k * (between / (k - 1) - E) / units if form == "ICC2" else 0.0
        return (R - E) / (R + (k - 1) * E + extra)

    return (float(k), *_with_pull(ratio, sums))


def _with_pull(measure: Callable[[NDArray[Any]], Any], sums: Array) -> tuple[float, Array]:
    """Return a measure of the sums over units, and what each unit adds to it to first order.

    The derivatives are by complex steps, exact to rounding (Squire and Trapp 1998).
    """
    total = sums.sum(axis=0).astype(np.complex128)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = float(measure(total).real)
    if not np.isfinite(estimate):
        return np.nan, np.zeros(len(sums))
    step = 1e-30
    slope = np.zeros(len(total))
    for k in range(len(total)):
        moved = total.copy()
        moved[k] += 1j * step
        slope[k] = measure(moved).imag / step
    return min(estimate, 1.0), np.asarray(sums @ slope)
