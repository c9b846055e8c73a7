"""Fits of every group of a design: identification, separation, many groups at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.design import Design
from workbench.decompose.identify import STEEP, Identification, identify, separation
from workbench.decompose.kernel import Array, Cells
from workbench.decompose.logit import Covariance, LogitFit, fit_logit

Rows = slice | NDArray[np.int64]

_BATCH = 48
_DENSE = 0.25
"""Share of the rows a group must have labelled to be fitted together with others."""


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

    @property
    def active(self) -> NDArray[np.bool_]:
        """Which terms have a weight."""
        return np.isfinite(self.coef)


def fit_groups(design: Design, covariance: Covariance) -> list[GroupFit]:
    """Fit every group of a design.

    Groups that labelled most rows are fitted together; sparse ones on their own rows.
    """
    fits: dict[int, GroupFit] = {}
    for groups, rows, cells in batches(design):
        fits.update(_fit(design, groups, rows, cells, covariance))
    return [fits[g] for g in range(len(design.groups))]


def batches(design: Design) -> Iterator[tuple[list[int], Rows, Cells]]:
    """Yield groups to fit together, the design rows they need, and their cells there."""
    share = np.bincount(design.cell_group, minlength=len(design.groups)) / len(design.X)
    dense = np.flatnonzero(share >= _DENSE)
    for batch in np.split(dense, range(_BATCH, len(dense), _BATCH)):
        if len(batch):
            groups = [int(g) for g in batch]
            yield groups, slice(None), design.dense(groups)
    for group in np.flatnonzero(share < _DENSE):
        rows, cells = design.compact(int(group))
        yield [int(group)], rows, cells


def _fit(
    design: Design,
    groups: list[int],
    rows: Rows,
    cells: Cells,
    covariance: Covariance,
) -> dict[int, GroupFit]:
    X, cluster = design.X[rows], design.cluster[rows]
    n = design.n_labels[groups]
    found = identify(X, cells, design.terms, n)
    active = np.stack([one.active for one in found])
    fit = fit_logit(X, cells, active=active, n_labels=n, covariance=covariance, clusters=cluster)
    results = {}
    for j, group in enumerate(groups):
        one = cells.take(groups=slice(j, j + 1))
        labelled = one.weight[:, 0] > 0
        n_clusters = len(np.unique(cluster[labelled]))
        result = _group_fit(design, group, fit, j, found[j], n_clusters)
        if fit.steepest[j] > STEEP or not fit.converged[j]:
            converged = bool(fit.converged[j])
            where = np.arange(len(design.X))[rows]
            result = _separated(design, result, converged, where, one, covariance)
        results[group] = result
    return results


def _group_fit(
    design: Design, group: int, fit: LogitFit, j: int, found: Identification, n_clusters: int
) -> GroupFit:
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
    )


def _separated(
    design: Design,
    fit: GroupFit,
    converged: bool,
    rows: NDArray[np.int64],
    cells: Cells,
    covariance: Covariance,
) -> GroupFit:
    """Give no weight to terms of a separating direction; fit the rest on the other rows."""
    labelled = cells.weight[:, 0] > 0
    rows, part = rows[labelled], cells.take(labelled)
    x = design.X[rows]
    active = fit.identification.active
    infinite, decided = separation(x, part.weight[:, 0], part.votes[:, 0], active)
    if not infinite.any():
        return fit if converged else _blank(design, fit, active, "the fit did not converge")
    blank = _blank(design, fit, infinite, "separation: its weight is infinite")
    blank = replace(blank, decided=rows[decided])
    rest = active & ~infinite
    if not rest.any() or decided.all():
        return _blank(design, blank, rest, "separation leaves no label to fit it on")
    remaining = part.take(~decided)
    n = np.array([(~decided).sum()])
    found = identify(x[~decided], remaining, design.terms, n)[0]
    again = fit_logit(
        x[~decided],
        remaining,
        active=found.active[None],
        n_labels=n,
        covariance=covariance,
        clusters=design.cluster[rows[~decided]],
    )
    coef, matrix, bread = blank.coef.copy(), blank.covariance.copy(), blank.bread.copy()
    coef[rest] = np.where(found.active, again.coef[0], np.nan)[rest]
    for target, source in ((matrix, again.covariance[0]), (bread, again.bread[0])):
        target[np.ix_(rest, rest)] = source[np.ix_(rest, rest)]
    lost = {design.terms[k]: why for k, why in found.reasons.items() if rest[k]}
    return replace(
        blank, coef=coef, covariance=matrix, bread=bread, reasons={**blank.reasons, **lost}
    )


def _blank(design: Design, fit: GroupFit, which: NDArray[np.bool_], reason: str) -> GroupFit:
    coef, covariance, bread = fit.coef.copy(), fit.covariance.copy(), fit.bread.copy()
    coef[which] = np.nan
    for matrix in (covariance, bread):
        matrix[which] = np.nan
        matrix[:, which] = np.nan
    reasons = {design.terms[k]: reason for k in np.flatnonzero(which)}
    return replace(
        fit, coef=coef, covariance=covariance, bread=bread, reasons={**fit.reasons, **reasons}
    )
