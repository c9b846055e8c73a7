"""The fit of one group of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.design import Design
from workbench.decompose.identify import Identification
from workbench.decompose.kernel import Array
from workbench.decompose.logit import LogitFit

SEPARATION = "separation: its weight is infinite"
NOTHING_LEFT = "separation leaves no label to fit it on"
NO_CONVERGENCE = "the fit did not converge"
"""Why a term of a model has no weight."""


@dataclass(frozen=True, eq=False)
class GroupFit:
    """The fit of one group of labels.

    Attributes
    ----------
    name : str
    coef : ndarray, shape (K,)
        Weights; NaN where a term could not be estimated (see ``reasons``).
    covariance, bread : ndarray, shape (K, K)
        Covariance of the weights as asked for, and inverse Hessian; NaN likewise.
    scale : float
        Small-sample factor of the sandwich.
    identification : Identification
    reasons : dict of str to str
        Why a term has no weight.
    n, n_clusters : int
        Labels and clusters.
    log_likelihood, mean_slope : float
    mean_curvature : ndarray, shape (K,)
        Weighted means of ``p (1 - p)`` and ``p (1 - p) (1 - 2 p) x``.
    decided : ndarray of int
        Design rows that a separating direction decides; they say nothing on the weights.
    df, effective : ndarray, shape (K,)
        Degrees of freedom and effective clusters of each weight; infinite and NaN where
        errors are not over clusters.
    thin : ndarray of bool, shape (K,)
        Terms of the model whose weight cannot be told: it rests on too few clusters, or
        labels that do not vary leave it without an error.
    dimensions : tuple of str
        Over what the labels were clustered.
    people : int
        Annotators behind the labels.
    single : tuple of str
        Dimensions asked for in which the labels are one cluster: left out.
    counts : dict of str to int
        Clusters of each dimension.
    """

    name: str
    coef: Array
    covariance: Array
    bread: Array
    scale: float
    identification: Identification
    reasons: dict[str, str]
    n: int
    n_clusters: int
    log_likelihood: float
    mean_slope: float
    mean_curvature: Array
    decided: NDArray[np.int64]
    df: Array
    effective: Array
    thin: NDArray[np.bool_]
    dimensions: tuple[str, ...]
    people: int
    single: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def active(self) -> NDArray[np.bool_]:
        """Which terms are in the model."""
        return np.isfinite(self.coef)

    @property
    def told(self) -> Array:
        """The weights that can be told: NaN as well where a term is thin."""
        return np.where(self.thin, np.nan, self.coef)


def group_fit(
    design: Design, group: int, fit: LogitFit, j: int, found: Identification, n_clusters: int
) -> GroupFit:
    """Return the fit of one group, by its place ``j`` among those fitted together."""
    gone = ~found.active
    coef, covariance, bread = fit.coef[j].copy(), fit.covariance[j].copy(), fit.bread[j].copy()
    coef[gone] = np.nan
    for matrix in (covariance, bread):
        matrix[gone] = np.nan
        matrix[:, gone] = np.nan
    return GroupFit(
        name=design.groups[group],
        coef=coef,
        covariance=covariance,
        bread=bread,
        scale=float(fit.scale[j]),
        identification=found,
        reasons={design.terms[k]: why for k, why in found.reasons.items()},
        n=int(design.n_labels[group]),
        n_clusters=n_clusters,
        log_likelihood=float(fit.log_likelihood[j]),
        mean_slope=float(fit.mean_slope[j]),
        mean_curvature=fit.mean_curvature[j],
        decided=np.empty(0, dtype=np.int64),
        df=np.full(len(coef), np.inf),
        effective=np.full(len(coef), np.nan),
        thin=np.zeros(len(coef), dtype=bool),
        dimensions=(),
        people=design.people(group),
    )


def blank(design: Design, fit: GroupFit, which: NDArray[np.bool_], reason: str) -> GroupFit:
    """Return a fit in which some terms have no weight, and why."""
    coef, covariance, bread = fit.coef.copy(), fit.covariance.copy(), fit.bread.copy()
    coef[which] = np.nan
    for matrix in (covariance, bread):
        matrix[which] = np.nan
        matrix[:, which] = np.nan
    reasons = {design.terms[k]: reason for k in np.flatnonzero(which)}
    return replace(
        fit, coef=coef, covariance=covariance, bread=bread, reasons={**fit.reasons, **reasons}
    )


def untold(design: Design, fit: GroupFit, why: Mapping[int, str]) -> GroupFit:
    """Return a fit some of whose weights cannot be told, by their place among the terms."""
    thin = fit.thin.copy()
    thin[list(why)] = True
    named = {design.terms[k]: reason for k, reason in why.items()}
    return replace(fit, thin=thin, reasons={**fit.reasons, **named})
