"""The measures of a judge's verdicts, with what each cluster of pairs adds to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import t as student

from workbench.calibration.instrument.verdicts import NO_TIE, Fit
from workbench.clustered import Array
from workbench.intervals import NO_VARIATION, ONE_CLUSTER, mid_p

DISCRIMINATION = "discrimination"
TIE = "tie at equal strength"
FIRST = "favour for the first shown"
NULL: dict[str, float | None] = {DISCRIMINATION: 1.0, TIE: None, FIRST: 0.0}
"""The measures of verdicts, in order, and what each is tested against."""

NO_SCALE = "the reference's own votes do not follow this strength"

_NOTHING = 1e-12


class Value(NamedTuple):
    """A measure before its interval.

    Attributes
    ----------
    estimate : float
    influence : ndarray, shape (clusters,)
        First-order change due to a cluster.
    share : ndarray, shape (clusters,)
        Labels of a cluster, by weight.
    n : float
        Labels.
    reason : str or None
        Why it is undefined.
    """

    estimate: float
    influence: Array
    share: Array
    n: float
    reason: str | None

    @property
    def pull(self) -> Array:
        """Change of the estimate when a cluster is left out, but for its sign."""
        total = self.share.sum()
        if not total > 0:
            return np.zeros(len(self.share))
        left = 1 - self.share / total
        out = np.zeros(len(left))
        return np.asarray(np.divide(self.influence, left, out=out, where=left > 0))

    @property
    def clusters(self) -> float:
        """As many clusters of equal weight."""
        square = float((self.share**2).sum())
        return float(self.share.sum()) ** 2 / square if square > 0 else 0.0


def values_of(fit: Fit, people: Fit | None = None) -> dict[str, Value]:
    r"""Return discrimination, readiness to tie and favour for the first shown.

    .. math:: a_J / a_{people},\qquad P(tie \mid z = 0) = \tanh(\tau / 2),\qquad b

    Parameters
    ----------
    fit : Fit
        Of a judge.
    people : Fit, optional
        Of people's own votes on the same strength; their slope is 1 by definition when None.
    """
    _slope, log_tau, order = fit.value
    reasons = dict(zip((DISCRIMINATION, TIE, FIRST), fit.reasons, strict=True))
    found = {
        DISCRIMINATION: _ratio(fit, people),
        TIE: Value(np.nan, fit.influence[:, 1], fit.share, fit.n, reasons[TIE]),
        FIRST: Value(float(order), fit.influence[:, 2], fit.share, fit.n, reasons[FIRST]),
    }
    if reasons[TIE] == NO_TIE:
        nothing = np.zeros(len(fit.share))
        found[TIE] = Value(0.0, nothing, fit.share, fit.n, NO_TIE)
    elif reasons[TIE] is None:
        half = float(np.exp(log_tau)) / 2
        chance = float(np.tanh(half))
        pull = fit.influence[:, 1] * half * (1 - chance**2)
        found[TIE] = Value(chance, pull, fit.share, fit.n, None)
    return found


def row_of(name: str, value: Value, level: float) -> dict[str, Any]:
    """Return the row of a measure: Student's t over clusters, a chance on the logit scale.

    Parameters
    ----------
    name : str
        Of :data:`NULL`, infit or outfit.
    value : Value
    level : float

    Examples
    --------
    >>> part = Value(1.0, np.array([0.1, -0.1, 0.1, -0.1]), np.ones(4), 4.0, None)
    >>> row = row_of("discrimination", part, 0.95)
    >>> round(row["std_error"], 4), row["p_value"]
    (0.2309, 1.0)
    """
    if name == TIE and value.reason == NO_TIE:
        high = mid_p(0.0, max(value.clusters, 1.0), level)[1]
        return {**_blank(value), "estimate": 0.0, "conf_low": 0.0, "conf_high": high}
    if name == TIE and value.reason is None:
        p = value.estimate
        slope = p * (1 - p)
        if slope > _NOTHING:
            odds = value._replace(
                estimate=float(np.log(p / (1 - p))), influence=value.influence / slope
            )
            row = t_over_clusters(odds, level)
            ends = {end: float(1 / (1 + np.exp(-row[end]))) for end in ("conf_low", "conf_high")}
            return {**row, **ends, "estimate": p, "std_error": row["std_error"] * slope}
    if name in ("infit", "outfit") and value.reason is None:
        one = value._replace(
            estimate=float(np.log(value.estimate)), influence=value.influence / value.estimate
        )
        row = t_over_clusters(one, level)
        ends = {end: float(np.exp(row[end])) for end in ("conf_low", "conf_high")}
        return {**row, **ends, "estimate": value.estimate,
                "std_error": row["std_error"] * value.estimate}  # fmt: skip
    return t_over_clusters(value, level, NULL.get(name))


def t_over_clusters(value: Value, level: float, null: float | None = None) -> dict[str, Any]:
    """Return a value with its t interval over clusters and its test against another."""
    if value.reason is not None:
        return _blank(value)
    error = _error(value.pull)
    if (value.share > 0).sum() < 2:
        return {**_blank(value), "estimate": value.estimate, "reason": ONE_CLUSTER}
    if not error > _NOTHING:
        return {**_blank(value), "estimate": value.estimate, "reason": NO_VARIATION}
    df = max(value.clusters - 1, 1.0)
    return {**_blank(value), "reason": None, **_t(value.estimate, error, df, level, null)}


def beside_others(values: Sequence[Value], level: float) -> list[dict[str, Any]]:
    """Return each value minus the mean of the others by labels, with its t interval and test.

    Clusters that several values share count in all of them; the degrees of freedom are Welch's.

    Parameters
    ----------
    values : sequence of Value
        Two or more, all defined, over the same clusters.
    level : float

    Examples
    --------
    >>> one = Value(1.0, np.array([0.1, -0.1, 0, 0]), np.array([1.0, 1, 0, 0]), 2.0, None)
    >>> other = Value(0.0, np.array([0, 0, 0.1, -0.1]), np.array([0.0, 0, 1, 1]), 2.0, None)
    >>> [row["estimate"] for row in beside_others([one, other], 0.95)]
    [1.0, -1.0]
    """
    n = np.array([value.n for value in values])
    pulls = np.stack([value.pull for value in values])
    used = np.array([(value.share > 0).sum() for value in values])
    products = pulls @ pulls.T
    own = np.diag(products) * (used - 1) / np.maximum(used, 1)
    df = np.array([max(value.clusters - 1, 1.0) for value in values])
    weights = np.eye(len(n)) - np.where(np.eye(len(n)) > 0, 0.0, n) / (n.sum() - n)[:, None]
    estimates = weights @ np.array([value.estimate for value in values])
    clusters = int((pulls != 0).any(axis=0).sum())
    rows = []
    for k, (value, weight) in enumerate(zip(values, weights, strict=True)):
        parts = weight**2 * own
        variance = float(weight @ products @ weight) * (clusters - 1) / max(clusters, 1)
        start = {**_blank(value), "estimate": float(estimates[k])}
        if used.min() < 2:
            rows.append({**start, "reason": ONE_CLUSTER})
        elif not variance > _NOTHING**2:
            rows.append({**start, "reason": NO_VARIATION})
        else:
            welch = float(parts.sum() ** 2 / (parts**2 / df).sum())
            error = float(np.sqrt(variance))
            made = _t(float(estimates[k]), error, welch, level, 0.0)
            rows.append({**start, "reason": None, **made})
    return rows


def _ratio(fit: Fit, people: Fit | None) -> Value:
    reason = fit.reasons[0]
    if reason is not None or people is None:
        return Value(float(fit.value[0]), fit.influence[:, 0], fit.share, fit.n, reason)
    base, pull = float(people.value[0]), people.influence[:, 0]
    error = _error(pull) if people.reasons[0] is None else np.inf
    # the ratio to a slope that may be 0 has no interval
    if not base > 2.5 * error:
        return Value(np.nan, pull, fit.share, fit.n, NO_SCALE)
    ratio = float(fit.value[0]) / base
    return Value(ratio, (fit.influence[:, 0] - ratio * pull) / base, fit.share, fit.n, None)


def _error(pull: Array) -> float:
    used = int((pull != 0).sum())
    return float(np.sqrt((used - 1) / used * (pull**2).sum())) if used > 1 else 0.0


def _t(
    estimate: float, error: float, df: float, level: float, null: float | None
) -> dict[str, Any]:
    half = float(student.ppf(0.5 + level / 2, df)) * error
    p = np.nan if null is None else 2 * float(student.sf(abs(estimate - null) / error, df))
    return {"estimate": estimate, "std_error": error, "conf_low": estimate - half,
            "conf_high": estimate + half, "p_value": p}  # fmt: skip


def _blank(value: Value) -> dict[str, Any]:
    names = ("estimate", "std_error", "conf_low", "conf_high", "p_value")
    return {**dict.fromkeys(names, np.nan), "n": value.n,
            "n_clusters": float((value.share > 0).sum()), "reason": value.reason}  # fmt: skip
