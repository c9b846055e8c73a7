"""Logistic fits that few labels need: of the labels alone, of judges, of both together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.clustered import starts_of
from workbench.decompose.errors.pulls import pulls
from workbench.decompose.errors.sandwich import FEWEST_DEGREES
from workbench.decompose.identify import STEEP, identify, separation
from workbench.decompose.kernel import Array, Cells, Codes, gram, logistic, run_sums
from workbench.decompose.logit import fit_logit, refit

SEPARATED = "separation: its weight is infinite"
FEW_PROMPTS = "it rests on too few prompts"
UNFINISHED = "the fit to the labels did not converge"
NO_FIT = "labels and verdicts have no common fit"
ALIKE = "nothing varies: the error is not known"


@dataclass(frozen=True, eq=False)
class Alone:
    """The fit of the labels alone.

    Attributes
    ----------
    coef : ndarray, shape (K,)
        NaN where the labels alone tell no weight.
    influence : ndarray, shape (G, K)
        CR2 pulls of the labelled clusters; 0 of a term without a weight.
    df : ndarray, shape (K,)
    identified : ndarray of bool, shape (K,)
        Terms that vary on the labelled pairs as no others do.
    reasons : dict of int to str
        Why a term has no weight, or is not identified.
    """

    coef: Array
    influence: Array
    df: Array
    identified: NDArray[np.bool_]
    reasons: dict[int, str]


def fit_alone(
    X: Array, said: Array, weight: Array, cluster: Codes, terms: list[str], *,
    constant: bool = False,
) -> Alone:  # fmt: skip
    """Fit the labels alone.

    Parameters
    ----------
    X : ndarray, shape (n, K)
    said, weight : ndarray, shape (n,)
    cluster : ndarray of int, shape (n,)
        Sorted.
    terms : list of str
    constant : bool
        As in :func:`workbench.decompose.identify.identify`.

    Examples
    --------
    >>> side, won = np.array([1.0, -1.0] * 4), np.array([1.0, 1, 1, 0, 1, 0, 1, 1])
    >>> X, said = side[:, None], np.where(side > 0, won, 1 - won)
    >>> found = fit_alone(X, said, np.ones(8), np.arange(8), ["words"])
    >>> round(float(found.coef[0]), 3), found.reasons
    (1.099, {})
    """
    K, starts = X.shape[1], starts_of(cluster)
    cells = Cells(weight[:, None], (weight * said)[:, None])
    found = identify(X, cells, terms, np.array([len(said)]), constant=constant)[0]
    reasons = dict(found.reasons)
    blank = np.full(K, np.nan)
    nothing = Alone(blank, np.zeros((len(starts), K)), blank, found.active, reasons)
    if not found.active.any():
        return nothing
    active, kept = found.active.copy(), np.ones(len(said), dtype=bool)
    fit = fit_logit(X, cells, active=active[None], n_labels=np.array([len(said)]))
    if fit.steepest[0] > STEEP or not fit.converged[0]:
        infinite, decided = separation(X, weight, weight * said, active)
        reasons |= {int(k): SEPARATED for k in np.flatnonzero(infinite)}
        active, kept = active & ~infinite, ~decided
        if infinite.any() and active.any() and kept.any():
            left, n = cells.take(kept), np.array([int(kept.sum())])
            again = identify(X[kept], left, terms, n, constant=constant)[0]
            lost = active & ~again.active
            reasons |= {int(k): again.reasons.get(int(k), SEPARATED) for k in np.flatnonzero(lost)}
            active &= again.active
            fit = fit_logit(X[kept], left, active=active[None], n_labels=n)
        if not (active.any() and kept.any() and fit.converged[0]):
            why = SEPARATED if infinite.any() else UNFINISHED
            reasons |= {int(k): reasons.get(int(k), why) for k in range(K)}
            return nothing
    coef = np.where(active, fit.coef[0], 0.0)
    p = logistic(X[kept] @ coef)
    slope, residual = weight[kept] * p * (1 - p), weight[kept] * (said[kept] - p)
    codes = cluster[kept]
    own = pulls(X[kept], slope, residual, codes, np.where(active, fit.bread[0], 0.0))
    influence = np.zeros((len(starts), K))
    influence[np.searchsorted(cluster[starts], own.codes)] = own.influence
    error, df = (influence**2).sum(axis=0), np.nan_to_num(own.degrees)
    size = np.abs(np.diag(fit.bread[0]))
    for k in np.flatnonzero(active):
        if df[k] < FEWEST_DEGREES or error[k] <= 1e-18 * size[k]:
            reasons[int(k)] = FEW_PROMPTS if df[k] < FEWEST_DEGREES else ALIKE
            active[k] = False
    return Alone(np.where(active, coef, np.nan), np.where(active, influence, 0.0), df,
                 found.active, reasons)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Judged:
    """Fits of judges on all pairs, and of judges and labels together.

    Attributes
    ----------
    own, both : ndarray, shape (J, K)
        Weights of each judge; and the solution with full power. NaN where there is none.
    own_bread, both_bread : ndarray, shape (J, K, K)
        Inverse Hessians; 0 outside the model.
    reasons : list of dict of int to str
        Why a judge's term has no weight.
    """

    own: Array
    both: Array
    own_bread: Array
    both_bread: Array
    reasons: list[dict[int, str]]


def fit_judged(
    X: Array, scores: Array, said: Array, weight: Array, terms: list[str], *,
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
    constant : bool
        As in :func:`workbench.decompose.identify.identify`.

    Examples
    --------
    >>> side, won = np.array([1.0, -1.0] * 4), np.array([1.0, 1, 1, 0, 1, 0, 1, 1])
    >>> X, f = side[:, None], np.where(side > 0, won, 1 - won)[:, None]
    >>> found = fit_judged(X, f, f[:, 0], np.ones(8), ["words"])
    >>> bool(np.isclose(found.own, found.both))
    True
    """
    there = np.isfinite(scores)
    w = there.astype(np.float64)
    f = np.where(there, scores, 0.0)
    cells = Cells(w, f)
    n = there.sum(axis=0)
    found = identify(X, cells, terms, n, constant=constant)
    active = np.stack([one.active for one in found])
    reasons = [dict(one.reasons) for one in found]
    fit = fit_logit(X, cells, active=active, n_labels=n)
    own = np.where(active, fit.coef, np.nan)
    for j in np.flatnonzero((fit.steepest > STEEP) | ~fit.converged):
        mine = there[:, j]
        infinite, _ = separation(X[mine], w[mine, j], f[mine, j], active[j])
        if infinite.any() or not fit.converged[j]:
            named = ", ".join(terms[k] for k in np.flatnonzero(infinite)) or "its terms"
            why = f"where they differ, {named} alone decide its verdicts: leave them out"
            reasons[j] |= dict.fromkeys(range(len(terms)), why)
            own[j] = np.nan
    label = np.where(there & (weight > 0)[:, None], weight[:, None], 0.0)
    total = label.sum(axis=0)
    share = np.divide(n, total, out=np.zeros(len(n)), where=total > 0)
    votes = f + np.where(label > 0, label * share * (np.nan_to_num(said)[:, None] - f), 0.0)
    start = np.where(np.isfinite(own), own, 0.0)
    # votes that no weights can reach drive the search out of the range of numbers
    with np.errstate(over="ignore", invalid="ignore"):
        both = refit(X, Cells(w, votes), active, start)
    both = np.where(active & (total > 0)[:, None], both, np.nan)
    p = logistic(X @ np.nan_to_num(both).T)
    steep = np.where(there, np.abs(X @ np.nan_to_num(both).T), 0.0).max(axis=0, initial=0.0)
    both[steep > STEEP] = np.nan
    bread = _inverses(gram(X, w * p * (1 - p)), np.isfinite(both))
    return Judged(own, both, np.where(np.isfinite(own)[:, :, None], fit.bread, 0.0), bread, reasons)


def _inverses(hessian: Array, active: NDArray[np.bool_]) -> Array:
    found = np.zeros_like(hessian)
    for j, mine in enumerate(active):
        if mine.any():
            found[j][np.ix_(mine, mine)] = np.linalg.inv(hessian[j][np.ix_(mine, mine)])
    return found


def cluster_sums(X: Array, weight: Array, starts: Codes) -> Array:
    """Return ``sum w x`` of each cluster, shape (G, K).

    Examples
    --------
    >>> cluster_sums(np.ones((2, 1)), np.array([1.0, 2.0]), np.array([0, 1])).tolist()
    [[1.0], [2.0]]
    """
    if len(starts) == len(X):
        return X * weight[:, None]
    return run_sums(X, weight, starts)
