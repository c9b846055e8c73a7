"""Logistic models of preferences on votes, many at once, with reasons where one has no fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.identify import STEEP
from workbench.decompose.kernel import Cells
from workbench.decompose.logit import fit_logit
from workbench.principles.measure.kernel import Array, Reference

ROWS_PER_TERM = 5
"""Pairs that a model needs for each of its terms."""

_SINGULAR = 1e10


@dataclass(frozen=True, eq=False)
class Models:
    """Fits of J models to the same pairs.

    Attributes
    ----------
    coef, errors : ndarray, shape (J, terms)
        NaN where a term is in no model, or the model has no finite fit.
    slope, log_likelihood : ndarray, shape (J,)
        Mean of ``p (1 - p)``, and the log-likelihood.
    n, n_clusters : ndarray of int, shape (J,)
    reasons : list of str or None
        Why a model has no fit.
    """

    coef: Array
    errors: Array
    slope: Array
    log_likelihood: Array
    n: NDArray[np.int64]
    n_clusters: NDArray[np.int64]
    reasons: list[str | None]


def fit_models(
    X: Array, found: Reference, active: NDArray[np.bool_], known: NDArray[np.bool_]
) -> Models:
    """Fit logistic models that differ in terms and rows, with cluster-robust errors.

    Parameters
    ----------
    X : ndarray, shape (n, terms)
    found : Reference
        Preferences of the n pairs.
    active : ndarray of bool, shape (J, terms)
        Terms of each model.
    known : ndarray of bool, shape (n, J)
        Pairs of each model.
    """
    # rows of a cluster must be neighbours; ties in the order are broken by pair, so that
    # sums do not depend on the order of the data
    order = np.lexsort([found.pair_ids, found.cluster])
    X, cluster = np.ascontiguousarray(X[order]), found.cluster[order]
    weight = known[order].astype(np.float64)
    votes = weight * (found.sign[order] > 0)[:, None]
    n = known.sum(axis=0)
    groups = np.array([len(np.unique(cluster[column > 0])) for column in weight.T], np.int64)
    reasons = [_refused(X, active[j], weight[:, j] > 0, int(groups[j])) for j in range(len(active))]
    J, T = active.shape
    coef, errors = np.full((J, T), np.nan), np.full((J, T), np.nan)
    slope, likelihood = np.full(J, np.nan), np.full(J, np.nan)
    some = np.asarray(active.any(axis=1))
    likelihood[~some] = n[~some] * np.log(0.5)
    fitted = [j for j, reason in enumerate(reasons) if reason is None and some[j]]
    fine = np.array(fitted, dtype=np.int64)
    if len(fine):
        fit = fit_logit(
            X,
            Cells(weight[:, fine], votes[:, fine]),
            active=active[fine],
            n_labels=n[fine],
            covariance="cluster",
            clusters=cluster,
        )
        for i, j in enumerate(fine):
            if fit.steepest[i] > STEEP or not fit.converged[i]:
                reasons[j] = "separation: the terms decide every preference, no weight is finite"
                continue
            on = active[j]
            coef[j, on] = fit.coef[i, on]
            errors[j, on] = np.sqrt(np.diag(fit.covariance[i])[on])
            slope[j], likelihood[j] = fit.mean_slope[i], fit.log_likelihood[i]
    return Models(coef, errors, slope, likelihood, n, groups, reasons)


def _refused(
    X: Array, active: NDArray[np.bool_], rows: NDArray[np.bool_], clusters: int
) -> str | None:
    x = X[rows][:, active]
    if not active.any():
        return None
    if not rows.any():
        return "no valid vote of the principle"
    if clusters < 2:
        return "one cluster gives no errors"
    if (x == 0).all(axis=0).any():
        return "a term is 0 on every pair: the principle never takes a side"
    if len(x) < ROWS_PER_TERM * x.shape[1]:
        return f"{len(x):,} pairs are too few for {x.shape[1]} terms"
    scaled = x / np.sqrt((x**2).mean(axis=0))
    if np.linalg.cond(scaled.T @ scaled) > _SINGULAR:
        return "collinear terms: the weights cannot be told apart"
    return None
