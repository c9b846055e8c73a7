"""Cluster-robust errors of a group's fit, and the terms that rest on too few clusters."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.design import CLUSTER, Design
from workbench.decompose.errors.pulls import pulls
from workbench.decompose.errors.sandwich import FEWEST_DEGREES, Errors, Sandwich
from workbench.decompose.group_fit import GroupFit, untold
from workbench.decompose.kernel import Array, logistic
from workbench.intervals import NO_VARIATION, ONE_CLUSTER

Sided = Callable[[Design, GroupFit], NDArray[np.bool_]]

_DIGEST = re.compile("[0-9a-f]{32}")

_NOTHING = 1e-9
"""Share of the error that independent labels would have, below which there is none."""


def sandwich(
    design: Design,
    fit: GroupFit,
    codes: Mapping[str, NDArray[np.int64]] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Sandwich:
    """Return the errors of a group's weights over its dimensions of clusters.

    Parameters
    ----------
    design : Design
    fit : GroupFit
        Of this design, with ``dimensions``.
    codes : mapping of str to ndarray of int, optional
        Other numbers for the clusters, by dimension: of each design row for ``cluster``, of
        each label for others. Two designs whose clusters have the same numbers can be joined.
    sizes : mapping of str to int, optional
        More than the largest of those numbers in either design, by dimension.
    """
    bread = np.where(np.isfinite(fit.bread), fit.bread, 0.0)
    parts = {
        # what two dimensions share has no degrees of freedom of its own
        names: pulls(*rows, bread, exact=len(names) == 1)
        for names, rows in clustered_rows(design, fit, codes, sizes)
    }
    return Sandwich(parts)


Rows = tuple[Array, Array, Array, NDArray[np.int64]]
"""Columns, working weights, residuals and cluster codes of rows, sorted by the codes."""


def clustered_rows(
    design: Design,
    fit: GroupFit,
    codes: Mapping[str, NDArray[np.int64]] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Iterator[tuple[tuple[str, ...], Rows]]:
    """Yield the rows of a fit in each dimension of clusters and crossing of several.

    Parameters
    ----------
    design : Design
    fit : GroupFit
    codes, sizes : mapping, optional
        As in :func:`sandwich`.
    """
    group = design.groups.index(fit.name)
    # a fit with other errors has none; joint errors with another fit are always over clusters
    dimensions = fit.dimensions or design.dimensions(group)
    coef = np.where(fit.active, fit.coef, 0.0)
    numbers = {CLUSTER: design.cluster, **design.codes, **(codes or {})}
    rows, cells = design.compact(group)
    weight, votes = cells.weight[:, 0], cells.votes[:, 0]
    by_row = {CLUSTER: numbers[CLUSTER][rows]}
    if dimensions != (CLUSTER,):
        mine = design.labels_of(group)
        label_row = design.cell_row[design.label_cell[mine]]
        label_weight = design.label_weight[mine]
        label_votes = label_weight * design.label_preference[mine]
        by_label = {
            name: numbers[name][label_row] if name == CLUSTER else numbers[name][mine]
            for name in dimensions
        }
    for names in crossings(dimensions):
        if names == (CLUSTER,):
            at, w, v, code = rows, weight, votes, by_row[CLUSTER]
        else:
            at, w, v = label_row, label_weight, label_votes
            code = by_label[names[0]]
            for name in names[1:]:
                size = (sizes or {}).get(name) or int(numbers[name].max()) + 1
                code = code * size + by_label[name]
        yield names, _rows(design, fit, coef, at, w, v, code)


def crossings(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return each dimension, and those together whose crossing makes clusters."""
    sizes = range(1, len(names) + 1)
    return [chosen for size in sizes for chosen in itertools.combinations(names, size)]


def _rows(
    design: Design, fit: GroupFit, coef: Array, rows: NDArray[np.int64], weight: Array,
    votes: Array, codes: NDArray[np.int64],
) -> Rows:  # fmt: skip
    kept = np.ones(len(rows), dtype=bool)
    if len(fit.decided):
        kept = ~np.isin(rows, fit.decided)
    if (np.diff(codes) < 0).any() or not kept.all():
        order = np.flatnonzero(kept)[np.argsort(codes[kept], kind="stable")]
        rows, weight, votes, codes = rows[order], weight[order], votes[order], codes[order]
    X = design.X if len(rows) == len(design.X) and (rows[1:] > rows[:-1]).all() else design.X[rows]
    p = logistic(X @ coef)
    wp = weight * p
    return X, wp * (1.0 - p), votes - wp, codes


def _sided(design: Design, fit: GroupFit) -> NDArray[np.bool_]:
    """Return which terms differ on some row whose labels take a side."""
    rows, cells = design.compact(design.groups.index(fit.name))
    takes_side = (2 * cells.votes != cells.weight)[:, 0] & ~np.isin(rows, fit.decided)
    return np.asarray((design.X[rows[takes_side]] != 0).any(axis=0))


def clustered(
    design: Design,
    fit: GroupFit,
    made: Callable[[Design, GroupFit], Errors] = sandwich,
    sided: Sided = _sided,
) -> GroupFit:
    """Return a fit with its cluster-robust errors and the terms that rest on too few clusters.

    Parameters
    ----------
    design : Design
    fit : GroupFit
    made : callable
        Makes the errors of the fit.
    sided : callable
        Returns which terms differ on some row whose labels take a side.
    """
    group = design.groups.index(fit.name)
    fit = replace(fit, dimensions=design.dimensions(group), single=design.single(group))
    if not fit.active.any():
        return replace(fit, covariance=np.full_like(fit.bread, np.nan))
    if CLUSTER in fit.dimensions and fit.n_clusters < 2:
        fit = untold(design, fit, dict.fromkeys(np.flatnonzero(fit.active).tolist(), ONE_CLUSTER))
        return replace(fit, covariance=np.full_like(fit.bread, np.nan))
    found = made(design, fit)
    covariance = np.where(np.isfinite(fit.bread), found.covariance, np.nan)
    degrees = np.where(fit.active, found.degrees, np.nan)
    thin = np.flatnonzero(fit.active & ~(degrees >= FEWEST_DEGREES)).tolist()
    effective = np.where(fit.active, found.effective, np.nan)
    counts = {names[0]: p.n_clusters for names, p in found.parts.items() if len(names) == 1}
    fit = replace(fit, covariance=covariance, df=degrees, effective=effective, counts=counts)
    fit = untold(design, fit, {k: _too_few(design, found, k) for k in thin})
    return varied(design, fit, sided)


def varied(design: Design, fit: GroupFit, sided: Sided = _sided) -> GroupFit:
    """Return a fit whose terms without any variance, as of ties only, are not told."""
    variance = np.diag(fit.covariance)
    with np.errstate(invalid="ignore"):
        lost = fit.active & ~fit.thin & ~(variance > _NOTHING**2 * np.diag(fit.bread))
    if not lost.any():
        return fit
    # soft labels may follow the model exactly: these vary, and tell the weight
    follow = lost & sided(design, fit)
    covariance = fit.covariance.copy()
    # what rounding leaves of such a variance may also be 0, or below: that depends on the processor
    at = np.flatnonzero(follow & (variance <= 0))
    covariance[at, at] = _NOTHING**2 * np.diag(fit.bread)[at]
    lost &= ~follow
    told = replace(fit, covariance=covariance)
    return untold(design, told, dict.fromkeys(np.flatnonzero(lost).tolist(), NO_VARIATION))


def _too_few(design: Design, found: Errors, term: int) -> str:
    """Say on which clusters a term rests."""
    dimension, part = found.fewest(term)

    def name_of(code: int) -> str:
        names = design.cluster_names if dimension == CLUSTER else design.code_names[dimension]
        return str(names[code])

    heaviest = part.heaviest(term, name_of)
    named = ", ".join(f"{_short(name)} ({share:.0%})" for name, share in heaviest)
    what = "clusters" if dimension == CLUSTER else f"clusters by {dimension}"
    return (
        f"it rests on {part.effective[term]:.1f} effective {what}, most on {named}: "
        f"{part.degrees[term]:.1f} degrees of freedom, fewer than {FEWEST_DEGREES:.0f}"
    )


def _short(name: str) -> str:
    """Return a cluster's name; of a digest, which nobody reads, its beginning."""
    return f"{name[:8]}…" if _DIGEST.fullmatch(name) else name
