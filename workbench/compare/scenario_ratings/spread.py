"""How far scenarios lie apart: tau by restricted likelihood, its interval, and a test of 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import chi2

from workbench.compare.scenario_ratings.kernel import Mode, mode
from workbench.compare.scenario_ratings.layout import ByScenario
from workbench.decompose.kernel import Array

Evidence = Callable[[float], float]

_LEAST, _MOST = 0.01, 6.0
"""Smallest and largest standard deviation between scenarios that is looked at, in logits."""

_STEP = 0.01
"""Nearer to the edge than this, the highest is not inside, in log tau."""

TOO_FAR = f"scenarios lie {_MOST:g} logits apart or more: how far is not known"
NO_END = f"no upper end below {_MOST:g} logits"

_WIDEST = 2.0
_GRID = 13


@dataclass(frozen=True, eq=False)
class Tau:
    """The standard deviation of ratings between scenarios, in logits.

    Attributes
    ----------
    estimate, low, high : float
        By restricted likelihood and its profile; the lower end may be 0. The estimate is NaN where
        scenarios lie further apart than is looked at, and the upper end is then infinite.
    pooled : float
        Mode under a weak prior that keeps it off 0 and off infinity: the one that ratings by
        scenario use.
    log_error : float
        Standard error of the logarithm of ``pooled``.
    p_value : float
        Of the likelihood-ratio test that it is 0.
    reason : str or None
        What is not known of it, and why.
    """

    estimate: float
    low: float
    high: float
    pooled: float
    log_error: float
    p_value: float
    reason: str | None


def estimate_tau(rows: ByScenario, power: float, level: float) -> tuple[Tau, Mode]:
    r"""Estimate tau, and the ratings that it gives.

    Parameters
    ----------
    rows : ByScenario
    power : float
    level : float

    Returns
    -------
    tau : Tau
    pooled : Mode
        At ``tau.pooled``.

    Notes
    -----
    The restricted likelihood integrates mean ratings and covariates out, by Laplace's
    approximation. The interval holds the values that a likelihood-ratio test does not reject; at
    0, half of the test's distribution is a point (Self and Liang 1987). The weak prior is
    :math:`\tau \exp(-\tau^2 / 2 a^2)` with a of 2 logits (Chung et al. 2013).
    """
    seen: dict[float, Mode] = {}

    def at(tau: float) -> Mode:
        if tau not in seen:
            near = min(seen, key=lambda other: abs(other - tau), default=None)
            seen[tau] = mode(rows, tau, power, None if near is None else seen[near])
        return seen[tau]

    none = at(0.0).evidence

    def evidence(log_tau: float) -> float:
        return at(float(np.exp(log_tau))).evidence

    def prior(log_tau: float) -> float:
        return log_tau - float(np.exp(2 * log_tau)) / (2 * _WIDEST**2)

    grid = np.linspace(np.log(_LEAST), np.log(_MOST), _GRID)
    values = np.array([evidence(x) for x in grid.tolist()])
    best, top = _top(evidence, grid, values)
    if none >= top:
        best, top = -np.inf, none
    reach = top - float(chi2.ppf(level, 1)) / 2
    low, high = _ends(evidence, grid, values, best, reach)
    if none >= reach:
        low = 0.0
    reason = NO_END if np.isinf(high) else None
    estimate = float(np.exp(best))
    if best > grid[-1] - _STEP:
        estimate, reason = float("nan"), TOO_FAR
    held, _ = _top(lambda x: evidence(x) + prior(x), grid, values + [prior(x) for x in grid])
    step = 0.1
    bend = [evidence(held + move) + prior(held + move) for move in (-step, 0.0, step)]
    curved = (bend[0] - 2 * bend[1] + bend[2]) / step**2
    ratio = max(2 * (top - none), 0.0)
    tau = Tau(
        estimate=estimate, low=low, high=high, pooled=float(np.exp(held)),
        log_error=float(np.sqrt(-1 / curved)) if curved < 0 else float("nan"),
        p_value=float(chi2.sf(ratio, 1)) / 2 if ratio > 0 else 1.0,
        reason=reason,
    )  # fmt: skip
    return tau, at(float(np.exp(held)))


def _top(function: Evidence, grid: Array, values: Array) -> tuple[float, float]:
    """Return where a function is highest, and how high, from its values on a grid."""
    k = int(np.argmax(values))
    ends = grid[max(k - 1, 0)], grid[min(k + 1, len(grid) - 1)]
    found = minimize_scalar(
        lambda x: -function(float(x)), bounds=ends, method="bounded", options={"xatol": 1e-3}
    )
    if -found.fun > values[k]:
        return float(found.x), -float(found.fun)
    return float(grid[k]), float(values[k])


def _ends(
    function: Evidence, grid: Array, values: Array, best: float, reach: float
) -> tuple[float, float]:
    """Return the taus at which the evidence falls below what is in reach of the highest."""
    low, high = 0.0, float("inf")
    below = [x for x, v in zip(grid, values, strict=True) if x < best and v < reach]
    if below:
        low = float(
            np.exp(brentq(lambda x: function(float(x)) - reach, below[-1], best, xtol=1e-3))
        )
    start = max(best, grid[0])
    above = [x for x, v in zip(grid, values, strict=True) if x > start and v < reach]
    if above:
        high = float(
            np.exp(brentq(lambda x: function(float(x)) - reach, start, above[0], xtol=1e-3))
        )
    return low, high
