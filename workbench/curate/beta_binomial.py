"""How far votes on one pair agree beyond chance, and what a few votes say of the next one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import betaln, digamma
from scipy.stats import norm

from workbench.clustered import Array, Codes, cluster_error

_ENDS = (-7.0, 9.0)
"""Of the logarithm of the prior's votes: beyond these one cannot tell them from 0 or infinity."""


class Prior(NamedTuple):
    """A beta prior of a pair's share of votes for A, the same for both sides.

    Attributes
    ----------
    alpha : float
        Votes that it counts for each side.
    icc : float
        Correlation of two decisive votes on one pair, ``1 / (1 + 2 alpha)``.
    std_error, conf_low, conf_high : float
        Of the correlation.
    n : int
        Pairs with two decisive votes or more.
    n_clusters : int
    reason : str or None
        Why it is not known.
    """

    alpha: float
    icc: float
    std_error: float
    conf_low: float
    conf_high: float
    n: int
    n_clusters: int
    reason: str | None


def fit_prior(a: Array, b: Array, cluster: Codes, level: float = 0.95) -> Prior:
    r"""Return the beta prior of greatest likelihood.

    .. math:: \prod_i \frac{B(\alpha + a_i,\ \alpha + b_i)}{B(\alpha, \alpha)},\qquad
              \rho = \frac{1}{1 + 2\alpha}

    Which response stands as A says nothing, so the prior is symmetric: exchanging A and B
    changes no number.

    Parameters
    ----------
    a, b : ndarray, shape (n,)
        Decisive votes for A and for B.
    cluster : ndarray of int, shape (n,)
    level : float

    Notes
    -----
    The interval is even on the logit scale of :math:`\rho`, with the cluster-robust error of
    :math:`\log \alpha` (sandwich). Skellam (1948) for the beta-binomial.

    Examples
    --------
    >>> found = fit_prior(np.array([3.0, 0, 3, 0]), np.array([0.0, 3, 0, 3]), np.arange(4))
    >>> found.icc > 0.9
    True
    """
    use = a + b > 1.5
    a, b, cluster = a[use], b[use], cluster[use]
    clusters = len(np.unique(cluster))
    if clusters < 2:
        why = "no two pairs have two decisive votes: chance and disagreement cannot be told apart"
        return Prior(np.nan, np.nan, np.nan, np.nan, np.nan, len(a), clusters, why)

    # a million pairs share few counts
    kinds, kind = _kinds(a, b)
    times = np.bincount(kind)
    one, other = kinds

    def loss(log_alpha: float) -> float:
        alpha = np.exp(log_alpha)
        return -float(times @ (betaln(alpha + one, alpha + other) - betaln(alpha, alpha)))

    at = float(minimize_scalar(loss, bounds=_ENDS, method="bounded").x)
    alpha = float(np.exp(at))
    icc = 1 / (1 + 2 * alpha)
    if min(at - _ENDS[0], _ENDS[1] - at) < 0.01:
        why = "votes on one pair always agree" if at < 0 else "votes agree as chance would have it"
        return Prior(alpha, icc, np.nan, np.nan, np.nan, len(a), clusters, why)
    slope = alpha * (
        digamma(alpha + one) + digamma(alpha + other) - 2 * digamma(alpha)
        - 2 * digamma(2 * alpha + one + other) + 2 * digamma(2 * alpha)
    )  # fmt: skip
    step = 1e-3
    bend = (loss(at + step) - 2 * loss(at) + loss(at - step)) / step**2
    error = cluster_error(slope[kind] / bend, cluster)
    # d logit(rho) / d log(alpha) is -1
    half = float(norm.ppf(0.5 + level / 2)) * error
    odds = icc / (1 - icc)
    low, high = (odds * np.exp(sign * half) for sign in (-1, 1))
    return Prior(
        alpha, icc, float(icc * (1 - icc) * error), float(low / (1 + low)),
        float(high / (1 + high)), len(a), clusters, None,
    )  # fmt: skip


def _kinds(a: Array, b: Array) -> tuple[tuple[Array, Array], Codes]:
    """Return the different counts, the smaller first, and which of them each pair has."""
    # neither the order of rows nor that of sides moves the last bit of a sum
    codes_a, found_a = pd.factorize(np.minimum(a, b), sort=True)
    codes_b, found_b = pd.factorize(np.maximum(a, b), sort=True)
    kind, found = pd.factorize(codes_a * len(found_b) + codes_b, sort=True)
    return (found_a[found // len(found_b)], found_b[found % len(found_b)]), np.asarray(kind)


def posterior(a: Array, b: Array, ties: Array, alpha: float) -> tuple[Array, Array]:
    r"""Return P(A preferred) of each pair and its standard deviation.

    .. math:: P = \frac{a + t/2 + \alpha}{a + b + t + 2\alpha},\qquad
              sd = \sqrt{\frac{P (1 - P)}{a + b + t + 2\alpha + 1}}

    Parameters
    ----------
    a, b, ties : ndarray, shape (n,)
        Votes; a tie is half a vote for either side.
    alpha : float

    Examples
    --------
    >>> posterior(np.array([3.0]), np.array([1.0]), np.array([0.0]), 1.0)[0].round(4).tolist()
    [0.6667]
    """
    n = a + b + ties + 2 * alpha
    p = np.divide(a + ties / 2 + alpha, n, out=np.full(len(a), 0.5), where=n > 0)
    return p, np.sqrt(p * (1 - p) / (n + 1))
