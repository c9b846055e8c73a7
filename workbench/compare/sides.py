"""The two fits of a contrast, and what their clusters do to both of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import CLUSTER, Design
from workbench.decompose.errors.clustered import clustered, sandwich
from workbench.decompose.errors.sandwich import Sandwich
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.kernel import Array, logistic

Numbers = dict[str, NDArray[np.int64]]


class Side:
    """One fit, with the errors of its weights.

    Parameters
    ----------
    fit : GroupFit
    design : Design
    numbers : dict of str to ndarray of int, optional
        Numbers of the clusters, by dimension, that another side shares
        (:func:`workbench.decompose.estimate.sandwich`).
    """

    def __init__(self, fit: GroupFit, design: Design, numbers: Numbers | None = None) -> None:
        # joint errors are over clusters, and so is what can be told, whatever the fit's own are
        self.fit = fit if fit.dimensions else clustered(design, fit)
        self.design = design
        self.rows, self.cells = design.compact(design.groups.index(fit.name))
        self.errors: Sandwich = sandwich(design, self.fit, numbers)
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

    def labelled_clusters(self) -> NDArray[np.int64]:
        """Return the clusters that the group labelled."""
        return np.unique(self.design.cluster[self.rows])

    def verdicts(self) -> pd.Series:
        """Mean preference of each pair that the group labelled, by pair_id."""
        pair = self.design.pair[self.rows]
        votes = np.bincount(pair, self.cells.votes[:, 0], len(self.design.pair_ids))
        weight = np.bincount(pair, self.cells.weight[:, 0], len(self.design.pair_ids))
        labelled = np.flatnonzero(weight)
        return pd.Series(votes[labelled] / weight[labelled], self.design.pair_ids[labelled])

    def on_pairs(self, pair_ids: pd.Index) -> NDArray[np.int64]:
        """Return the design rows of some pairs that the group labelled."""
        chosen = np.zeros(len(self.design.pair_ids), dtype=bool)
        chosen[self.design.pair_ids.get_indexer(pair_ids)] = True
        return self.rows[chosen[self.design.pair[self.rows]]]

    def marginal(self, rows: NDArray[np.int64]) -> tuple[Array, Array]:
        """Return average marginal effects over some rows, (K,), and their jacobian (K, K)."""
        X = self.design.X[rows]
        coef = np.where(self.fit.active, self.fit.coef, 0.0)
        p = logistic(X @ coef)
        slope = p * (1.0 - p)
        curvature = (slope * (1.0 - 2.0 * p)) @ X / len(X)
        jacobian = slope.mean() * np.eye(len(coef)) + np.outer(coef, curvature)
        return slope.mean() * self.told, jacobian


def sides(fit: Decomposition, groups: list[str], base: Decomposition) -> tuple[list[Side], Side]:
    """Return the sides of some groups and of the one of ``base``, clusters matched by name."""
    first, second = fit.design, base.design
    mine: Numbers = {}
    theirs: Numbers = {}
    if first is not second:
        dimensions = {d for g in groups for d in first.dimensions(first.groups.index(g))}
        for name in dimensions & set(second.dimensions(second.groups.index(base.groups[0]))):
            mine[name], theirs[name] = _matched(first, second, name)
    reference = Side(base.fits[base.groups[0]], second, theirs)
    return [Side(fit.fits[g], first, mine) for g in groups], reference


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
