"""Logistic fits that few labels need: of the labels alone, of judges, of both together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.clustered import starts_of
from workbench.decompose.errors.pulls import pulls
from workbench.decompose.errors.sandwich import FEWEST_DEGREES
from workbench.decompose.identify import STEEP, identify, separation
from workbench.decompose.kernel import Array, Cells, Codes, logistic, run_sums
from workbench.decompose.logit import fit_logit

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
