"""Errors that members make together: their correlations, and how many judges they are worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import t

from workbench.calibration.panel.left_out import MOST, Moments, moments, without_each
from workbench.clustered import Array, Codes, jackknife_error
from workbench.intervals import NO_VARIATION, ONE_CLUSTER, correlation_ends

KISH = "effective number of judges (correlation)"
VARIANCE = "effective number of judges (variance)"
MEAN = "mean correlation of errors"
_METHOD = "jackknife over clusters, Student's t of the logit of 1 / number"
_SMALL = 1e-12
ONE_PROMPT = "without one of the prompts it is undefined"
LEAST = 3
"""Pairs in common below which two members have no correlation."""


@dataclass(frozen=True, eq=False)
class Joint:
    """Moments of errors of each two members, on the pairs that both judged.

    Attributes
    ----------
    error, given : ndarray, shape (n, k)
        1 minus agreement, 0 where there is none; and 1 where there is one.
    cluster : ndarray of int, shape (n,)
    of : Moments
        Row i holds what is of member i on its pairs with j.
    """

    error: Array
    given: Array
    cluster: Codes
    of: Moments

    @cached_property
    def without(self) -> Moments:
        """The same without each cluster in turn."""
        return without_each(self.error, self.given, self.cluster, LEAST)


def joint_errors(agree: Array, cluster: Codes) -> Joint:
    """Return joint moments of the errors of members.

    Parameters
    ----------
    agree : ndarray, shape (n, k)
        Agreement with the reference; NaN where there is none.
    cluster : ndarray of int, shape (n,)

    Examples
    --------
    >>> found = joint_errors(np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]]), np.arange(3))
    >>> round(float(found.of.rho[0, 1]), 3)
    0.5
    """
    known = np.isfinite(agree)
    several = known.sum(axis=1) > 0
    known, cluster = known[several], cluster[several]
    error = np.where(known, 1.0 - agree[several], 0.0)
    given = known.astype(np.float64)
    sums = (given.T @ given, error.T @ given, (error**2).T @ given, error.T @ error)
    return Joint(error, given, cluster, moments(*sums, least=LEAST))


def effective_rows_of(found: Joint, level: float) -> list[dict[str, Any]]:
    r"""Return the effective number of judges, twice, and the mean correlation of errors.

    .. math:: n_{eff} = \frac{k}{1 + (k - 1) \bar\rho},\qquad
              n_{var} = \frac{k \sum_j \sigma_j^2}{\sum_{ij} \sigma_{ij}}

    Parameters
    ----------
    found : Joint
        Members whose errors never vary are left out.
    level : float
    """
    vary = np.diag(found.of.variance) > _SMALL
    kept = _only(found, vary)
    k = int(vary.sum())
    blank = _blank(kept, k)
    defined = np.isfinite(kept.of.rho) & ~np.eye(k, dtype=bool)
    if not defined.any():
        why = ("fewer than two members whose errors vary" if k < 2 else
               f"no two members have {LEAST} pairs of the reference in common")  # fmt: skip
        return [{"term": term, **blank, "reason": why} for term in (KISH, VARIANCE, MEAN)]
    mean = _moved(kept, lambda of: of.rho[..., defined].mean(axis=-1))
    share = _Moved((1.0 + (k - 1) * mean.value) / k, (k - 1) / k * mean.error, mean.clusters)
    rows = [{"term": KISH, **blank, **_number(share, level)}]
    if (kept.of.n >= LEAST).all():
        rows.append({"term": VARIANCE, **blank, **_number(_moved(kept, _ratio), level)})
    else:
        why = "some two members have no pair of the reference in common"
        rows.append({"term": VARIANCE, **blank, "reason": why})
    rows.append({"term": MEAN, **blank, **_mean_row(mean, level)})
    return rows


class _Moved(NamedTuple):
    """A number, its error over clusters, and how many clusters of equal weight there are."""

    value: float
    error: float
    clusters: float


def _ratio(of: Moments) -> Array:
    own = np.trace(of.variance, axis1=-2, axis2=-1)
    return np.asarray(of.covariance.sum(axis=(-2, -1)) / (of.n.shape[-1] * own))


def _moved(found: Joint, value: Callable[[Moments], Array]) -> _Moved:
    share = np.bincount(found.cluster) / len(found.error)
    error = float(jackknife_error(value(found.without)))
    # groups of clusters tell the error as so many clusters would
    clusters = min(float(1.0 / (share**2).sum()), float(MOST))
    return _Moved(float(value(found.of)), error, clusters)


def _blank(found: Joint, k: int) -> dict[str, Any]:
    return {
        **dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), np.nan),
        "n": float(len(found.error)), "n_clusters": float(len(np.unique(found.cluster))),
        "members": float(k), "method": _METHOD, "reason": None,
    }  # fmt: skip


def _only(found: Joint, keep: NDArray[np.bool_]) -> Joint:
    if keep.all():
        return found
    at = np.flatnonzero(keep)
    some = found.given[:, at].any(axis=1)
    square = np.ix_(at, at)
    of = Moments(*(one[square] for one in found.of))
    return Joint(found.error[some][:, at], found.given[some][:, at], found.cluster[some], of)


def _number(share: _Moved, level: float) -> dict[str, Any]:
    """Return 1 / share with its ends; the share lies between 0 and 1."""
    value, error, clusters = share
    if value <= _SMALL:
        return {"reason": "errors offset each other: the mean of all errs always alike"}
    row = {"estimate": 1.0 / value}
    why = _no_error(error, clusters, value >= 1.0 - _SMALL)
    if why:
        return row | {"reason": why}
    half = _quantile(level, clusters) * error / (value * (1.0 - value))
    low, high = (1.0 / float(expit(logit(value) + sign * half)) for sign in (1.0, -1.0))
    return row | {"std_error": error / value**2, "conf_low": low, "conf_high": high}


def _mean_row(mean: _Moved, level: float) -> dict[str, Any]:
    value, error, clusters = mean
    why = _no_error(error, clusters, abs(value) >= 1.0 - _SMALL)
    if why:
        return {"estimate": value, "reason": why}
    low, high, _ = correlation_ends(value, error, clusters, level)
    return {"estimate": value, "std_error": error, "conf_low": low, "conf_high": high}


def _no_error(error: float, clusters: float, at_end: bool) -> str | None:
    if clusters < 1.5:
        return ONE_CLUSTER
    if np.isnan(error):
        return ONE_PROMPT
    return NO_VARIATION if error <= _SMALL or at_end else None


def _quantile(level: float, clusters: float) -> float:
    return float(t.ppf(0.5 + level / 2, max(clusters - 1.0, 1.0)))
