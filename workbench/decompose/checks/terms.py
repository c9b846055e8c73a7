"""The terms that are added to a fit: a link that bends, curved factors, interactions.

Each is odd: exchanging A and B flips its sign, as it flips that of every difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.checks.fitted import Fitted
from workbench.decompose.design import POSITION
from workbench.decompose.kernel import Array

BINS = 5
"""Groups of pairs by how certain the fit is."""

MOST_INTERACTIONS = 1_000
MOST_VALUES = 300_000_000
"""Interactions scanned in one group, and rows times interactions over all groups."""


@dataclass(frozen=True)
class Added:
    """An added term: its name, what kind of departure it is, and whose."""

    term: str
    kind: str
    factor: str | None = None
    other: str | None = None


def link(base: Fitted) -> tuple[list[Added], Array]:
    """Return what the linear predictor counts beyond its median size.

    Parameters
    ----------
    base : Fitted

    Returns
    -------
    terms : list of Added
    Z : ndarray, shape (rows, 1)
        ``sign(eta) max(|eta| - m, 0)``: an odd form of Pregibon's (1980) added predictor. Its
        square with a sign finds the same, but rests on fewer pairs.
    """
    middle = float(np.median(np.abs(base.eta)))
    term = Added(f"link, beyond a predictor of {middle:.2g}", "link")
    return [term], _beyond(base.eta, middle)[:, None]


def _beyond(d: Array, middle: float) -> Array:
    return np.asarray(np.sign(d) * np.maximum(np.abs(d) - middle, 0.0))


def certainty_bins(eta: Array) -> NDArray[np.int64]:
    """Return the bin of each row by the size of its linear predictor, least certain first.

    Parameters
    ----------
    eta : ndarray, shape (rows,)

    Examples
    --------
    >>> certainty_bins(np.array([-5.0, 1, 2, -3, 4])).tolist()
    [4, 0, 1, 2, 3]
    """
    size = np.abs(eta)
    edges = np.unique(np.quantile(size, np.arange(1, BINS) / BINS))
    return np.searchsorted(edges, size, side="left")


def bins(base: Fitted) -> Array:
    """Return one column a bin of certainty: the side that the fit takes there, 0 elsewhere.

    Parameters
    ----------
    base : Fitted
    """
    code = certainty_bins(base.eta)
    return np.asarray(np.sign(base.eta)[:, None] * (code[:, None] == np.arange(code.max() + 1)))


def curved(base: Fitted) -> tuple[list[Added], Array]:
    """Return for each factor what it adds beyond its median difference, and at all.

    Parameters
    ----------
    base : Fitted

    Returns
    -------
    terms : list of Added
    Z : ndarray, shape (rows, 2 per factor)
        ``sign(d) max(|d| - m, 0)`` with m the median size of a difference that is not 0,
        and ``sign(d)``.
    """
    terms, columns = [], []
    for name, d in zip(base.terms, base.X.T, strict=True):
        if name == POSITION:
            continue
        size, sign = np.abs(d), np.sign(d)
        middle = float(np.median(size[size > 0]))
        terms.append(Added(f"{name}, beyond {middle:.3g}", "bend", name))
        columns.append(_beyond(d, middle))
        terms.append(Added(f"{name}, any difference", "step", name))
        columns.append(sign)
    return terms, np.column_stack(columns) if columns else np.empty((len(base.X), 0))


def scanned_factors(base: Fitted, coef: Array, error: Array, groups: int) -> list[int]:
    """Return the factors whose interactions are scanned: all, or the clearest weights.

    Parameters
    ----------
    base : Fitted
    coef, error : ndarray, shape (K,)
        Of the terms of ``base``.
    groups : int
        Groups of the result, which share ``MOST_VALUES``.

    Notes
    -----
    M factors give M (M - 1) interactions with each other and M of the position: at most
    1,000, and at most 300 million rows times interactions over all groups.
    """
    most = min(MOST_INTERACTIONS, MOST_VALUES / (max(groups, 1) * max(len(base.X), 1)))
    factors = [k for k, name in enumerate(base.terms) if name != POSITION]
    clear = np.divide(np.abs(coef), error, out=np.zeros(len(coef)), where=error > 0)
    order = sorted(factors, key=lambda k: (-clear[k], k))
    return sorted(order[: max(int(np.sqrt(most)), 2)])


def interactions(
    base: Fitted, factors: Sequence[int]
) -> Iterator[tuple[list[Added], Array]]:  # fmt: skip
    """Yield each term's interactions with the size of the other factors' differences.

    Parameters
    ----------
    base : Fitted
    factors : sequence of int
        Terms of ``base``.

    Yields
    ------
    terms : list of Added
    Z : ndarray
        ``d_k |d_l|``: how the weight of k changes with the size of the difference in l.
    """
    position = [k for k, name in enumerate(base.terms) if name == POSITION]
    sizes = np.abs(base.X)
    for k in [*factors, *position]:
        others = [i for i in factors if i != k]
        if others:
            name = base.terms[k]
            terms = [
                Added(f"{name} × size of {base.terms[i]}", "interaction", name, base.terms[i])
                for i in others
            ]
            yield terms, base.X[:, [k]] * sizes[:, others]
