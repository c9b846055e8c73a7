"""Logistic fits of judges on all their pairs, and of judges and labels together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.identify import STEEP, identify, separation
from workbench.decompose.kernel import Array, Cells, gram, logistic
from workbench.decompose.logit import fit_logit, refit

_DECIDES = "it decides the verdicts wherever it differs: its weight is infinite"
_UNTOLD = "the pairs that no other term decides do not tell it"
_NO_FIT = "the fit to its verdicts did not converge"

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Judged:
    """Fits of judges on all pairs, and of judges and labels together.

    Attributes
    ----------
    own, both : ndarray, shape (J, K)
        Weights of each judge; and the solution with full power. NaN where there is none.
    own_bread, both_bread : ndarray, shape (J, K, K)
        Inverse Hessians; 0 outside the model.
    own_rows, both_rows : ndarray of bool, shape (N, J)
        Pairs on which each rests: of the judge, but for those that a term decides whose weight
        is infinite.
    reasons : list of dict of int to str
        Why a judge's term has no weight.
    """

    own: Array
    both: Array
    own_bread: Array
    both_bread: Array
    own_rows: Mask
    both_rows: Mask
    reasons: list[dict[int, str]]


def fit_judged(
    X: Array, scores: Array, said: Array, weight: Array, terms: list[str], told: Mask, *,
    constant: bool = False,
) -> Judged:  # fmt: skip
    r"""Fit judges on all their pairs, and corrected by the labels.

    The second solves, with full power,

    .. math:: \overline{x \{f - p(x'\beta)\}}_N + \overline{x (y - f)}_n = 0,

    the score equations of a logit whose votes are :math:`f + (N / n) (y - f)` where a label
    is: one design, one batch for all judges.

    Parameters
    ----------
    X : ndarray, shape (N, K)
    scores : ndarray, shape (N, J)
    said, weight : ndarray, shape (N,)
    terms : list of str
    told : ndarray of bool, shape (J, K)
        Terms that have a weight by the labels alone of a judge's pairs.
    constant : bool
        As in :func:`workbench.decompose.identify.identify`.

    Notes
    -----
    A term that decides a judge's verdicts wherever it differs has no finite weight; the other
    weights are those of the pairs that it does not decide, which is where they tend to. The
    common fit leaves such pairs out only where it has no solution with them, as labels may
    contradict the judge; and where it still has none, those with a term that decides the labels.

    Examples
    --------
    >>> side, won = np.array([1.0, -1.0] * 4), np.array([1.0, 1, 1, 0, 1, 0, 1, 1])
    >>> X, f = side[:, None], np.where(side > 0, won, 1 - won)[:, None]
    >>> found = fit_judged(X, f, f[:, 0], np.ones(8), ["words"], np.array([[True]]))
    >>> bool(np.isclose(found.own, found.both))
    True
    """
    there = np.isfinite(scores)
    f = np.where(there, scores, 0.0)
    n = there.sum(axis=0)
    found = identify(X, Cells(there.astype(np.float64), f), terms, n, constant=constant)
    active = np.stack([one.active for one in found])
    reasons = [dict(one.reasons) for one in found]
    own, bread, rows, left = _own(X, f, there, active, reasons, constant)
    label = np.where(there & (weight > 0)[:, None], weight[:, None], 0.0)
    total = label.sum(axis=0)
    share = np.divide(n, total, out=np.zeros(len(n)), where=total > 0)
    votes = f + np.where(label > 0, label * share * (np.nan_to_num(said)[:, None] - f), 0.0)
    both, both_rows = _both(X, votes, there, active, own), there.copy()
    # what the judge alone decides, the labels may contradict: only else it is left out, and last
    # what decides the labels
    decides = np.stack([(X[:, lost] != 0).any(axis=1) for lost in active & ~told], axis=1)
    for kept, inside in ((left, rows), (left & told, rows & ~decides)):
        for j in np.flatnonzero(np.isnan(both).all(axis=1) & (kept != active).any(axis=1)):
            terms_left = _told(X, f[:, [j]], inside[:, [j]], kept[j], constant)
            both_rows[:, j] = inside[:, j]
            both[j] = _both(X, votes[:, [j]], inside[:, [j]], terms_left[None], own[[j]])[0]
    both[total <= 0] = np.nan
    p = logistic(X @ np.nan_to_num(both).T)
    hessian = gram(X, both_rows * p * (1 - p))
    return Judged(own, both, bread, _inverses(hessian, np.isfinite(both)), rows, both_rows, reasons)


def _own(
    X: Array, f: Array, there: Mask, active: Mask, reasons: list[dict[int, str]], constant: bool
) -> tuple[Array, Array, Mask, Mask]:
    """Return weights, inverse Hessians, pairs and terms of judges; reasons are added in place."""
    cells = Cells(there.astype(np.float64), f)
    fit = fit_logit(X, cells, active=active, n_labels=there.sum(axis=0))
    own, bread = np.where(active, fit.coef, np.nan), fit.bread.copy()
    rows, left = there.copy(), active.copy()
    for j in np.flatnonzero((fit.steepest > STEEP) | ~fit.converged):
        mine = np.flatnonzero(there[:, j])
        infinite, decided = separation(X[mine], np.ones(len(mine)), f[mine, j], active[j])
        if not infinite.any() and fit.converged[j]:
            continue
        reasons[j] |= {int(k): _DECIDES for k in np.flatnonzero(infinite)}
        rows[mine[decided], j] = False
        left[j] = _told(X, f[:, [j]], rows[:, [j]], active[j] & ~infinite, constant)
        own[j], bread[j] = np.nan, 0.0
        if infinite.any() and left[j].any():
            inside = rows[:, [j]]
            part = Cells(inside.astype(np.float64), np.where(inside, f[:, [j]], 0.0))
            again = fit_logit(X, part, active=left[[j]], n_labels=np.array([rows[:, j].sum()]))
            if again.converged[0] and again.steepest[0] <= STEEP:
                own[j], bread[j] = np.where(left[j], again.coef[0], np.nan), again.bread[0]
        lost = np.flatnonzero(np.isnan(own[j])).tolist()
        why = [_NO_FIT if left[j, k] else _UNTOLD for k in lost]
        reasons[j] |= {k: reasons[j].get(k, one) for k, one in zip(lost, why, strict=True)}
    return own, bread, rows, left


def _told(X: Array, f: Array, rows: Mask, active: Mask, constant: bool) -> Mask:
    """Return which terms the pairs that are left still tell."""
    n = np.array([int(rows.sum())])
    if not n[0] or not active.any():
        return np.zeros_like(active)
    cells = Cells(rows.astype(np.float64), np.where(rows, f, 0.0))
    names = [f"{k}" for k in range(X.shape[1])]
    return active & identify(X, cells, names, n, constant=constant)[0].active


def _both(X: Array, votes: Array, rows: Mask, active: Mask, own: Array) -> Array:
    """Return the solutions with full power, shape (J, K); NaN where there is none."""
    start = np.where(np.isfinite(own), own, 0.0)
    cells = Cells(rows.astype(np.float64), np.where(rows, votes, 0.0))
    # votes that no weights can reach drive the search out of the range of numbers
    with np.errstate(over="ignore", invalid="ignore"):
        both = np.where(active, refit(X, cells, active, start), np.nan)
    steep = np.where(rows, np.abs(X @ np.nan_to_num(both).T), 0.0).max(axis=0, initial=0.0)
    both[steep > STEEP] = np.nan
    return both


def _inverses(hessian: Array, active: Mask) -> Array:
    found = np.zeros_like(hessian)
    for j, mine in enumerate(active):
        if mine.any():
            found[j][np.ix_(mine, mine)] = np.linalg.inv(hessian[j][np.ix_(mine, mine)])
    return found
