"""Maximum-likelihood fits of every group from sums over parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.group_fit import (
    NO_CONVERGENCE,
    NOTHING_LEFT,
    SEPARATION,
    GroupFit,
    blank,
    group_fit,
)
from workbench.decompose.identify import STEEP, Columns, Identification, enough
from workbench.decompose.kernel import Array, Cells, Moments
from workbench.decompose.logit import Covariance, LogitFit, Solver, hc1_scale, reported
from workbench.decompose.parted.moments import (
    ColumnsLeft,
    Directions,
    Left,
    MomentsAt,
    empty_moments,
    put,
)
from workbench.decompose.parted.separated import directions_of
from workbench.decompose.parted.stored import Piece
from workbench.decompose.parted.whole import Whole
from workbench.engine import Engine

R = TypeVar("R")

_SAMPLE = 100_000
"""Rows, taken evenly over all parts, whose fit is where the fit to all of them starts."""

_SAMPLE_CELLS = 4_000_000
_SAMPLE_PASSES = 12


def fit_parts(
    whole: Whole, covariance: Covariance, engine: Engine
) -> tuple[list[GroupFit], Directions]:
    """Fit every group, and return the directions that separate some of them as well."""
    design = whole.design
    J = len(design.groups)
    columns = Columns(whole.gram, whole.low, whole.high)
    found = [
        enough(columns.examined(j, design.terms), int(design.n_labels[j]), design.terms)
        for j in range(J)
    ]
    task = _Task(whole, covariance, engine)
    active = np.stack([one.active for one in found])
    solved = task.solved(active, design.weight, _start(whole, active), {}, STEEP)
    steep = (solved.steepest > STEEP) | ~solved.converged
    directions = directions_of(whole, active, np.flatnonzero(steep).tolist(), engine)
    unsure = ~solved.converged & ~np.isin(np.arange(J), list(directions))
    if unsure.any():
        # steep, but not separated: on to the end
        again = task.solved(active & unsure[:, None], design.weight, solved.coef.T.copy(), {})
        solved = _taken(solved, again, unsure)
    fits = []
    for j, one in enumerate(found):
        fit = group_fit(design, j, solved, j, one, int(whole.n_clusters[j]))
        if steep[j] and j not in directions and not solved.converged[j]:
            fit = blank(design, fit, one.active, NO_CONVERGENCE)
        fits.append(fit)
    if directions:
        fits = task.separated(fits, found, directions)
    return fits, directions


@dataclass(frozen=True, eq=False)
class _Task:
    """A fit of all groups of the parts."""

    whole: Whole
    covariance: Covariance
    engine: Engine

    def solved(
        self,
        active: NDArray[np.bool_],
        weight: Array,
        start: Array,
        directions: Directions,
        steepest: float = np.inf,
        n_labels: NDArray[np.int64] | None = None,
    ) -> LogitFit:
        """Return the fits of all groups that have an active term."""
        K, J = start.shape
        last = empty_moments(K, J, robust=False)
        robust = self.covariance == "HC1"
        n_labels = self.whole.design.n_labels if n_labels is None else n_labels

        def sums(beta: Array, hessian: bool) -> Moments:
            # every pass makes all that a result reports: the last one is then its own
            wanted = np.asarray(active.any(axis=1)) & ~solver.converged & ~beyond
            at = np.flatnonzero(wanted)
            found = self.summed(MomentsAt(beta, wanted, directions=directions))
            put(last, found.of_groups(at), at)
            beyond[:] = last.steepest > steepest  # type: ignore[operator]
            return last

        beyond = np.zeros(J, dtype=bool)
        solver = Solver(sums, weight, active, steepest)
        solver.run(np.where(active.T, start, 0.0))
        moments, scale = last, np.ones(J)
        if robust:
            work = MomentsAt(solver.beta, np.asarray(active.any(axis=1)), robust, directions)
            moments, scale = self.summed(work), hc1_scale(active, n_labels)
        return reported(solver, moments, scale)

    def summed(self, work: Callable[[Piece], Moments]) -> Moments:
        """Return the sums over all parts, added in their order."""
        return added(self.engine.map(work, self.whole.pieces))

    def separated(
        self, fits: list[GroupFit], found: Sequence[Identification], directions: Directions
    ) -> list[GroupFit]:
        """Give no weight to terms of a separating direction; fit the rest on the other rows."""
        design, fits = self.whole.design, list(fits)
        J, K = len(fits), len(design.terms)
        left: dict[int, Left] = {}
        for part in self.engine.map(ColumnsLeft(directions), self.whole.pieces):
            for j, own in part.items():
                left[j] = left[j] + own if j in left else own
        active = np.zeros((J, K), dtype=bool)
        weight, n_labels = np.zeros(J), np.zeros(J, dtype=np.int64)
        again: dict[int, Identification] = {}
        for j, directed in directions.items():
            infinite = np.asarray((np.abs(directed) > _PART).any(axis=0))
            fit = blank(design, fits[j], infinite, SEPARATION)
            rest = found[j].active & ~infinite
            if not rest.any() or left[j].n == 0:
                fits[j] = blank(design, fit, rest, NOTHING_LEFT)
                continue
            fits[j] = replace(fit, n=left[j].n, n_clusters=left[j].n_clusters)
            again[j] = enough(left[j].columns.examined(0, design.terms), left[j].n, design.terms)
            active[j], weight[j], n_labels[j] = again[j].active, left[j].weight, left[j].n
        if not again:
            return fits
        solved = self.solved(active, weight, np.zeros((K, J)), directions, n_labels=n_labels)
        for j, one in again.items():
            rest = found[j].active & np.isfinite(fits[j].coef)
            fits[j] = _refitted(design.terms, fits[j], one, solved, j, rest)
        return fits


_PART = 1e-6
"""Part of a term in a separating direction above which its weight is infinite."""


def _refitted(
    terms: list[str], fit: GroupFit, found: Identification, solved: LogitFit, j: int,
    rest: NDArray[np.bool_],
) -> GroupFit:  # fmt: skip
    """Return a separated fit with the weights that the rows left can tell."""
    coef, matrix, bread = fit.coef.copy(), fit.covariance.copy(), fit.bread.copy()
    coef[rest] = np.where(found.active, solved.coef[j], np.nan)[rest]
    for target, source in ((matrix, solved.covariance[j]), (bread, solved.bread[j])):
        target[np.ix_(rest, rest)] = source[np.ix_(rest, rest)]
    lost = {terms[k]: why for k, why in found.reasons.items() if rest[k]}
    return replace(
        fit,
        coef=coef,
        covariance=matrix,
        bread=bread,
        log_likelihood=float(solved.log_likelihood[j]),
        mean_slope=float(solved.mean_slope[j]),
        mean_curvature=solved.mean_curvature[j],
        reasons={**fit.reasons, **lost},
    )


class Addable(Protocol):
    """What adds up over parts."""

    def __add__(self, other: Any) -> Any:
        """Return the sum."""


S = TypeVar("S", bound=Addable)


def added(parts: Iterator[S]) -> S:
    """Return the sum of the results of all parts, in their order."""
    total = next(parts)
    for part in parts:
        total = total + part
    return total


def _taken(solved: LogitFit, again: LogitFit, which: NDArray[np.bool_]) -> LogitFit:
    """Return fits of which some are replaced by others."""
    merged = {
        name: np.where(
            which.reshape(-1, *(1,) * (getattr(solved, name).ndim - 1)),
            getattr(again, name),
            getattr(solved, name),
        )
        for name in solved.__dataclass_fields__
        if name != "passes"
    }
    return LogitFit(**merged, passes=solved.passes + again.passes)


def _start(whole: Whole, active: NDArray[np.bool_]) -> Array:
    """Return the coefficients (K, J) of a fit to rows taken evenly over all parts."""
    J, K = active.shape
    rows = [len(piece.array("X")) for piece in whole.pieces]
    step = max(1, -(-sum(rows) // max(1, min(_SAMPLE, _SAMPLE_CELLS // J))))
    X, weight, votes = [], [], []
    offset = 0
    for piece, n in zip(whole.pieces, rows, strict=True):
        at = np.arange(offset, n, step)
        offset = (offset - n) % step
        x, w, v = _some(piece, at, J)
        X.append(x)
        weight.append(w)
        votes.append(v)
    cells = Cells(np.concatenate(weight), np.concatenate(votes))
    solver = Solver.on_rows(np.concatenate(X), cells, active)
    solver.run(np.zeros((K, J)), limit=_SAMPLE_PASSES)
    usable = np.isfinite(solver.beta) & (np.abs(solver.beta) < 20)
    return np.where(usable.all(axis=0), solver.beta, 0.0)


def _some(piece: Piece, at: NDArray[np.int64], J: int) -> tuple[Array, Array, Array]:
    """Return some rows of a part and their cells in all groups."""
    design = piece.open()
    place = np.full(len(design.X), -1)
    place[at] = np.arange(len(at))
    own = place[design.cell_row]
    kept = own >= 0
    weight, votes = np.zeros((len(at), J)), np.zeros((len(at), J))
    where = own[kept], piece.groups[design.cell_group[kept]]
    weight[where], votes[where] = design.sums[0][kept], design.sums[1][kept]
    return design.X[at], weight, votes
