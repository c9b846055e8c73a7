r"""How much sharper one annotator is than another, apart from what each of them likes.

The weights of a logistic model are in units of the annotator's own noise: one who applies
the same taste more consistently has all weights larger by one ratio (Allison 1999; Mood
2010; Williams 2009). The ratio is estimated by minimum distance, and a difference of taste
is what is out of proportion to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import f as f_distribution
from scipy.stats import t as t_distribution

from workbench.decompose.errors.sandwich import Sandwich, joint_test
from workbench.decompose.errors.tidy import p_values, q_values
from workbench.decompose.kernel import Array

_GRID = 181
_ALPHA = 0.05

_STRONG = 0.01
"""The reference's weights must differ from 0 by a joint test at this level."""

_WEAK = "the reference's weights are too weak to tell how sharp it is"


@dataclass(frozen=True, eq=False)
class Scale:
    """The ratio of two annotators' sharpness, and what their weights are beyond it.

    Attributes
    ----------
    ratio, low, high, p_value : float
        Sharpness of the first over that of the second, its interval, and the test that it
        is 1.
    test : dict
        That the weights are proportional: ``statistic, df, df_residual, p_value, reason``.
    anchors : ndarray of bool, shape (K,)
        Terms that the ratio rests on.
    difference : ndarray, shape (K,)
        Weights of the first minus the ratio times those of the second, and
    errors : Sandwich
        their errors, the ratio's own included.
    reason : str or None
        Why there is no ratio.
    """

    ratio: float
    low: float
    high: float
    p_value: float
    test: dict[str, object]
    anchors: NDArray[np.bool_]
    difference: Array
    errors: Sandwich
    reason: str | None = None


def scale(
    first: Array,
    second: Array,
    errors: Sandwich,
    other: Sandwich,
    terms: NDArray[np.bool_],
    level: float,
) -> Scale:
    r"""Estimate the ratio of two weight vectors, and test what is out of proportion.

    Parameters
    ----------
    first, second : ndarray, shape (K,)
        Weights; NaN where a term has none.
    errors, other : Sandwich
        Their errors, over clusters that are numbered alike.
    terms : ndarray of bool, shape (K,)
        Terms that have a weight on both sides and are no position.
    level : float
        Confidence level of the ratio's interval.

    Notes
    -----
    With :math:`d(\rho) = b_1 - \rho b_2` and its joint covariance :math:`\Sigma(\rho)`, the
    ratio minimises :math:`Q(\rho) = d' \Sigma^{-1} d` over :math:`\rho \ge 0`; the least Q
    tests proportionality with one degree less than there are terms; the ratio's interval is
    where Q is within the critical value of its least (it is Fieller's with one term, and
    has no upper end where the second's weights are too weak). A term that is out of
    proportion (q < .05) no longer serves to estimate the ratio, one at a time and the
    clearest first, while more than half of the terms remain.
    """
    known = np.where(terms, first, 0.0), np.where(terms, second, 0.0)
    problem = _Distance(*known, errors, other)
    anchors = terms.copy()
    nothing = _nothing(terms, errors)
    reason = _cannot_tell(second, other, terms)
    if reason is not None:
        return Scale(**{**nothing, "reason": reason})  # type: ignore[arg-type]
    test, everywhere = None, terms
    while True:
        ratio, least = problem.solve(anchors)
        moved, degrees = problem.moved(ratio, anchors, first, second)
        if test is None:
            test = _proportional(problem, ratio, everywhere)
        difference = first - ratio * second
        error = np.sqrt(np.maximum(np.diag(moved.covariance), 0.0))
        p = np.where(terms, p_values(difference, error, moved.degrees), np.nan)
        p[~(error > 1e-9)] = np.nan
        clear = anchors & (q_values(p) < _ALPHA)
        if not clear.any() or 2 * (anchors.sum() - 1) <= terms.sum():
            break
        anchors[int(np.nanargmin(np.where(clear, p, np.nan)))] = False
    low, high, one = problem.interval(ratio, least, anchors, degrees, level)
    if not np.isfinite(high):
        return Scale(**{**nothing, "reason": _WEAK})  # type: ignore[arg-type]
    return Scale(ratio, low, high, one, test, anchors, difference, moved)


def _cannot_tell(second: Array, other: Sandwich, terms: NDArray[np.bool_]) -> str | None:
    """Say why there can be no ratio, if so."""
    if terms.sum() < 2:
        return "one factor alone cannot tell sharpness from taste"
    covariance = other.covariance[np.ix_(terms, terms)]
    told = joint_test(second[terms], covariance, other.joint_degrees(terms))
    if told["reason"] is not None:
        return str(told["reason"])
    return None if told["p_value"] < _STRONG else _WEAK


def _nothing(terms: NDArray[np.bool_], errors: Sandwich) -> dict[str, object]:
    test = {"statistic": np.nan, "df": int(terms.sum()) - 1, "df_residual": np.nan,
            "p_value": np.nan, "reason": "no ratio of sharpness"}  # fmt: skip
    missing = np.full(len(terms), np.nan)
    return {"ratio": np.nan, "low": np.nan, "high": np.nan, "p_value": np.nan, "test": test,
            "anchors": np.zeros_like(terms), "difference": missing,
            "errors": errors}  # fmt: skip


def _proportional(problem: _Distance, ratio: float, terms: NDArray[np.bool_]) -> dict[str, object]:
    """Return the test that all weights are proportional, with the degrees of a joint test."""
    joint = problem.errors.minus(problem.other, ratio)
    degrees = joint.joint_degrees(terms)
    part = np.ix_(terms, terms)
    d = (problem.first - ratio * problem.second)[terms]
    covariance = joint.covariance[part]
    q = int(terms.sum()) - 1
    found = joint_test(d, covariance, degrees)
    if found["reason"] is not None:
        return {**found, "df": q}
    wald = float(d @ np.linalg.solve(covariance, d))
    left = degrees - q + 1
    statistic = left / (degrees * q) * wald
    p = float(f_distribution.sf(statistic, q, left))
    return {"statistic": statistic, "df": q, "df_residual": left, "p_value": p, "reason": None}


class _Distance:
    """The minimum distance of two weight vectors to proportional ones."""

    def __init__(self, first: Array, second: Array, errors: Sandwich, other: Sandwich) -> None:
        self.first, self.second, self.errors, self.other = first, second, errors, other
        self.one, self.two = errors.covariance, other.covariance
        self.both = self.one + self.two - errors.minus(other).covariance

    def covariance(self, ratio: Array) -> Array:
        """Return the covariance of ``d`` at each ratio, shape (R, K, K)."""
        rho = np.asarray(ratio, dtype=np.float64).reshape(-1, 1, 1)
        return np.asarray(self.one - rho * self.both + rho**2 * self.two)

    def distance(self, ratio: Array, terms: NDArray[np.bool_]) -> Array:
        """Return Q at each ratio over some terms."""
        rho = np.asarray(ratio, dtype=np.float64).reshape(-1, 1)
        d = (self.first - rho * self.second)[:, terms]
        matrix = self.covariance(ratio)[:, terms][:, :, terms]
        inverse = np.linalg.pinv(matrix, hermitian=True)
        return np.asarray(np.einsum("ra,rab,rb->r", d, inverse, d))

    def solve(self, anchors: NDArray[np.bool_]) -> tuple[float, float]:
        """Return the ratio, at least 0, and its Q."""
        unit = self._unit(anchors)
        angles = np.linspace(0.0, np.pi / 2, _GRID)[:-1]
        values = self.distance(unit * np.tan(angles), anchors)
        k = int(np.argmin(values))
        # weights that point the other way are as far from no sharpness of either side
        if self._slope(0.0, anchors) >= 0 and k in (0, len(angles) - 1):
            return 0.0, float(values[0])
        ends = [unit * np.tan(angles[i]) for i in (max(k - 1, 0), min(k + 1, len(angles) - 1))]
        slopes = [self._slope(end, anchors) for end in ends]
        ratio = unit * np.tan(angles[k])
        if slopes[0] < 0 < slopes[1]:
            ratio = brentq(self._slope, *ends, args=(anchors,), xtol=1e-14, rtol=1e-14)
        return float(ratio), float(self.distance(ratio, anchors)[0])

    def _slope(self, ratio: float, terms: NDArray[np.bool_]) -> float:
        """Return the derivative of Q."""
        part = np.ix_(terms, terms)
        d = (self.first - ratio * self.second)[terms]
        inverse = np.linalg.pinv(self.covariance(np.array([ratio]))[0][part], hermitian=True)
        pull = inverse @ d
        moved = (2 * ratio * self.two - self.both)[part]
        return float(-2 * self.second[terms] @ pull - pull @ moved @ pull)

    def _unit(self, anchors: NDArray[np.bool_]) -> float:
        sizes = [
            np.sqrt(v[anchors] @ np.linalg.pinv(m[np.ix_(anchors, anchors)]) @ v[anchors])
            * np.sqrt(np.trace(m[np.ix_(anchors, anchors)]))
            for v, m in ((self.first, self.one), (self.second, self.two))
        ]
        return float(max(sizes[0], 1e-12) / max(sizes[1], 1e-12))

    def moved(
        self, ratio: float, anchors: NDArray[np.bool_], first: Array, second: Array
    ) -> tuple[Sandwich, float]:
        """Return the errors of ``b1 - ratio b2``, and the ratio's degrees of freedom."""
        joint = self.errors.minus(self.other, ratio)
        K = len(first)
        if ratio == 0:
            return joint, float(np.nanmax(joint.degrees[anchors]))
        inverse = np.zeros((K, K))
        part = np.ix_(anchors, anchors)
        matrix = self.covariance(np.array([ratio]))[0][part]
        inverse[part] = np.linalg.pinv(matrix, hermitian=True)
        # the efficient estimate of the second's weights where both are proportional
        d = np.where(anchors, self.first - ratio * self.second, 0.0)
        across = ratio * self.two - self.both / 2
        theta = np.where(anchors, self.second + across @ inverse @ d, 0.0)
        pull = inverse @ theta / (theta @ inverse @ theta)
        jacobian = np.eye(K) - np.outer(np.where(np.isfinite(second), second, 0.0), pull)
        own = joint.through(pull[None])
        return joint.through(jacobian), float(own.degrees[0])

    def interval(
        self,
        ratio: float,
        least: float,
        anchors: NDArray[np.bool_],
        degrees: float,
        level: float,
    ) -> tuple[float, float, float]:
        """Return both ends of the ratio's interval, and the p-value that it is 1."""
        allowed = float(t_distribution.ppf(0.5 + level / 2, degrees)) ** 2

        def beyond(angle: float) -> float:
            value = self.distance(np.array([unit * np.tan(angle)]), anchors)[0]
            return float(value - least - allowed)

        unit = max(self._unit(anchors), ratio)
        at = float(np.arctan(ratio / unit))
        far = np.pi / 2 - 1e-6
        if ratio == 0:
            # the first crossing: far away the distance may fall again
            grid = np.linspace(0.0, far, 4 * _GRID)
            over = self.distance(unit * np.tan(grid), anchors) - least > allowed
            far = float(grid[int(np.argmax(over))]) if over.any() else far
        low = 0.0 if beyond(0.0) <= 0 else unit * np.tan(brentq(beyond, 0.0, at))
        high = np.inf if beyond(far) <= 0 else unit * np.tan(brentq(beyond, at, far))
        excess = max(self.distance(np.array([1.0]), anchors)[0] - least, 0.0)
        return float(low), float(high), float(2 * t_distribution.sf(np.sqrt(excess), degrees))
