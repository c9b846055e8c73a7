"""Logistic regression of many groups over one design, with robust errors.

Newton's method on an evenly spaced subsample gives a start; passes over all rows then
compute gradients, with a Hessian only when the last one no longer contracts fast; one
final pass gives the exact Hessian, the sandwich's meat and a last Newton step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import (
    Array,
    Cells,
    Moments,
    final_pass,
    gradient_pass,
    newton_pass,
)

Covariance = Literal["classical", "HC1", "cluster"]

_ROWS_PER_TERM = 300
_MAX_PASSES = 60
_NEAR = 1e-9
"""Distance to the optimum, in standard errors, at which the final pass may start."""

_SLOW = 0.05
"""A contraction per pass worse than this asks for a new Hessian."""

_VANISHED = 1e-200
"""Diagonal of a Hessian from which its inverse would leave the range of numbers: labels that a
term separates take it there."""

_LOCAL = 0.05
"""Root mean square change of x'b, in units of the standard error of one label, from which
a Hessian may be kept for the next passes."""


@dataclass(frozen=True, eq=False)
class LogitFit:
    """Maximum-likelihood fits of J groups.

    Attributes
    ----------
    coef : ndarray, shape (J, K)
        Coefficients; 0 where a term is not active in a group.
    covariance : ndarray, shape (J, K, K)
        Covariance of the coefficients, of the kind asked for; 0 for inactive terms.
    bread : ndarray, shape (J, K, K)
        Inverse Hessian of the log-likelihood (inactive terms 0).
    scale : ndarray, shape (J,)
        Small-sample factor that multiplies the sandwich (1 for classical).
    log_likelihood, mean_slope, steepest : ndarray, shape (J,)
        Log-likelihood; weighted mean of ``p (1 - p)``; largest ``|x'b|`` of a labelled row.
    mean_curvature : ndarray, shape (J, K)
        Weighted mean of ``p (1 - p) (1 - 2 p) x``.
    converged : ndarray of bool, shape (J,)
    passes : int
        Passes over all rows, the final one included.
    """

    coef: Array
    covariance: Array
    bread: Array
    scale: Array
    log_likelihood: Array
    mean_slope: Array
    mean_curvature: Array
    steepest: Array
    converged: NDArray[np.bool_]
    passes: int


def fit_logit(
    X: Array,
    cells: Cells,
    *,
    active: NDArray[np.bool_],
    n_labels: NDArray[np.int64],
    covariance: Covariance = "classical",
    clusters: NDArray[np.int64] | None = None,
) -> LogitFit:
    r"""Fit ``P(y = 1) = 1 / (1 + exp(-x'b))`` for each group, without an intercept.

    Parameters
    ----------
    X : ndarray, shape (rows, K)
        Design; rows of one cluster are neighbours when ``covariance="cluster"``.
    cells : Cells
        Labels per row and group.
    active : ndarray of bool, shape (J, K)
        Terms in each group's model.
    n_labels : ndarray of int, shape (J,)
        Labels of each group, the ``n`` of the small-sample factors.
    covariance : {"classical", "HC1", "cluster"}
        Inverse Hessian; sandwich with factor :math:`n / (n - k)`; sandwich over clusters
        with factor :math:`G / (G - 1) \cdot (n - 1) / (n - k)`.
    clusters : ndarray of int, shape (rows,), optional
        Cluster of each row, sorted.

    Notes
    -----
    With scores :math:`s_i = w_i (y_i - p_i) x_i` and Hessian :math:`H`, the sandwich is
    :math:`H^{-1} (\sum_g s_g s_g') H^{-1}` (White 1982; Liang and Zeger 1986). Fractional
    ``y`` makes it the quasi-likelihood fit of Papke and Wooldridge (1996).

    Examples
    --------
    >>> X = np.ones((4, 1))
    >>> cells = Cells(np.ones((4, 1)), np.array([[1.0], [1], [1], [0]]))
    >>> fit = fit_logit(X, cells, active=np.ones((1, 1), bool), n_labels=np.array([4]))
    >>> round(float(fit.coef[0, 0]), 6), round(float(np.log(3)), 6)
    (1.098612, 1.098612)
    """
    solver = Solver.on_rows(X, cells, active)
    solver.run(_start(X, cells, active))
    starts = _cluster_starts(clusters) if covariance == "cluster" else None
    moments = final_pass(X, cells, solver.beta, starts, robust=covariance != "classical")
    scale = np.ones(len(active))
    if covariance == "cluster":
        groups, k = _clusters_per_group(cells, starts), active.sum(axis=1)  # type: ignore[arg-type]
        scale = _ratio(groups, groups - 1) * _ratio(n_labels - 1, n_labels - k)
    elif covariance == "HC1":
        scale = hc1_scale(active, n_labels)
    return reported(solver, moments, scale)


def hc1_scale(active: NDArray[np.bool_], n_labels: NDArray[np.int64]) -> Array:
    """Return the small-sample factor of HC1 of each group, shape (J,)."""
    return _ratio(n_labels, n_labels - active.sum(axis=1))


def reported(solver: Solver, moments: Moments, scale: Array) -> LogitFit:
    """Return the fits of a solver that has ended.

    Parameters
    ----------
    solver : Solver
    moments : Moments
        Of a final pass at its coefficients.
    scale : ndarray, shape (J,)
        Small-sample factor of the sandwich.
    """
    bread = _inverse(_masked(moments.hessian, solver.active), solver.active)  # type: ignore[arg-type]
    step = np.einsum("jkl,lj->jk", bread, moments.gradient)
    matrix = bread if moments.meat is None else bread @ moments.meat @ bread
    total = solver.weight
    return LogitFit(
        coef=solver.beta.T + np.where(solver.converged[:, None], step, 0.0),
        covariance=matrix * scale[:, None, None],
        bread=bread,
        scale=scale,
        log_likelihood=moments.log_likelihood,  # type: ignore[arg-type]
        mean_slope=_ratio(moments.slope, total),  # type: ignore[arg-type]
        mean_curvature=_ratio(moments.curvature, total).T,  # type: ignore[arg-type]
        steepest=moments.steepest,  # type: ignore[arg-type]
        converged=solver.converged,
        passes=solver.passes + 1,
    )


def refit(X: Array, cells: Cells, active: NDArray[np.bool_], start: Array) -> Array:
    """Return coefficients (J, K) of a fit that starts near its end, without errors.

    Parameters
    ----------
    X, cells, active
        As in :func:`fit_logit`.
    start : ndarray, shape (J, K)
        Coefficients of a fit to nearly the same rows.
    """
    solver = Solver.on_rows(X, cells, active)
    solver.run(np.where(active, start, 0.0).T.copy())
    return np.where(solver.converged[:, None], solver.beta.T, np.nan)


def profile(X: Array, cells: Cells, free: NDArray[np.bool_], start: Array) -> Array:
    """Return coefficients (J, K) of which only some are fitted, the others held where they start.

    Parameters
    ----------
    X, cells
        As in :func:`fit_logit`.
    free : ndarray of bool, shape (J, K)
        Coefficients to fit.
    start : ndarray, shape (J, K)
        Where all of them start.

    Examples
    --------
    >>> X, votes = np.eye(2)[[0, 0, 1, 1]], np.array([[1.0], [0.5], [1], [0]])
    >>> free = np.array([[True, False]])
    >>> found = profile(X, Cells(np.ones((4, 1)), votes), free, np.array([[0.0, 2.0]]))
    >>> bool(np.isclose(found[0, 0], np.log(3))), float(found[0, 1])
    (True, 2.0)
    """
    solver = Solver.on_rows(X, cells, free)
    solver.run(np.array(start.T))
    return solver.beta.T


class Solver:
    """Newton iterations with a Hessian that is kept while it contracts fast.

    Parameters
    ----------
    sums : callable
        Returns the moments of all rows at coefficients (K, J), with a Hessian where it is wanted.
    weight : ndarray, shape (J,)
        Weight of each group's labels.
    active : ndarray of bool, shape (J, K)
    steepest : float
        ``|x'b|`` of a labelled row from which a group is left where it is: its weights may be
        infinite, and each step to there costs a pass over all rows.
    """

    def __init__(
        self, sums: Callable[[Array, bool], Moments], weight: Array, active: NDArray[np.bool_],
        steepest: float = np.inf,
    ) -> None:  # fmt: skip
        self.sums, self.weight, self.active, self.steepest = sums, weight, active, steepest
        self.passes = 0
        self.beta: Array
        self.converged = np.zeros(len(active), dtype=bool)

    @classmethod
    def on_rows(cls, X: Array, cells: Cells, active: NDArray[np.bool_]) -> Solver:
        """Return a solver for rows in memory."""

        def sums(beta: Array, hessian: bool) -> Moments:
            return (newton_pass if hessian else gradient_pass)(X, cells, beta)

        return cls(sums, cells.weight.sum(axis=0), active)

    def run(self, beta: Array, limit: int = _MAX_PASSES) -> None:
        """Iterate from ``beta``, shape (K, J), until every group is near its optimum."""
        near = _LOCAL * np.sqrt(self.weight)
        base, step = beta, np.zeros_like(beta)
        best = np.full(len(self.active), -np.inf)
        last = np.full(len(self.active), np.inf)
        bread = np.empty(0)
        fresh = True
        self.beta = beta
        while self.passes < limit:
            moments = self.sums(self.beta, fresh)
            self.passes += 1
            worse = np.zeros(len(self.active), dtype=bool)
            if moments.hessian is not None and moments.log_likelihood is not None:
                bread = _inverse(_masked(moments.hessian, self.active), self.active)
                # a step that lowers the likelihood is halved, not followed by another
                worse = moments.log_likelihood < best - 1e-9 * np.abs(best)
                best = np.where(worse, best, moments.log_likelihood)
            gradient = np.where(self.active.T, moments.gradient, 0.0)
            new_step = np.einsum("jkl,lj->kj", bread, gradient)
            distance = np.sqrt(np.maximum((new_step * gradient).sum(axis=0), 0.0))
            self.converged = (distance < _NEAR) & ~worse
            ended = self.converged.copy()
            if moments.steepest is not None:
                ended |= moments.steepest > self.steepest
            if ended.all():
                return
            step = np.where(worse, step / 2, np.where(ended, 0.0, new_step))
            base = np.where(worse, base, self.beta)
            self.beta = base + step
            slow = (distance > _SLOW * last) if moments.hessian is None else distance > near
            fresh = bool(((slow | worse) & ~ended).any())
            last = distance


def _start(X: Array, cells: Cells, active: NDArray[np.bool_]) -> Array:
    K, J = X.shape[1], len(active)
    start = np.zeros((K, J))
    wanted = _ROWS_PER_TERM * K
    if len(X) < 4 * wanted:
        return start
    rows = np.linspace(0, len(X) - 1, wanted).astype(np.int64)
    part = Cells(cells.weight[rows], cells.votes[rows])
    solver = Solver.on_rows(np.ascontiguousarray(X[rows]), part, active)
    solver.run(start, limit=8)
    usable = np.isfinite(solver.beta) & (np.abs(solver.beta) < 20)
    return np.where(usable.all(axis=0), solver.beta, 0.0)


def _masked(hessian: Array, active: NDArray[np.bool_]) -> Array:
    both = active[:, :, None] & active[:, None, :]
    return np.where(both, hessian, 0.0)


def _inverse(hessian: Array, active: NDArray[np.bool_]) -> Array:
    """Invert each group's Hessian over its active terms; inactive rows stay 0."""
    K = hessian.shape[1]
    diagonal = np.einsum("jkk->jk", hessian)
    told = active & (diagonal > _VANISHED)
    size = np.sqrt(np.where(told, diagonal, 1.0))
    scaled = hessian / (size[:, :, None] * size[:, None, :])
    filler = np.where(told, 0.0, 1.0)
    scaled = scaled + filler[:, :, None] * np.eye(K)
    return _masked(_bounded(scaled) / (size[:, :, None] * size[:, None, :]), active)


def _bounded(matrices: Array) -> Array:
    """Return inverses; of a matrix that rounds to singular (separated labels) a bounded one."""
    try:
        found = np.linalg.inv(matrices)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.pinv(matrices, hermitian=True))
    sizes = (np.abs(part).sum(axis=1).max(axis=1) for part in (matrices, found))
    condition = np.multiply(*sizes)
    if (condition < 1e13).all():
        return np.asarray(found)
    return np.asarray(np.linalg.pinv(matrices, hermitian=True))


def _cluster_starts(clusters: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
    if clusters is None or len(clusters) == 0:
        return None
    return np.flatnonzero(np.r_[True, clusters[1:] != clusters[:-1]])


def _clusters_per_group(cells: Cells, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    labelled = np.add.reduceat(cells.weight, starts, axis=0) > 0
    return np.asarray(labelled.sum(axis=0))


def _ratio(a: Array | NDArray[np.int64], b: Array | NDArray[np.int64]) -> Array:
    return np.divide(a, b, out=np.full(np.shape(a), np.nan), where=np.asarray(b) > 0)
