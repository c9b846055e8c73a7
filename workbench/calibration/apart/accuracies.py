"""How often a judge chooses the right response, by whether that is the longer one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.audit.gaps import gap_row
from workbench.audit.measures import share_row
from workbench.clustered import Array, Codes

ALL = "right"
PLACES = {
    1: "right where the right one is longer",
    0: "right where both are about as long",
    -1: "right where the right one is shorter",
}
GAP = "longer minus shorter"


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
    for sign, term in PLACES.items():
        own = place == sign
        yield share_row(term, values[own], cluster[own], level, "no such pair")
    yield gap_row(GAP, values, place, cluster, level)
