r"""How much sharper one annotator is than another, apart from what each of them likes.

The weights of a logistic model are in units of the annotator's own noise: one who applies
the same taste more consistently has all weights larger by one ratio (Allison 1999; Mood
2010; Williams 2009). The ratio is estimated by minimum distance, and a difference of taste
is what is out of proportion to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import null_space
from scipy.special import fdtrc, stdtr, stdtrit

from workbench.compare.sides import Side
from workbench.decompose.errors.sandwich import Sandwich, joint_test
from workbench.decompose.errors.tidy import p_values, q_values
from workbench.decompose.kernel import Array

_GRID = 181
_ALPHA = 0.05

_STRONG = 0.01
"""Some weight of the reference must differ from 0 at this level (Bonferroni)."""

NOTHING = 1e-9
"""Share of the errors of both below which a difference has none but that of rounding."""

_FAR = 6.0
"""Squared z from which a term is no part of a consensus."""

NO_FACTOR = "no factor has a weight in both fits"
SAME_LABELS = "both gave the same labels: their difference has no error"

_ONE_FACTOR = "one factor alone cannot tell sharpness from taste"
_WEAK = "the reference's weights are too weak to tell how sharp it is"
_UNBOUND = "the labels do not bound the ratio"
_UNRELATED = "no ratio fits: what the two reward is unrelated"
_OPPOSITE = "opposite taste: its weights point the other way"
_MOSTLY = "opposite taste: most of its weights point the other way"
_MIRRORED = f"{_OPPOSITE} (its labels are the opposite: the ratio has no error)"


@dataclass(frozen=True, eq=False)
class Scale:
    """The ratio of two annotators' sharpness, and what their weights are beyond it.

    Attributes
    ----------
    ratio, low, high, p_value : float
        Sharpness of the first over that of the second, its interval, and the test that it
        is 1; where the taste is opposite, of the weights turned round.
    test : dict
        That the weights are proportional: ``statistic, df, df_residual, p_value, reason``.
    anchors : ndarray of bool, shape (K,)
        Terms that the ratio rests on.
    difference : ndarray, shape (K,)
        Weights of the first minus the ratio times those of the second, and
    errors : Sandwich
        their errors, the ratio's own included.
    reason : str or None
        Why there is no ratio, or no interval of it; or that the taste is opposite.
    opposite : bool
        Whether the first's weights point the other way.
    """

    ratio: float
    low: float
    high: float
    p_value: float
    test: dict[str, Any]
    anchors: NDArray[np.bool_]
    difference: Array
    errors: Sandwich
    reason: str | None = None
    opposite: bool = False


def scale(first: Side, second: Side, terms: NDArray[np.bool_], level: float) -> Scale:
    r"""Estimate the ratio of two annotators' weights, and test what is out of proportion.

    Parameters
    ----------
    first, second : Side
        Clusters numbered alike.
    terms : ndarray of bool, shape (K,)
        Terms that have a weight on both sides and are no position.
    level : float
        Confidence level of the ratio's interval.

    Notes
    -----
    The ratio :math:`\rho \ge 0` makes :math:`d = b_1 - \rho b_2` smallest in the metric
    :math:`(M_1 + \rho^2 M_2)^{-1}` of the inverse Hessians, which few clusters do not make
    noisy. It is a linear function :math:`c'd = 0` of the weights, so its interval is
    Fieller's, and the differences beyond it :math:`(I - b_2 c') d` have the errors of a
    linear function too: all from the joint cluster-robust covariance. The test of
    proportional weights joins them (one degree less than terms); with too few degrees of
    freedom for that it is Bonferroni's over the single terms. Where that test finds another
    taste, the ratio is the one that most terms share (least sum of squared z, each at most
    6), and rests on these; one that is still out of proportion (q < .05) no longer serves
    either, the clearest first, while more than half of the terms remain.

    Where more terms share a ratio below 0, and the interval of that of all terms lies below
    0, the taste is opposite: the ratio is then that of the weights turned round,
    :math:`-\rho`, and what differs from the reference's taste at that sharpness is still
    :math:`b_1 - |\rho| b_2`.
    """
    direct = _Distance(first, second)
    reason = _cannot_tell(direct, terms)
    if reason is not None:
        return _nothing(first, terms, reason)
    found = direct.at(direct.ratio(terms), terms, level)
    test = direct.proportional(found, terms)
    if test["p_value"] < _ALPHA:
        found = _most_share(direct, terms, level)
    else:
        found = _settled(direct, terms.copy(), terms, level)
    if terms.sum() < 2:
        why = f"{found.reason}; {_ONE_FACTOR}" if found.opposite else _ONE_FACTOR
        return replace(_nothing(first, terms, why), test=test, opposite=found.opposite)
    if np.isinf(found.high):
        test = direct.at_any_ratio(terms)
        why = _UNRELATED if test["p_value"] < _ALPHA else _UNBOUND
        return replace(_nothing(first, terms, why), test=test)
    return replace(found, test=test)


def _cannot_tell(direct: _Distance, terms: NDArray[np.bool_]) -> str | None:
    """Say why there can be no ratio, if so."""
    if not terms.any():
        return NO_FACTOR
    if direct.exact(terms):
        return SAME_LABELS
    second = direct.sides[1]
    error = np.sqrt(np.maximum(np.diag(second.covariance), 0.0))
    p = p_values(second.told, error, second.errors.degrees)[terms]
    return None if np.nanmin(np.r_[p, 1.0]) * terms.sum() < _STRONG else _WEAK


def _nothing(first: Side, terms: NDArray[np.bool_], reason: str) -> Scale:
    test = {"statistic": np.nan, "df": max(int(terms.sum()) - 1, 0), "df_residual": np.nan,
            "p_value": np.nan, "reason": reason}  # fmt: skip
    missing = np.full(len(terms), np.nan)
    nothing = np.zeros_like(terms)
    return Scale(np.nan, np.nan, np.nan, np.nan, test, nothing, missing, first.errors, reason)


def _most_share(direct: _Distance, terms: NDArray[np.bool_], level: float) -> Scale:
    """Return the ratio that most terms share, of the weights as they are or turned round."""
    turned = _Distance(*direct.sides, -1.0)
    if turned.exact(terms):
        found = turned.opposite(turned.at(turned.ratio(terms), terms, level), _MIRRORED)
        return replace(found, low=np.nan, high=np.nan, p_value=np.nan)
    (loss, anchors), (loss_turned, anchors_turned) = (
        problem.consensus(terms) for problem in (direct, turned)
    )
    # terms chosen for pointing the other way do so: all together must
    if loss_turned < loss and turned.at(turned.ratio(terms), terms, level).low > 0:
        found = _settled(turned, anchors_turned, terms, level)
        if np.isfinite(found.high):
            return turned.opposite(found, _OPPOSITE if found.anchors[terms].all() else _MOSTLY)
    return _settled(direct, anchors, terms, level)


def _settled(
    problem: _Distance, anchors: NDArray[np.bool_], terms: NDArray[np.bool_], level: float
) -> Scale:
    """Return the ratio of the anchors that are in proportion."""
    while True:
        found = problem.at(problem.ratio(anchors), anchors, level)
        p = problem.tests(found, terms)
        clear = anchors & (q_values(p) < _ALPHA)
        if not clear.any() or 2 * (anchors.sum() - 1) <= terms.sum():
            return found
        anchors[int(np.nanargmin(np.where(clear, p, np.nan)))] = False


class _Distance:
    """The minimum distance of two weight vectors to proportional ones.

    Weights are in units of their errors; those of the second times ``sign``, -1 to turn them.
    """

    def __init__(self, first: Side, second: Side, sign: float = 1.0) -> None:
        self.sides, self.sign = (first, second), sign
        unit = first.unit(second)
        self.unit = np.where(unit > 0, unit, 1.0)
        self.first = np.nan_to_num(first.told) / self.unit
        self.second = sign * np.nan_to_num(second.told) / self.unit
        square = np.outer(self.unit, self.unit)
        self.one, self.two = (np.nan_to_num(s.fit.bread) / square for s in (first, second))
        self.own = first.covariance / square, second.covariance / square
        self.cross = sign * first.errors.cross(second.errors) / square
        self.pull = np.zeros(len(self.first))
        """The ratio as a function of ``d``: last estimated."""

    def exact(self, terms: NDArray[np.bool_]) -> bool:
        """Tell whether the labels of both are the same, so that all weights are."""
        errors = self.sides[0].errors.minus(self.sides[1].errors, self.sign)
        left = np.sqrt(np.maximum(np.diag(errors.covariance), 0.0)) / self.unit
        return not (left[terms] > NOTHING).any()

    def distance(self, ratio: Array, terms: NDArray[np.bool_]) -> Array:
        """Return ``d' (M1 + ratio^2 M2)^-1 d`` at each ratio over some terms."""
        rho = np.asarray(ratio, dtype=np.float64).reshape(-1, 1)
        d = (self.first - rho * self.second)[:, terms]
        metric = (self.one + rho[:, :, None] ** 2 * self.two)[:, terms][:, :, terms]
        return np.asarray(np.einsum("ra,ra->r", d, np.linalg.solve(metric, d[:, :, None])[:, :, 0]))

    def _slope(self, ratio: float, terms: NDArray[np.bool_]) -> float:
        """Return the derivative of the distance."""
        part = np.ix_(terms, terms)
        d = (self.first - ratio * self.second)[terms]
        pull = np.linalg.solve((self.one + ratio**2 * self.two)[part], d)
        return float(-2 * self.second[terms] @ pull - 2 * ratio * pull @ self.two[part] @ pull)

    def _points(self, terms: NDArray[np.bool_]) -> Array:
        """Return ratios to look at first, in steps of an angle."""
        part = np.ix_(terms, terms)
        lengths = [
            float(np.sqrt(v[terms] @ np.linalg.solve(self.two[part], v[terms])))
            for v in (self.first, self.second)
        ]
        unit = max(lengths[0], 1e-9) / max(lengths[1], 1e-9)
        return np.asarray(unit * np.tan(np.linspace(0.0, np.pi / 2, _GRID)[:-1]))

    def ratio(self, anchors: NDArray[np.bool_]) -> float:
        """Return the ratio, at least 0."""
        points = self._points(anchors)
        k = int(np.argmin(self.distance(points, anchors)))
        # weights that point the other way are as far from no sharpness of either side
        if self._slope(0.0, anchors) >= 0 and k in (0, len(points) - 1):
            return 0.0
        ends = points[max(k - 1, 0)], points[min(k + 1, len(points) - 1)]
        slopes = [self._slope(end, anchors) for end in ends]
        if slopes[0] < 0 < slopes[1]:
            # it loads what few comparisons need
            from scipy.optimize import brentq

            return float(brentq(self._slope, *ends, args=(anchors,), xtol=1e-14, rtol=1e-14))
        return float(points[k])

    def consensus(self, terms: NDArray[np.bool_]) -> tuple[float, NDArray[np.bool_]]:
        """Return the terms in proportion at the ratio that most share, and how far all are."""
        one, two, both = (np.diag(matrix) for matrix in (*self.own, self.cross))
        rho = (self._points(terms))[:, None]
        variance = (one - rho * both + rho**2 * two)[:, terms]
        d = (self.first - rho * self.second)[:, terms]
        squares = d**2 / np.maximum(variance, 1e-300)
        losses = np.minimum(squares, _FAR).sum(axis=1)
        least = int(np.argmin(losses))
        anchors = terms.copy()
        anchors[np.flatnonzero(terms)[squares[least] >= _FAR]] = False
        enough = 2 * anchors.sum() >= terms.sum() and anchors.sum() > 1
        return float(losses[least]), anchors if enough else terms.copy()

    def at(self, ratio: float, anchors: NDArray[np.bool_], level: float) -> Scale:
        """Return the ratio with its interval, and the differences beyond it."""
        first, second = self.sides
        K, part = len(self.first), np.ix_(anchors, anchors)
        d = (self.first - ratio * self.second)[anchors]
        metric = (self.one + ratio**2 * self.two)[part]
        # the best estimate of the second's weights where both are proportional
        theta = self.second[anchors] + ratio * self.two[part] @ np.linalg.solve(metric, d)
        pull = np.zeros(K)
        pull[anchors] = np.linalg.solve(metric, theta)
        pull /= pull @ self.second
        joint = first.errors.minus(second.errors, self.sign * ratio)
        along = joint.through((pull / self.unit)[None])
        degrees, error = float(along.degrees[0]), float(np.sqrt(along.covariance[0, 0]))
        low, high, p = self._fieller(pull, error, degrees, level)
        if ratio == 0 and np.isfinite(high):
            # at the edge of what a ratio can be: as far as an estimate of 0 would reach
            own = np.sqrt(pull @ self.own[0] @ pull)
            high = max(high, float(stdtrit(degrees, 0.5 + level / 2) * own))
        self.pull = pull if ratio > 0 else np.zeros(K)
        return Scale(
            ratio, min(low, ratio), max(high, ratio), p, {}, anchors.copy(),
            first.told - ratio * self.sign * second.told, joint.through(self._beyond()),
        )  # fmt: skip

    def _beyond(self) -> Array:
        """Return what the ratio leaves of ``d``."""
        return np.eye(len(self.pull)) - np.outer(self.second * self.unit, self.pull / self.unit)

    def opposite(self, found: Scale, reason: str) -> Scale:
        """Return a ratio of turned weights with the differences from those as they are."""
        first, second = self.sides
        # the ratio moves with b1 + ratio b2, the difference with b1 - ratio b2
        rest = self._beyond()
        own = first.errors.through(2 * np.eye(len(rest)) - rest)
        return replace(
            found,
            difference=first.told - found.ratio * second.told,
            errors=own.minus(second.errors.through(rest), found.ratio),
            reason=reason,
            opposite=True,
        )

    def tests(self, found: Scale, terms: NDArray[np.bool_]) -> Array:
        """Return the p-values of single differences."""
        error = np.sqrt(np.maximum(np.diag(found.errors.covariance), 0.0))
        error = np.where(error > NOTHING * self.unit, error, 0.0)
        return np.where(terms, p_values(found.difference, error, found.errors.degrees), np.nan)

    def proportional(self, found: Scale, terms: NDArray[np.bool_]) -> dict[str, Any]:
        """Return the test that all weights are proportional."""
        # the differences lie in the space that the ratio's own direction leaves
        K = int(terms.sum())
        left = K - int(self.pull.any())
        if not left:
            return {"statistic": np.nan, "df": 0, "df_residual": np.nan, "p_value": np.nan,
                    "reason": _ONE_FACTOR}  # fmt: skip
        basis = np.zeros((left, len(terms)))
        basis[:, terms] = null_space(self.pull[None, terms]).T if self.pull.any() else np.eye(K)
        moved = found.errors.through(basis / self.unit)
        every = np.ones(len(basis), dtype=bool)
        difference = basis @ np.where(terms, found.difference / self.unit, 0.0)
        test = joint_test(difference, moved.covariance, moved.joint_degrees(every))
        p = self.tests(found, terms)
        if test["reason"] is None or not np.isfinite(p).any():
            return test
        least = min(float(np.nanmin(p) * np.isfinite(p).sum()), 1.0)
        reason = f"Bonferroni over single terms: {test['reason']}"
        return {**test, "p_value": least, "reason": reason}

    def at_any_ratio(self, terms: NDArray[np.bool_]) -> dict[str, Any]:
        """Return the test that some ratio makes the weights proportional.

        Wald's statistic of ``d`` at the ratio where it is least, with one degree less than
        terms: unlike :meth:`proportional` it needs no estimate of the ratio, which weights at
        right angles do not give.
        """
        ratios, q = self._points(terms), int(terms.sum()) - 1
        rho = ratios[:, None, None]
        covariance = self.own[0] - rho * self.cross + rho**2 * self.own[1]
        part, d = covariance[:, terms][:, :, terms], self.first - rho[:, 0] * self.second
        wald = np.einsum("ra,rab,rb->r", d[:, terms], np.linalg.pinv(part), d[:, terms])
        least = int(np.argmin(wald))
        first, second = self.sides
        errors = first.errors.minus(second.errors, self.sign * float(ratios[least]))
        degrees = errors.through(np.diag(1 / self.unit)[terms]).joint_degrees(np.ones(q + 1, bool))
        left = degrees - q + 1
        if not left >= 1:
            why = f"{degrees:.1f} degrees of freedom cannot test {q} terms together"
            return {"statistic": np.nan, "df": q, "df_residual": np.nan, "p_value": np.nan,
                    "reason": why}  # fmt: skip
        statistic = left / (degrees * q) * float(wald[least])
        p = float(fdtrc(q, left, max(statistic, 0.0)))
        return {"statistic": statistic, "df": q, "df_residual": left, "p_value": p, "reason": None}

    def _fieller(
        self, pull: Array, error: float, degrees: float, level: float
    ) -> tuple[float, float, float]:
        """Return the ends of ``c'b1 / c'b2``, and the p-value that it is 1."""
        a, b = float(pull @ self.first), float(pull @ self.second)
        matrices = *self.own, self.cross / 2
        va, vb, vab = (float(pull @ m @ pull) for m in matrices)
        reach = float(stdtrit(degrees, 0.5 + level / 2))
        q, of_one = reach**2, np.sqrt(max(va - 2 * vab + vb, 0.0))
        told = of_one > NOTHING * np.sqrt(va + vb)
        p = float(2 * stdtr(degrees, -abs(a - b) / of_one)) if told else np.nan
        # (a - rho b)^2 <= q (va - 2 rho vab + rho^2 vb)
        A, B, C = b * b - q * vb, a * b - q * vab, a * a - q * va
        if A <= 0:
            return np.nan, np.inf, p
        root = np.sqrt(max(B * B - A * C, 0.0))
        low, high = (B - root) / A, (B + root) / A
        if root == 0:
            # dimensions of clusters whose parts leave no room: the error of the ratio itself
            low, high = a - reach * error, a + reach * error
        return max(low, 0.0), max(high, 0.0), p
