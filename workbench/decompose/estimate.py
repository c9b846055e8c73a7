"""Fits of every group of a design: identification, separation, many groups at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.design import Design
from workbench.decompose.errors.clustered import clustered, varied
from workbench.decompose.group_fit import (
    NO_CONVERGENCE,
    NOTHING_LEFT,
    SEPARATION,
    GroupFit,
    blank,
    group_fit,
)
from workbench.decompose.identify import STEEP, identify, separation
from workbench.decompose.kernel import Cells, in_threads
from workbench.decompose.logit import Covariance, fit_logit

Rows = slice | NDArray[np.int64]

_BATCH = 48
_DENSE = 0.25
"""Share of the rows a group must have labelled to be fitted together with others."""


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
    # errors over clusters are made afterwards, from the fit's own matrices
    kind: Covariance = "classical" if covariance == "cluster" else covariance
    fit = fit_logit(X, cells, active=active, n_labels=n, covariance=kind)
    where = np.arange(len(design.X))[rows]

    def finished(j: int) -> GroupFit:
        one = cells.take(groups=slice(j, j + 1))
        labelled = one.weight[:, 0] > 0
        own = cluster[labelled]
        n_clusters = int((own[1:] != own[:-1]).sum()) + 1 if len(own) else 0
        result = group_fit(design, groups[j], fit, j, found[j], n_clusters)
        if fit.steepest[j] > STEEP or not fit.converged[j]:
            result = _separated(design, result, bool(fit.converged[j]), where, one, kind)
        return clustered(design, result) if covariance == "cluster" else varied(design, result)

    return dict(zip(groups, in_threads(finished, range(len(groups))), strict=True))


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
        return fit if converged else blank(design, fit, active, NO_CONVERGENCE)
    split = blank(design, fit, infinite, SEPARATION)
    split = replace(split, decided=rows[decided])
    rest = active & ~infinite
    if not rest.any() or decided.all():
        return blank(design, split, rest, NOTHING_LEFT)
    remaining = part.take(~decided)
    split = replace(split, n=_labels_on(design, fit.name, split.decided))
    n = np.array([split.n])
    found = identify(x[~decided], remaining, design.terms, n)[0]
    again = fit_logit(
        x[~decided],
        remaining,
        active=found.active[None],
        n_labels=n,
        covariance=covariance,
    )
    coef, matrix, bread = split.coef.copy(), split.covariance.copy(), split.bread.copy()
    coef[rest] = np.where(found.active, again.coef[0], np.nan)[rest]
    for target, source in ((matrix, again.covariance[0]), (bread, again.bread[0])):
        target[np.ix_(rest, rest)] = source[np.ix_(rest, rest)]
    lost = {design.terms[k]: why for k, why in found.reasons.items() if rest[k]}
    return replace(
        split,
        coef=coef,
        covariance=matrix,
        bread=bread,
        n_clusters=len(np.unique(design.cluster[rows[~decided]])),
        log_likelihood=float(again.log_likelihood[0]),
        mean_slope=float(again.mean_slope[0]),
        mean_curvature=again.mean_curvature[0],
        reasons={**split.reasons, **lost},
    )


def _labels_on(design: Design, name: str, decided: NDArray[np.int64]) -> int:
    """Return how many of a group's labels stand on rows that are not decided."""
    group = design.groups.index(name)
    row = design.cell_row[design.label_cell[design.labels_of(group)]]
    return int((~np.isin(row, decided)).sum())
