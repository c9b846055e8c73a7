"""Fits of every group of a design: identification, separation, many groups at a time."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.design import CLUSTER, Design
from workbench.decompose.errors.pulls import Pulls, pulls
from workbench.decompose.errors.sandwich import FEWEST_DEGREES, Sandwich
from workbench.decompose.identify import STEEP, Identification, identify, separation
from workbench.decompose.kernel import Array, Cells, in_threads, logistic
from workbench.decompose.logit import Covariance, LogitFit, fit_logit
from workbench.intervals import NO_VARIATION, ONE_CLUSTER

Rows = slice | NDArray[np.int64]

_DIGEST = re.compile("[0-9a-f]{32}")

_NOTHING = 1e-9
"""Share of the error that independent labels would have, below which there is none."""

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
        result = _group_fit(design, groups[j], fit, j, found[j], n_clusters)
        if fit.steepest[j] > STEEP or not fit.converged[j]:
            result = _separated(design, result, bool(fit.converged[j]), where, one, kind)
        return clustered(design, result) if covariance == "cluster" else _varied(design, result)

    return dict(zip(groups, in_threads(finished, range(len(groups))), strict=True))


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
        df=np.full(len(coef), np.inf),
        effective=np.full(len(coef), np.nan),
        thin=np.zeros(len(coef), dtype=bool),
        dimensions=(),
        people=design.people(group),
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
    blank = replace(blank, n=_labels_on(design, fit.name, blank.decided))
    n = np.array([blank.n])
    found = identify(x[~decided], remaining, design.terms, n)[0]
    again = fit_logit(
        x[~decided],
        remaining,
        active=found.active[None],
        n_labels=n,
        covariance=covariance,
    )
    coef, matrix, bread = blank.coef.copy(), blank.covariance.copy(), blank.bread.copy()
    coef[rest] = np.where(found.active, again.coef[0], np.nan)[rest]
    for target, source in ((matrix, again.covariance[0]), (bread, again.bread[0])):
        target[np.ix_(rest, rest)] = source[np.ix_(rest, rest)]
    lost = {design.terms[k]: why for k, why in found.reasons.items() if rest[k]}
    return replace(
        blank,
        coef=coef,
        covariance=matrix,
        bread=bread,
        n_clusters=len(np.unique(design.cluster[rows[~decided]])),
        log_likelihood=float(again.log_likelihood[0]),
        mean_slope=float(again.mean_slope[0]),
        mean_curvature=again.mean_curvature[0],
        reasons={**blank.reasons, **lost},
    )


def _labels_on(design: Design, name: str, decided: NDArray[np.int64]) -> int:
    """Return how many of a group's labels stand on rows that are not decided."""
    group = design.groups.index(name)
    row = design.cell_row[design.label_cell[design.labels_of(group)]]
    return int((~np.isin(row, decided)).sum())


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


def sandwich(
    design: Design, fit: GroupFit, codes: Mapping[str, NDArray[np.int64]] | None = None
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
    """
    group = design.groups.index(fit.name)
    # a fit with other errors has none; joint errors with another fit are always over clusters
    dimensions = fit.dimensions or design.dimensions(group)
    coef = np.where(fit.active, fit.coef, 0.0)
    bread = np.where(np.isfinite(fit.bread), fit.bread, 0.0)
    numbers = {CLUSTER: design.cluster, **design.codes, **(codes or {})}
    rows, cells = design.compact(group)
    weight, votes = cells.weight[:, 0], cells.votes[:, 0]
    by_row = {CLUSTER: numbers[CLUSTER][rows]}
    parts = {}
    if dimensions != (CLUSTER,):
        mine = design.labels_of(group)
        label_row = design.cell_row[design.label_cell[mine]]
        label_weight = design.label_weight[mine]
        label_votes = label_weight * design.label_preference[mine]
        by_label = {
            name: numbers[name][label_row] if name == CLUSTER else numbers[name][mine]
            for name in dimensions
        }
    for names in _crossings(dimensions):
        if names == (CLUSTER,):
            at, w, v, code = rows, weight, votes, by_row[CLUSTER]
        else:
            at, w, v = label_row, label_weight, label_votes
            code = by_label[names[0]]
            for name in names[1:]:
                code = code * (int(numbers[name].max()) + 1) + by_label[name]
        # what two dimensions share has no degrees of freedom of its own
        parts[names] = _pulls_of(design, fit, coef, bread, at, w, v, code, len(names) == 1)
    return Sandwich(parts)


def _crossings(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    sizes = range(1, len(names) + 1)
    return [chosen for size in sizes for chosen in itertools.combinations(names, size)]


def _pulls_of(
    design: Design,
    fit: GroupFit,
    coef: Array,
    bread: Array,
    rows: NDArray[np.int64],
    weight: Array,
    votes: Array,
    codes: NDArray[np.int64],
    exact: bool,
) -> Pulls:
    kept = np.ones(len(rows), dtype=bool)
    if len(fit.decided):
        kept = ~np.isin(rows, fit.decided)
    if (np.diff(codes) < 0).any() or not kept.all():
        order = np.flatnonzero(kept)[np.argsort(codes[kept], kind="stable")]
        rows, weight, votes, codes = rows[order], weight[order], votes[order], codes[order]
    X = design.X if len(rows) == len(design.X) and (rows[1:] > rows[:-1]).all() else design.X[rows]
    p = logistic(X @ coef)
    wp = weight * p
    return pulls(X, wp * (1.0 - p), votes - wp, codes, bread, exact=exact)


def clustered(design: Design, fit: GroupFit) -> GroupFit:
    """Return a fit with its cluster-robust errors and the terms that rest on too few clusters."""
    group = design.groups.index(fit.name)
    fit = replace(fit, dimensions=design.dimensions(group), single=design.single(group))
    if not fit.active.any():
        return replace(fit, covariance=np.full_like(fit.bread, np.nan))
    if CLUSTER in fit.dimensions and fit.n_clusters < 2:
        fit = _untold(design, fit, dict.fromkeys(np.flatnonzero(fit.active).tolist(), ONE_CLUSTER))
        return replace(fit, covariance=np.full_like(fit.bread, np.nan))
    found = sandwich(design, fit)
    covariance = np.where(np.isfinite(fit.bread), found.covariance, np.nan)
    degrees = np.where(fit.active, found.degrees, np.nan)
    thin = np.flatnonzero(fit.active & ~(degrees >= FEWEST_DEGREES)).tolist()
    effective = np.where(fit.active, found.effective, np.nan)
    counts = {names[0]: len(p.codes) for names, p in found.parts.items() if len(names) == 1}
    fit = replace(fit, covariance=covariance, df=degrees, effective=effective, counts=counts)
    fit = _untold(design, fit, {k: _too_few(design, found, k) for k in thin})
    return _varied(design, fit)


def _varied(design: Design, fit: GroupFit) -> GroupFit:
    """Return a fit whose terms without any variance, as of ties only, are not told."""
    variance = np.diag(fit.covariance)
    with np.errstate(invalid="ignore"):
        lost = fit.active & ~fit.thin & ~(variance > _NOTHING**2 * np.diag(fit.bread))
    if not lost.any():
        return fit
    # soft labels may follow the model exactly: these vary, and tell the weight
    rows, cells = design.compact(design.groups.index(fit.name))
    takes_side = (2 * cells.votes != cells.weight)[:, 0] & ~np.isin(rows, fit.decided)
    follow = lost & (design.X[rows[takes_side]] != 0).any(axis=0)
    covariance = fit.covariance.copy()
    # what rounding leaves of such a variance may also be 0, or below: that depends on the processor
    at = np.flatnonzero(follow & (variance <= 0))
    covariance[at, at] = _NOTHING**2 * np.diag(fit.bread)[at]
    lost &= ~follow
    told = replace(fit, covariance=covariance)
    return _untold(design, told, dict.fromkeys(np.flatnonzero(lost).tolist(), NO_VARIATION))


def _untold(design: Design, fit: GroupFit, why: Mapping[int, str]) -> GroupFit:
    """Return a fit some of whose weights cannot be told, by their place among the terms."""
    thin = fit.thin.copy()
    thin[list(why)] = True
    named = {design.terms[k]: reason for k, reason in why.items()}
    return replace(fit, thin=thin, reasons={**fit.reasons, **named})


def _too_few(design: Design, found: Sandwich, term: int) -> str:
    """Say on which clusters a term rests."""
    dimension, part = found.fewest(term)
    own = part.own[:, term]
    heaviest = np.argsort(-own, kind="stable")[:3]
    heaviest = heaviest[own[heaviest] > 0.01 * own.sum()]
    names = design.cluster_names if dimension == CLUSTER else design.code_names[dimension]
    named = ", ".join(
        f"{_short(names[part.codes[g]])} ({own[g] / own.sum():.0%})" for g in heaviest
    )
    what = "clusters" if dimension == CLUSTER else f"clusters by {dimension}"
    return (
        f"it rests on {part.effective[term]:.1f} effective {what}, most on {named}: "
        f"{part.degrees[term]:.1f} degrees of freedom, fewer than {FEWEST_DEGREES:.0f}"
    )


def _short(name: object) -> str:
    """Return a cluster's name; of a digest, which nobody reads, its beginning."""
    text = str(name)
    return f"{text[:8]}…" if _DIGEST.fullmatch(text) else text
