"""The variance of factor weights that a pilot foretells, and how sure that is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.design import Design
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.kernel import Array, logistic

_STEPS = 60
_SETTLED = 1e-7
_LARGEST_STEP = 2.0


class Foretold(NamedTuple):
    """What a pilot says of the weights of its terms.

    Attributes
    ----------
    variance : ndarray, shape (K,)
        Of each weight, with as many labels as the pilot has; NaN where it is not known.
    log_error : ndarray, shape (K,)
        Standard error of its logarithm.
    deff : ndarray, shape (K,)
        Variance as a multiple of that of independent labels.
    """

    variance: Array
    log_error: Array
    deff: Array


def foretell(design: Design, fit: GroupFit) -> Foretold:
    r"""Return the variance of each weight as a pilot foretells it.

    .. math:: \widehat{SE}_k^2 = [H(\tilde b)^{-1}]_{kk}\, \widehat{deff}_k

    Parameters
    ----------
    design : Design
    fit : GroupFit
        Of the group of ``design`` that is the pilot, errors over clusters.

    Notes
    -----
    The weights :math:`\tilde b` are Firth's (1993): those of greatest likelihood are too large
    with few labels a term, which makes information small and errors too large, and are infinite
    where a pilot separates. The design effect is the ratio of the cluster-robust (CR2) to the
    model's variance, of each term shrunken to the mean of all as far as their degrees of freedom
    leave it noise. The error of the logarithm is that of both: the infinitesimal jackknife of the
    information over clusters, and the variance :math:`2 / \nu` of the robust variance.
    """
    K = len(design.terms)
    blank = np.full(K, np.nan)
    group = design.groups.index(fit.name)
    active = np.flatnonzero(fit.identification.active)
    if not len(active):
        return Foretold(blank, blank, blank)
    rows, cells = design.compact(group)
    X, weight, votes = design.X[rows][:, active], cells.weight[:, 0], cells.votes[:, 0]
    start = np.nan_to_num(fit.coef[active])
    b, V = firth(X, weight, votes, start)
    log_deff, deff_error = _design_effects(fit, active)
    codes = np.unique(design.cluster[rows], return_inverse=True)[1]
    spread = _information_error(X, weight, votes, b, V, codes)
    variance, log_error, deff = blank.copy(), blank.copy(), blank.copy()
    deff[active] = np.exp(log_deff)
    variance[active] = np.diag(V) * np.exp(log_deff)
    log_error[active] = np.sqrt(deff_error**2 + spread**2)
    return Foretold(variance, log_error, deff)


def firth(X: Array, weight: Array, votes: Array, start: Array) -> tuple[Array, Array]:
    r"""Return Firth's weights of a logit, which are always finite, and the inverse information.

    The score is :math:`\sum_i x_i \{v_i - w_i p_i + h_i (\tfrac12 - p_i)\}` with the leverages h.

    Parameters
    ----------
    X : ndarray, shape (N, K)
        Of full rank.
    weight, votes : ndarray, shape (N,)
    start : ndarray, shape (K,)

    Examples
    --------
    >>> X, one = np.ones((4, 1)), np.ones(4)  # four wins of four: ln(4.5 / 0.5)
    >>> float(firth(X, one, one, np.zeros(1))[0][0].round(4))
    2.1972
    """
    b = np.where(np.abs(start) < _LARGEST_STEP * 5, start, 0.0)
    V: Array = np.eye(X.shape[1])
    for _ in range(_STEPS):
        p = logistic(X @ b)
        curved = weight * p * (1.0 - p)
        V = np.asarray(np.linalg.inv(X.T @ (X * curved[:, None])), dtype=np.float64)
        leverage = curved * ((X @ V) * X).sum(axis=1)
        step = V @ (X.T @ (votes - weight * p + leverage * (0.5 - p)))
        largest = float(np.abs(step).max())
        if largest < _SETTLED:
            break
        b = b + step * min(1.0, _LARGEST_STEP / largest)
    return b, V


def _design_effects(fit: GroupFit, active: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return the logarithm of each term's design effect and its error; NaN if none is known."""
    own = np.full(len(active), np.nan)
    known = np.isfinite(fit.told[active]) & (np.diag(fit.covariance)[active] > 0)
    ratio = np.diag(fit.covariance)[active] / np.diag(fit.bread)[active]
    own[known] = np.log(ratio[known])
    noise = 2.0 / np.where(np.isfinite(fit.df[active]), fit.df[active], np.inf)
    if not known.any():
        return own, own
    # terms share their clusters: their errors are taken as if they were one
    common = float(noise[known].mean())
    between = max(float(own[known].var(ddof=1)) - common, 0.0) if known.sum() > 1 else 0.0
    kept = np.where(known, between / np.maximum(between + noise, 1e-300), 0.0)
    mean = float(own[known].mean())
    shrunk = mean + kept * (np.where(known, own, mean) - mean)
    left = np.where(known, kept * np.where(known, noise, 0.0), between)
    return shrunk, np.sqrt(left + (1.0 - kept) ** 2 * common)


def _information_error(
    X: Array, weight: Array, votes: Array, b: Array, V: Array, codes: NDArray[np.int64]
) -> Array:
    """Return the error of log [H^-1]_kk over clusters, by the infinitesimal jackknife."""
    G = int(codes.max()) + 1
    if G < 2:
        return np.full(len(b), np.nan)
    p = logistic(X @ b)
    curved = weight * p * (1.0 - p)
    along = X @ V
    # a cluster brings information, and moves the weights where information is looked at
    score = _sums(X * (votes - weight * p)[:, None], codes, G)
    tilt = (along**2 * (curved * (1.0 - 2.0 * p))[:, None]).T @ X
    moved = _sums(along**2 * curved[:, None], codes, G) + (score @ V) @ tilt.T
    pull = 1.0 / G - moved / np.diag(V)
    return np.asarray(np.sqrt(G / (G - 1) * (pull**2).sum(axis=0)))


def _sums(values: Array, codes: NDArray[np.int64], G: int) -> Array:
    return np.stack([np.bincount(codes, column, G) for column in values.T], axis=1)
