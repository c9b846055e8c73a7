"""Which models can be rated together: the graph of who won against whom."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array, Codes


class Met(Protocol):
    """Battles one by one, or what they add up to."""

    @property
    def models(self) -> list[str]:
        """Names of the models."""

    def times_met(self) -> Codes:
        """Return how many battles each two models had, (M, M)."""

    def wins(self) -> Array:
        """Return the weight of wins of each model over each other one, (M, M)."""


def comparable(battles: Met) -> tuple[Codes, dict[str, str]]:
    """Return the models whose ratings are finite and comparable, and why others are not.

    Parameters
    ----------
    battles : Battles, or their sums

    Returns
    -------
    models : ndarray of int
        The largest set in which each model has won or tied, directly or through others,
        against each other one (by models, then by battles).
    reasons : dict of str to str
        By model outside of it.

    Notes
    -----
    A Bradley-Terry fit has a finite maximum on the models of one strongly connected
    component of the graph of wins, and only there (Ford 1957).
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    M = len(battles.models)
    graph = csr_array(battles.wins() > 0)
    parts, part = connected_components(graph, connection="strong")
    size = np.bincount(part, minlength=parts)
    inside = np.where(part[:, None] == part[None, :], battles.times_met(), 0)
    fought = np.bincount(part, inside.sum(axis=1), minlength=parts)
    # of equals, the one that holds the first name
    order = np.lexsort((-np.unique(part, return_index=True)[1], fought, size))
    best = int(order[-1])
    rated = np.flatnonzero(part == best)
    outside = np.flatnonzero(part != best)
    beaten = (_reach(graph, rated, M), _reach(csr_array(graph.T), rated, M))
    reasons = {battles.models[m]: _why(beaten[0][m], beaten[1][m]) for m in outside.tolist()}
    return rated, reasons


def _why(lost: bool, won: bool) -> str:
    if lost and not won:
        return "never won against the rated models, even through others: no lower bound"
    if won and not lost:
        return "never lost against the rated models, even through others: no upper bound"
    return "no chain of battles connects it with the rated models"


def _reach(graph: object, start: Codes, M: int) -> NDArray[np.bool_]:
    """Return which models a chain of edges leads to from the rated ones."""
    from scipy.sparse.csgraph import breadth_first_order

    reached = np.zeros(M, dtype=bool)
    # the rated ones reach each other, so any one of them leads to all
    found = breadth_first_order(graph, int(start[0]), return_predecessors=False)
    reached[found] = True
    return reached
