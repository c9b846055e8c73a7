"""The two fits of a contrast, and what their clusters do to both of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.agreement import agreement_and_kappa
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import CLUSTER, Design
from workbench.decompose.errors.clustered import clustered, sandwich
from workbench.decompose.errors.sandwich import Sandwich
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.kernel import Array, Cells, logistic

Numbers = dict[str, NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Common:
    """What two sides have in common.

    Attributes
    ----------
    clusters : int
        Clusters that both labelled.
    pairs : int
        Pairs that both labelled.
    effects : tuple of (ndarray, ndarray), one a side
        Average marginal effects on those pairs (K,), and their jacobian (K, K); on all pairs of
        each side where both have none.
    n, n_tied : int
        Pairs that both decide, and those that one of them calls a tie.
    agreement, kappa : dict
        As :func:`workbench.agreement.agreement_and_kappa` returns them.
    """

    clusters: int
    pairs: int
    effects: tuple[tuple[Array, Array], tuple[Array, Array]]
    n: int
    n_tied: int
    agreement: dict[str, Any]
    kappa: dict[str, Any]


class Side(ABC):
    """One fit, with the errors of its weights.

    Parameters
    ----------
    fit : GroupFit
        With cluster-robust errors.
    design : Design
    errors : Sandwich
    """

    def __init__(self, fit: GroupFit, design: Design, errors: Sandwich) -> None:
        self.fit, self.design, self.errors = fit, design, errors
        self.covariance: Array = self.errors.covariance

    @property
    def told(self) -> Array:
        """The weights that can be told, shape (K,); NaN for others."""
        return self.fit.told

    def unit(self, other: Side) -> Array:
        """Return the errors of differences, shape (K,), if both sides were independent.

        What is far smaller than this is an error of rounding.
        """
        return np.sqrt(np.maximum(np.diag(self.covariance + other.covariance), 0.0))

    @abstractmethod
    def common(self, other: Any, level: float) -> Common:
        """Return what it has in common with another side of its kind."""


class Held(Side):
    """A side whose rows are in memory.

    Parameters
    ----------
    fit : GroupFit
    design : Design
    numbers : dict of str to ndarray of int, optional
        Numbers of the clusters, by dimension, that another side shares
        (:func:`workbench.decompose.errors.clustered.sandwich`), and
    sizes : dict of str to int, optional
        more than the largest of those on either side.
    """

    def __init__(
        self, fit: GroupFit, design: Design, numbers: Numbers | None = None,
        sizes: dict[str, int] | None = None,
    ) -> None:  # fmt: skip
        # joint errors are over clusters, and so is what can be told, whatever the fit's own are
        fit = fit if fit.dimensions else clustered(design, fit)
        self.rows, self.cells = design.compact(design.groups.index(fit.name))
        super().__init__(fit, design, sandwich(design, fit, numbers, sizes))

    def verdicts(self) -> pd.Series:
        """Mean preference of each pair that the group labelled, by pair_id."""
        labelled, means = verdicts(self.design.pair[self.rows], self.cells)
        return pd.Series(means, self.design.pair_ids[labelled])

    def on_pairs(self, pair_ids: pd.Index) -> NDArray[np.int64]:
        """Return the design rows of some pairs that the group labelled."""
        chosen = np.zeros(len(self.design.pair_ids), dtype=bool)
        chosen[self.design.pair_ids.get_indexer(pair_ids)] = True
        return self.rows[chosen[self.design.pair[self.rows]]]

    def common(self, other: Held, level: float) -> Common:
        """Return what it has in common with another side."""
        mine, theirs = self.verdicts(), other.verdicts()
        both = pd.concat([mine, theirs], axis=1, join="inner")
        a, b = both[0].to_numpy(), both[1].to_numpy()
        decided = (a != 0.5) & (b != 0.5)
        where = self.design.pair_ids.get_indexer(both.index[decided])
        # a pair's rows all lie in one cluster: its first row tells which
        cluster_of = np.zeros(len(self.design.pair_ids), dtype=np.int64)
        cluster_of[self.design.pair] = self.design.cluster
        found = agreement_and_kappa(a[decided] > 0.5, b[decided] > 0.5, cluster_of[where], level)
        pairs = mine.index.intersection(theirs.index)
        effects = [
            Slopes.of(side.design.X[side.rows if pairs.empty else side.on_pairs(pairs)], side.fit)
            for side in (self, other)
        ]
        return Common(
            clusters=len(_shared(self, other)),
            pairs=len(pairs),
            effects=(effects[0].marginal(self.fit), effects[1].marginal(other.fit)),
            n=int(decided.sum()),
            n_tied=int((~decided).sum()),
            agreement=found[0],
            kappa=found[1],
        )


@dataclass(frozen=True, eq=False)
class Slopes:
    """What average marginal effects are made of: it adds up over rows.

    Attributes
    ----------
    n : int
    slope : float
        Sum of the slopes ``p (1 - p)``.
    curvature : ndarray, shape (K,)
        Sum of ``p (1 - p) (1 - 2 p) x``.
    """

    n: int
    slope: float
    curvature: Array

    @classmethod
    def of(cls, X: Array, fit: GroupFit) -> Slopes:
        """Return it of some rows."""
        p = logistic(X @ np.where(fit.active, fit.coef, 0.0))
        slope = p * (1.0 - p)
        return cls(len(X), float(slope.sum()), (slope * (1.0 - 2.0 * p)) @ X)

    def __add__(self, other: Slopes) -> Slopes:
        return Slopes(self.n + other.n, self.slope + other.slope, self.curvature + other.curvature)

    def marginal(self, fit: GroupFit) -> tuple[Array, Array]:
        """Return average marginal effects, (K,), and their jacobian (K, K)."""
        coef, mean = np.where(fit.active, fit.coef, 0.0), self.slope / self.n
        jacobian = mean * np.eye(len(coef)) + np.outer(coef, self.curvature / self.n)
        return mean * fit.told, jacobian


def verdicts(pair: NDArray[np.int64], cells: Cells) -> tuple[NDArray[np.int64], Array]:
    """Return the pairs that a group labelled, and its mean preference on each.

    Parameters
    ----------
    pair : ndarray of int, shape (rows,)
        Number of each row's pair.
    cells : Cells
        The group's on those rows.
    """
    votes, weight = np.bincount(pair, cells.votes[:, 0]), np.bincount(pair, cells.weight[:, 0])
    labelled = np.flatnonzero(weight)
    return labelled, votes[labelled] / weight[labelled]


def _shared(first: Held, second: Held) -> Any:
    mine, theirs = (np.unique(side.design.cluster[side.rows]) for side in (first, second))
    if first.design is second.design:
        return np.intersect1d(mine, theirs)
    return first.design.cluster_names[mine].intersection(second.design.cluster_names[theirs])


def sides(fit: Decomposition, groups: list[str], base: Decomposition) -> tuple[list[Held], Held]:
    """Return the sides of some groups and of the one of ``base``, clusters matched by name."""
    first, second = fit.design, base.design
    mine: Numbers = {}
    theirs: Numbers = {}
    if first is not second:
        dimensions = {d for g in groups for d in first.dimensions(first.groups.index(g))}
        for name in dimensions & set(second.dimensions(second.groups.index(base.groups[0]))):
            mine[name], theirs[name] = _matched(first, second, name)
    # what several dimensions share is numbered alike on both sides
    sizes = {name: int(max(mine[name].max(), theirs[name].max())) + 1 for name in mine}
    reference = Held(base.fits[base.groups[0]], second, theirs, sizes)
    return [Held(fit.fits[g], first, mine, sizes) for g in groups], reference


def _matched(
    first: Design, second: Design, name: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return codes of both designs in which clusters of one name have one number."""
    if name == CLUSTER:
        codes, names = (first.cluster, second.cluster), (first.cluster_names, second.cluster_names)
    else:
        codes = first.codes[name], second.codes[name]
        names = first.code_names[name], second.code_names[name]
    # what has no name is nobody else's cluster
    known = names[0][names[0].notna()]
    at = np.where(names[1].notna(), known.get_indexer(names[1]), -1)
    at = np.where(at < 0, len(names[0]) + np.cumsum(at < 0) - 1, at)
    return codes[0], at[codes[1]]
