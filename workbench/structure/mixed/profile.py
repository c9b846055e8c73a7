"""Intervals of standard deviations between people by profile likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from workbench.decompose.kernel import Array
from workbench.structure.mixed.likelihood import Simulated
from workbench.structure.mixed.newton import Maximum, maximise

_INNER = 1e-3
_CLOSE = 0.01
_STEPS = 12


@dataclass(frozen=True)
class Spread:
    """The interval of one standard deviation.

    Attributes
    ----------
    low, high : float
        0 is within where the likelihood ratio does not rule it out; ``high`` is infinite where
        nothing bounds it.
    """

    low: float
    high: float


def profile(near: Callable[[Array], Simulated], top: Maximum, k: int, level: float) -> Spread:
    r"""Return the interval of standard deviation ``k``.

    .. math:: \{\sigma \ge 0 : 2 (\hat\ell - \ell(\sigma)) \le \chi^2_{1, level}\}

    with all others at their best. At 0 the ratio is 0 half of the time (Self and Liang 1987), so
    the interval covers 0 more often than it says, where labels are independent given the weights.

    Parameters
    ----------
    near : callable
        The likelihood with draws for parameters about those that it is given.
    top : Maximum
        Its maximum.
    k : int
        Position among the parameters.
    level : float

    Examples
    --------
    >>> from workbench.structure.mixed.fit import fit
    >>> from workbench.structure.mixed.sets import choice_sets
    >>> rng = np.random.default_rng(0)
    >>> X, who = rng.normal(size=(900, 2, 1)), np.repeat(np.arange(30), 30)
    >>> says = X[:, 0, 0] - X[:, 1, 0] + rng.logistic(size=900) > 0
    >>> one = fit(choice_sets(X, np.c_[says, ~says], who), np.zeros(1, int), "sobol", 256, 0)
    >>> found = profile(one.near, one.top, 1, 0.95)  # all people alike
    >>> found.low, bool(0.1 < found.high < 0.8)
    (0.0, True)
    """
    wanted = float(norm.ppf(0.5 + level / 2))
    path = _Path(near, top, k)
    at_zero = path.root(0.0)
    low = 0.0 if at_zero <= wanted else path.end(wanted, -1.0)
    return Spread(low, path.end(wanted, 1.0))


class _Path:
    """The best of all other parameters as one of them moves."""

    def __init__(self, near: Callable[[Array], Simulated], top: Maximum, k: int) -> None:
        self.near, self.top, self.k = near, top, k
        self.sign = -1.0 if top.theta[k] < 0 else 1.0
        self.estimate = abs(float(top.theta[k]))
        self.free = np.arange(len(top.theta)) != k
        others = np.ix_(self.free, self.free)
        self.slope: Array = -np.linalg.solve(top.hessian[others], top.hessian[self.free, k])
        variance = np.linalg.inv(-top.hessian)[k, k]
        self.error = float(np.sqrt(variance)) if variance > 0 else 0.3

    def root(self, value: float) -> float:
        """Return the root of the likelihood ratio at a value of the parameter."""
        theta = self.top.theta.copy()
        theta[self.k] = self.sign * value
        theta[self.free] += self.slope * (theta[self.k] - self.top.theta[self.k])
        if value == 0.0:
            # the others' way to 0 is no straight line
            theta[self.free] = self.top.theta[self.free]
        one = self.near(theta)
        found = maximise(one.derivatives, one.value, theta, self.free, _INNER)
        return float(np.sqrt(max(2.0 * (self.top.value - found.value), 0.0)))

    def end(self, wanted: float, side: float) -> float:
        """Return where the root of the ratio is the quantile, by secants of it."""
        at, root = self.estimate, 0.0
        step = wanted * min(max(self.error, 0.02), 3.0)
        ahead = self.estimate + side * step
        if side < 0:
            ahead = max(ahead, self.estimate / 2)
        for _ in range(_STEPS):
            there = self.root(ahead)
            if abs(there - wanted) < _CLOSE:
                return ahead
            rise = (there - root) / (ahead - at)
            at, root = ahead, there
            if side * rise <= 1e-6:
                ahead = at + side * step
            else:
                move = np.clip((wanted - there) / rise, -4 * step, 4 * step)
                ahead = at + float(move)
            ahead = max(ahead, self.estimate if side > 0 else 1e-6)
            if ahead > 1e3 * max(self.estimate, 1.0):
                return float("inf")
        return float("inf") if side > 0 else 0.0
