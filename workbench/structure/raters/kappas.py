"""Fleiss' kappa and Gwet's AC1: agreement of two raters beyond two ideas of chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import level_option, refuse_out_of_range
from workbench.intervals import Array
from workbench.structure.raters.counts import Counts, as_counts
from workbench.structure.raters.interval import (
    NONE_SHARED,
    ONE_VALUE,
    Measured,
    cluster_of,
    coefficient,
    no_measure,
)


def fleiss_kappa(
    ratings: ArrayLike | Counts,
    *,
    cluster: Sequence[int] | NDArray[Any] | None = None,
    level: float = 0.95,
) -> dict[str, Any]:
    r"""Return Fleiss' kappa with its interval over clusters of units.

    .. math:: \kappa = \frac{p_a - p_e}{1 - p_e},\quad
              p_a = \frac{1}{N} \sum_u \sum_k \frac{c_{uk} (c_{uk} - 1)}{n_u (n_u - 1)},\quad
              p_e = \sum_k \pi_k^2,\quad \pi_k = \frac{1}{N} \sum_u \frac{c_{uk}}{n_u}

    Parameters
    ----------
    ratings : array_like, shape (units, raters), or Counts
        NaN where a rater did not rate a unit.
    cluster : sequence of int, shape (units,), optional
    level : float

    Returns
    -------
    dict
        As :func:`workbench.structure.raters.alpha.krippendorff_alpha`.

    Notes
    -----
    Units need not have as many ratings each (Gwet 2014). Those with one are left out, of the
    chance agreement too; irrCAC keeps them there.

    References
    ----------
    Fleiss (1971); Gwet (2014), Handbook of Inter-Rater Reliability, 4th edition, chapter 2.

    Examples
    --------
    >>> counts = [[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0],
    ...           [2, 2, 8, 1, 1], [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2],
    ...           [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]]
    >>> table = Counts(np.array(counts), np.arange(5.0))
    >>> round(fleiss_kappa(table)["estimate"], 3)  # a worked example of 14 raters
    0.21
    """
    return _beyond(ratings, cluster, level, ac1=False)


def gwet_ac1(
    ratings: ArrayLike | Counts,
    *,
    cluster: Sequence[int] | NDArray[Any] | None = None,
    level: float = 0.95,
) -> dict[str, Any]:
    r"""Return Gwet's AC1 with its interval over clusters of units.

    As :func:`fleiss_kappa`, with chance from the q values that occur:

    .. math:: p_e = \frac{1}{q - 1} \sum_k \pi_k (1 - \pi_k)

    Where nearly all ratings are one value, kappa falls to 0 though nearly all agree; AC1 does not.

    Parameters
    ----------
    ratings, cluster, level
        As :func:`fleiss_kappa` takes them.

    Returns
    -------
    dict

    References
    ----------
    Gwet (2008), British Journal of Mathematical and Statistical Psychology 61.

    Examples
    --------
    >>> rare = [[0, 0]] * 9 + [[0, 1]]
    >>> round(gwet_ac1(rare)["estimate"], 3), round(fleiss_kappa(rare)["estimate"], 3)
    (0.89, -0.053)
    """
    return _beyond(ratings, cluster, level, ac1=True)


def chance_to_agree(table: Counts) -> Array:
    """Return the share of the pairs of ratings of each unit that agree, shape (units,).

    Examples
    --------
    >>> chance_to_agree(as_counts([[1, 1, 2], [1, 1, 1]])).round(3).tolist()
    [0.333, 1.0]
    """
    n = table.n
    return np.asarray((table.squares() - n) / (n * (n - 1)))


def beyond_chance(table: Counts, *, ac1: bool) -> Measured:
    """Return Fleiss' kappa, or Gwet's AC1, with what each unit adds to it.

    Parameters
    ----------
    table : Counts
        Units with two ratings or more.
    ac1 : bool

    Examples
    --------
    >>> round(beyond_chance(as_counts([[1, 1], [2, 2], [1, 2]]), ac1=False).estimate, 3)
    0.333
    """
    if not len(table):
        return no_measure(NONE_SHARED)
    part = Counts(table.counts / table.n[:, None], table.values)
    pi = np.asarray(part.counts.mean(axis=0))
    q = int((pi > 0).sum())
    if q < 2:
        return no_measure(ONE_VALUE)
    agree = chance_to_agree(table)
    found = float(agree.mean())
    if ac1:
        by_chance, slope = float((pi * (1 - pi)).sum()) / (q - 1), (1 - 2 * pi) / (q - 1)
    else:
        by_chance, slope = float(pi @ pi), 2 * pi
    room = 1 - by_chance
    moved = part.dot(slope) - float(pi @ slope)
    pull = ((agree - found) / room - (1 - found) / room**2 * moved) / len(table)
    return Measured(min(1 - (1 - found) / room, 1.0), pull, 2 * room)


def _beyond(
    ratings: ArrayLike | Counts,
    cluster: Sequence[int] | NDArray[Any] | None,
    level: float,
    *,
    ac1: bool,
) -> dict[str, Any]:
    refuse_out_of_range({"level": level_option(level)})
    table = as_counts(ratings)
    codes, used = cluster_of(len(table), cluster), table.n > 1
    if not used.all():
        table, codes = table.take(used), codes[used]
    return coefficient(beyond_chance(table, ac1=ac1), codes, level)
