"""Fits to the training folds of data in parts: each starts from sums that a pass makes by fold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.estimate import batches
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.kernel import Array, Cells, Moments, gradient_pass, newton_pass
from workbench.decompose.logit import Solver
from workbench.decompose.parted.fit import added
from workbench.decompose.parted.stored import Piece
from workbench.decompose.parted.whole import Whole
from workbench.decompose.scores.baselines import learned_rate, shows_side
from workbench.engine import Engine

RULES = ("majority", "first position", "longer")

_AT_ONCE = 40
"""Training folds whose cells are held at a time."""


@dataclass(frozen=True, eq=False)
class FoldSums:
    """Sums over the rows of each fold, at the coefficients of the fits to all.

    Attributes
    ----------
    gradient : ndarray, shape (J, F, K)
    hessian : ndarray, shape (J, F, K, K)
    log_likelihood, weight, rows : ndarray, shape (J, F)
    squares : ndarray, shape (J, F, K)
        Sums of ``x^2`` over rows with labels.
    rules : ndarray, shape (J, F, rules, 4)
        Of the labels that a rule decides: weight, weight of those it is right on, and the sum
        over clusters, and of squares over them, of what it is right above one half.
    """

    gradient: Array
    hessian: Array
    log_likelihood: Array
    weight: Array
    rows: Array
    squares: Array
    rules: Array

    @classmethod
    def empty(cls, J: int, F: int, K: int) -> FoldSums:
        """Return the sums over no row."""
        return cls(
            gradient=np.zeros((J, F, K)),
            hessian=np.zeros((J, F, K, K)),
            log_likelihood=np.zeros((J, F)),
            weight=np.zeros((J, F)),
            rows=np.zeros((J, F)),
            squares=np.zeros((J, F, K)),
            rules=np.zeros((J, F, len(RULES), 4)),
        )

    def __add__(self, other: FoldSums) -> FoldSums:
        return FoldSums(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )

    def training(self) -> FoldSums:
        """Return the sums over all other folds.

        They are added, not taken off the total: what is 0 in all of them stays 0.
        """
        F = self.weight.shape[1]
        others = [[g for g in range(F) if g != f] for f in range(F)]

        def rest(values: Array) -> Array:
            return np.stack([values[:, own].sum(axis=1) for own in others], axis=1)

        return FoldSums(**{f.name: rest(getattr(self, f.name)) for f in fields(self)})


@dataclass(frozen=True, eq=False)
class FoldSumsAt:
    """The sums of a part by fold.

    Attributes
    ----------
    beta : ndarray, shape (K, J)
    folds : int
    """

    beta: Array
    folds: int

    def __call__(self, piece: Piece) -> FoldSums:
        """Return the sums of one part."""
        K, J = self.beta.shape
        total = FoldSums.empty(J, self.folds, K)
        design, row_fold = piece.open(), piece.fold_of_rows()
        for groups, rows, cells in batches(design):
            at, X, fold = piece.groups[groups], design.X[rows], row_fold[rows]
            for f in range(self.folds):
                mine = np.flatnonzero(fold == f)
                x, own = X[mine], cells.take(mine)
                found = newton_pass(x, own, self.beta[:, at])
                labelled = own.weight > 0
                total.gradient[at, f] = found.gradient.T
                total.hessian[at, f] = found.hessian
                total.log_likelihood[at, f] = found.log_likelihood
                total.weight[at, f] = own.weight.sum(axis=0)
                total.rows[at, f] = labelled.sum(axis=0)
                total.squares[at, f] = labelled.T.astype(np.float64) @ np.square(x)
        signs = rule_signs(piece, design.X)
        for g, number in enumerate(piece.groups.tolist()):
            mine = design.labels_of(g)
            row = design.cell_row[design.label_cell[mine]]
            y, w = design.label_preference[mine], design.label_weight[mine]
            code, fold = design.cluster[row], row_fold[row]
            for r, sign in enumerate(signs):
                total.rules[number, :, r] = _rule_sums(sign[row], y, w, code, fold, self.folds)
        return total


def rule_signs(piece: Piece, X: Array) -> list[Array]:
    """Return which side each rule takes of each row, in the order of ``RULES``."""
    return [np.ones(len(X)), np.asarray(X[:, -1]), piece.array("longer").astype(np.float64)]


def _rule_sums(
    sign: Array, y: Array, w: Array, code: NDArray[np.int64], fold: NDArray[np.int64], folds: int
) -> Array:
    decides = sign != 0
    right = np.where(sign > 0, y, 1.0 - y)[decides]
    w, code, fold = w[decides], code[decides], fold[decides]
    total = np.zeros((folds, 4))
    total[:, 0] = np.bincount(fold, w, folds)
    total[:, 1] = np.bincount(fold, w * right, folds)
    if len(w):
        # a cluster is in one fold
        sums = np.bincount(code, w * (right - 0.5))
        fold_of = np.zeros(len(sums), dtype=np.int64)
        fold_of[code] = fold
        total[:, 2] = np.bincount(fold_of, sums, folds)
        total[:, 3] = np.bincount(fold_of, sums**2, folds)
    return total


def rates(found: FoldSums) -> tuple[Array, NDArray[np.bool_]]:
    """Return how often each rule was right in training, and whether that shows its side.

    Returns
    -------
    rate, sure : ndarray, shape (J, F, rules)
    """
    training = found.training().rules
    flat = training.reshape(-1, 4)
    rate = np.array([learned_rate(right, weight) for weight, right, _, _ in flat])
    sure = np.array([shows_side(total, squares) for _, _, total, squares in flat], dtype=bool)
    return rate.reshape(training.shape[:3]), sure.reshape(training.shape[:3])


def fold_fits(whole: Whole, fits: list[GroupFit], found: FoldSums, engine: Engine) -> Array:
    """Return the coefficients of the fit to the training folds of each fold, shape (J, F, K).

    NaN where a fold leaves too few rows, or the fit does not converge.
    """
    J, F, K = found.gradient.shape
    training = found.training()
    active = np.stack([fit.active for fit in fits])
    start = np.stack([np.where(fit.active, fit.coef, 0.0) for fit in fits])
    # a term that does not vary in the training folds has no weight to predict with
    varies = active[:, None] & (training.squares > 0)
    enough = training.rows > varies.sum(axis=2)
    wanted = (varies.any(axis=2) & enough).reshape(-1)
    flat = varies.reshape(-1, K) & wanted[:, None]
    last = Moments(
        gradient=training.gradient.reshape(-1, K).T.copy(),
        hessian=training.hessian.reshape(-1, K, K).copy(),
        log_likelihood=training.log_likelihood.reshape(-1).copy(),
    )
    fresh = [True]

    def sums(beta: Array, hessian: bool) -> Moments:
        if fresh.pop() if fresh else False:
            # the pass at the fits to all rows has been made
            return last
        at = np.flatnonzero(wanted & ~solver.converged)
        work = TrainingAt(beta, at, J, F, hessian)
        put_columns(last, added(engine.map(work, whole.pieces)), at)
        return last if hessian else Moments(last.gradient)

    solver = Solver(sums, training.weight.reshape(-1), flat)
    begin = np.where(flat, np.repeat(start, F, axis=0), 0.0)
    solver.run(begin.T.copy())
    usable = solver.converged & enough.reshape(-1)
    coef = np.where(usable[:, None], solver.beta.T, np.nan).reshape(J, F, K)
    coef[~active.any(axis=1)] = np.nan
    return coef


@dataclass(frozen=True, eq=False)
class TrainingAt:
    """The moments of a part's rows outside each fold, at the coefficients of its training.

    Attributes
    ----------
    beta : ndarray, shape (K, J * F)
    columns : ndarray of int
        Those of the groups and folds that are wanted.
    groups, folds : int
    hessian : bool
    """

    beta: Array
    columns: NDArray[np.int64]
    groups: int
    folds: int
    hessian: bool

    def __call__(self, piece: Piece) -> Moments:
        """Return the moments of one part at the columns that are wanted."""
        K, F, n = len(self.beta), self.folds, len(self.columns)
        total = Moments(np.zeros((K, n)))
        if self.hessian:
            total = Moments(np.zeros((K, n)), np.zeros((n, K, K)), log_likelihood=np.zeros(n))
        place = np.full(self.groups * F, -1)
        place[self.columns] = np.arange(n)
        design, row_fold = piece.open(), piece.fold_of_rows()
        wanted = np.asarray((place.reshape(-1, F) >= 0).any(axis=1))
        work = newton_pass if self.hessian else gradient_pass
        for groups, rows, cells in batches(design, np.flatnonzero(wanted[piece.groups]).tolist()):
            X, fold = design.X[rows], row_fold[rows]
            for some in _few(len(groups), max(1, _AT_ONCE // F)):
                own = [(j, f) for j in some for f in range(F)]
                column = [int(piece.groups[groups[j]]) * F + f for j, f in own]
                kept = [i for i, c in enumerate(column) if place[c] >= 0]
                at = np.array([column[i] for i in kept], dtype=np.int64)
                j, f = np.array([own[i] for i in kept]).T
                outside = (fold[:, None] != f).astype(np.float64)
                part = Cells(cells.weight[:, j] * outside, cells.votes[:, j] * outside)
                put_columns(total, work(X, part, self.beta[:, at]), place[at])
        return total


def put_columns(total: Moments, found: Moments, at: NDArray[np.int64]) -> None:
    """Put the moments of some groups and folds at their places."""
    total.gradient[:, at] = found.gradient
    if found.hessian is not None:
        total.hessian[at] = found.hessian  # type: ignore[index]
        total.log_likelihood[at] = found.log_likelihood  # type: ignore[index]


def _few(n: int, size: int) -> Iterator[range]:
    for start in range(0, n, size):
        yield range(start, min(start + size, n))
