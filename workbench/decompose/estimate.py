"""Fits of every group of a design: identification, separation, many groups at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.design import Design
from workbench.decompose.errors.clustered import clustered, varied
from workbench.decompose.errors.sandwich import Errors
from workbench.decompose.errors.sums import summed
from workbench.decompose.group_fit import (
    NO_CONVERGENCE,
    NOTHING_LEFT,
    SEPARATION,
    GroupFit,
    blank,
    group_fit,
)
from workbench.decompose.identify import (
    STEEP,
    Identification,
    identify,
    separation,
    separation_by_sign,
)
from workbench.decompose.kernel import Cells, in_threads
from workbench.decompose.logit import Covariance, LogitFit, fit_logit, hc1_scale

Rows = slice | NDArray[np.int64]

_BATCH = 48
_DENSE = 0.25
"""Share of the rows a group must have labelled to be fitted together with others."""


def fit_groups(
    design: Design,
    covariance: Covariance,
    groups: Sequence[int] | None = None,
    made: Callable[[Design, GroupFit], Errors] = summed,
) -> list[GroupFit]:
    """Fit groups of a design.

    Groups that labelled most rows are fitted together; sparse ones on their own rows.

    Parameters
    ----------
    design : Design
    covariance : {"cluster", "HC1", "classical"}
    groups : sequence of int, optional
        Groups to fit, in this order; all when None.
    made : callable
        Makes the errors over clusters.
    """
    wanted = list(range(len(design.groups))) if groups is None else [int(g) for g in groups]
    fits: dict[int, GroupFit] = {}
    for some, rows, cells in batches(design, wanted):
        fits.update(_fit(design, some, rows, cells, covariance, made))
    return [fits[g] for g in wanted]


def batches(
    design: Design, groups: Sequence[int] | None = None
) -> Iterator[tuple[list[int], Rows, Cells]]:
    """Yield groups to fit together, the design rows they need, and their cells there."""
    share = np.bincount(design.cell_group, minlength=len(design.groups)) / len(design.X)
    wanted = np.zeros(len(share), dtype=bool)
    wanted[slice(None) if groups is None else list(groups)] = True
    dense = np.flatnonzero(wanted & (share >= _DENSE))
    for batch in np.split(dense, range(_BATCH, len(dense), _BATCH)):
        if len(batch):
            groups = [int(g) for g in batch]
            yield groups, slice(None), design.dense(groups)
    for group in np.flatnonzero(wanted & (share < _DENSE)):
        rows, cells = design.compact(int(group))
        yield [int(group)], rows, cells


def _fit(
    design: Design,
    groups: list[int],
    rows: Rows,
    cells: Cells,
    covariance: Covariance,
    made: Callable[[Design, GroupFit], Errors],
) -> dict[int, GroupFit]:
    X, cluster = design.X[rows], design.cluster[rows]
    n = design.n_labels[groups]
    found = identify(X, cells, design.terms, n)
    active = np.stack([one.active for one in found])
    # errors over clusters are made afterwards, from the fit's own matrices
    kind: Covariance = "classical" if covariance == "cluster" else covariance
    where = np.arange(len(design.X))[rows]

    def ended(result: GroupFit) -> GroupFit:
        return (
            clustered(design, result, made) if covariance == "cluster" else varied(design, result)
        )

    if len(groups) == 1:
        quick = _without_rare(design, groups[0], found[0], where, cells, kind)
        if quick is not None:
            return {groups[0]: ended(quick)}
    fit = fit_logit(X, cells, active=active, n_labels=n, covariance=kind)

    def finished(j: int) -> GroupFit:
        one = cells.take(groups=slice(j, j + 1))
        n_clusters = _runs(cluster[one.weight[:, 0] > 0])
        result = group_fit(design, groups[j], fit, j, found[j], n_clusters)
        if fit.steepest[j] > STEEP or not fit.converged[j]:
            result = _separated(design, result, bool(fit.converged[j]), where, one, kind)
        return ended(result)

    return dict(zip(groups, in_threads(finished, range(len(groups))), strict=True))


def _runs(codes: NDArray[np.int64]) -> int:
    """Return how many values sorted codes have."""
    return int((codes[1:] != codes[:-1]).sum()) + 1 if len(codes) else 0


def _without_rare(
    design: Design,
    group: int,
    found: Identification,
    rows: NDArray[np.int64],
    cells: Cells,
    covariance: Covariance,
) -> GroupFit | None:
    """Fit a group without the terms that each separate labels; None where there are none.

    None as well where it takes more to see whether the others separate some.
    """
    weight, votes = cells.weight[:, 0], cells.votes[:, 0]
    X = design.X if len(rows) == len(design.X) else design.X[rows]
    infinite, decided = separation_by_sign(X, weight, votes, found.active)
    if not infinite.any():
        return None
    rest = found.active & ~infinite
    if not rest.any() or decided.all():
        return None
    K, n = len(found.active), design.n_labels[[group]]
    scale = hc1_scale(found.active[None], n) if covariance == "HC1" else np.ones(1)
    one, each, square = np.zeros(1), np.zeros((1, K)), np.zeros((1, K, K))
    empty = LogitFit(each, square, square, scale, one, one, each, one, one > 0, 0)
    start = group_fit(design, group, empty, 0, found, _runs(design.cluster[rows]))
    result, again = _on_the_rest(design, start, infinite, decided, rows, cells, covariance)
    return result if again.converged[0] and again.steepest[0] <= STEEP else None


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
    x, weight, votes = design.X[rows], part.weight[:, 0], part.votes[:, 0]
    active = fit.identification.active
    infinite, decided = separation(x, weight, votes, active)
    if not infinite.any():
        return fit if converged else blank(design, fit, active, NO_CONVERGENCE)
    rest = active & ~infinite
    if not rest.any() or decided.all():
        split = replace(blank(design, fit, infinite, SEPARATION), decided=rows[decided])
        return blank(design, split, rest, NOTHING_LEFT)
    return _on_the_rest(design, fit, infinite, decided, rows, part, covariance)[0]


def _on_the_rest(
    design: Design,
    fit: GroupFit,
    infinite: NDArray[np.bool_],
    decided: NDArray[np.bool_],
    rows: NDArray[np.int64],
    cells: Cells,
    covariance: Covariance,
) -> tuple[GroupFit, LogitFit]:
    """Fit the terms that separate nothing on the rows that nothing decides."""
    x = design.X[rows]
    rest = fit.identification.active & ~infinite
    split = replace(blank(design, fit, infinite, SEPARATION), decided=rows[decided])
    remaining = cells.take(~decided)
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
    result = replace(
        split,
        coef=coef,
        covariance=matrix,
        bread=bread,
        n_clusters=_runs(design.cluster[rows[~decided]]),
        log_likelihood=float(again.log_likelihood[0]),
        mean_slope=float(again.mean_slope[0]),
        mean_curvature=again.mean_curvature[0],
        reasons={**split.reasons, **lost},
    )
    return result, again


def _labels_on(design: Design, name: str, decided: NDArray[np.int64]) -> int:
    """Return how many of a group's labels stand on rows that are not decided."""
    group = design.groups.index(name)
    row = design.cell_row[design.label_cell[design.labels_of(group)]]
    at = np.searchsorted(decided, row)
    return int((decided[np.minimum(at, len(decided) - 1)] != row).sum())
