"""Simulated maximum likelihood with as many draws as it takes, and errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.decompose.kernel import Array
from workbench.structure.mixed.draws import Kind, normal_draws
from workbench.structure.mixed.likelihood import Simulated
from workbench.structure.mixed.newton import Maximum, maximise
from workbench.structure.mixed.proposal import adapted
from workbench.structure.mixed.sets import ChoiceSets

FEWEST, SETTLED = 256, 0.1
"""Draws at first (Sobol points are balanced in powers of two), and the move that ends it."""

PROFILED = 512
"""Draws at the most for profiles, which ask for the likelihood hundreds of times."""

_LARGEST = 30_000_000
"""Normal numbers that are held at a time."""

_UTILITIES = 60_000_000
_START = 0.5
FAR = 15.0
"""Log-odds per typical difference beyond which a weight is taken for infinite."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fit by simulated maximum likelihood.

    Attributes
    ----------
    best : Maximum
        ``theta`` holds K means, then S standard deviations of any sign.
    draws : DataFrame
        ``draws, log_likelihood, change``: what each doubling moved.
    settled : bool
        Whether the last doubling moved the log-likelihood by less than 0.1; with a number of
        draws that was asked for, False.
    robust, hessian : ndarray, shape (q, q)
        Covariance by the sandwich over people, and by the inverse Hessian; NaN where the top was
        not found.
    near : callable
        The likelihood with the draws of profiles, for parameters about those that it is given.
    top : Maximum
        The maximum under them.
    n_profiled : int
        How many they are.
    """

    best: Maximum
    draws: pd.DataFrame
    settled: bool
    robust: Array
    hessian: Array
    near: Callable[[Array], Simulated]
    top: Maximum
    n_profiled: int

    @property
    def finite(self) -> bool:
        """Whether it converged, away from infinity."""
        return bool(self.best.converged and np.abs(self.best.theta).max() < FAR)


def fit(
    sets: ChoiceSets,
    spread: NDArray[np.int64],
    kind: Kind,
    draws: int | None,
    seed: int,
    start: Array | None = None,
) -> Fitted:
    """Fit means and standard deviations; columns are of typical size 1.

    Parameters
    ----------
    sets : ChoiceSets
    spread : ndarray of int, shape (K,)
        Which standard deviation each column has.
    kind : {"sobol", "halton"}
    draws : int, optional
        Of each person; doubled from 256 until the log-likelihood moves by less than 0.1 when
        None. Each number of draws has a scramble of its own.
    seed : int
    start : ndarray, shape (q,), optional
        The fit without differences between people, and 0.5, when None.

    Examples
    --------
    >>> from workbench.structure.mixed.sets import choice_sets
    >>> rng = np.random.default_rng(0)
    >>> X, who = rng.normal(size=(900, 2, 1)), np.repeat(np.arange(30), 30)
    >>> b = 1 + 0.8 * rng.normal(size=30)[who]
    >>> says = (X[:, 0, 0] - X[:, 1, 0]) * b + rng.logistic(size=900) > 0
    >>> found = fit(choice_sets(X, np.c_[says, ~says], who), np.zeros(1, int), "sobol", None, 0)
    >>> found.settled, bool(0.4 < abs(found.best.theta[1]) < 1.2)
    (True, True)
    """
    q = sets.K + int(spread.max()) + 1
    free = np.ones(q, dtype=bool)
    theta = _fixed(sets, spread) if start is None else np.asarray(start, dtype=float)
    R, settled = draws or FEWEST, False
    rows: list[dict[str, float]] = []
    while True:
        if not rows and kind == "sobol":
            # draws of the first are taken near a start that is itself only near
            first = adapted(sets, spread, theta, R, seed)
            theta = maximise(first.derivatives, first.value, theta, free).theta
        one = _likelihood(sets, spread, kind, theta, R, seed)
        best = maximise(one.derivatives, one.value, theta, free)
        change = best.value - rows[-1]["log_likelihood"] if rows else np.nan
        rows.append({"draws": R, "log_likelihood": best.value, "change": change})
        if R <= PROFILED or len(rows) == 1:
            profiled, top = R, best
        settled = draws is None and abs(change) < SETTLED
        if draws is not None or settled or not _room(sets, 2 * R) or not best.converged:
            break
        theta, R = best.theta, 2 * R
    table = pd.DataFrame(rows).astype({"draws": "int64"})

    def near(at: Array) -> Simulated:
        return _likelihood(sets, spread, kind, at, profiled, seed)

    return Fitted(best, table, settled, *_covariances(best), near, top, profiled)


def _likelihood(
    sets: ChoiceSets, spread: NDArray[np.int64], kind: Kind, theta: Array, draws: int, seed: int
) -> Simulated:
    if kind == "sobol":
        return adapted(sets, spread, theta, draws, seed)
    return Simulated(sets, normal_draws(kind, sets.P, sets.K, draws, seed), spread)


def _room(sets: ChoiceSets, draws: int) -> bool:
    """Return whether so many draws fit into memory and minutes."""
    utilities = sets.rows.shape[0] * (sets.J - 1) * draws
    return sets.P * draws * sets.K <= _LARGEST and utilities <= _UTILITIES


def _fixed(sets: ChoiceSets, spread: NDArray[np.int64]) -> Array:
    """Return where to start: weights without differences between people, and some spread."""
    q = sets.K + int(spread.max()) + 1
    one = Simulated(sets, np.zeros((sets.P, 1, sets.K)), spread)
    found = maximise(one.derivatives, one.value, np.zeros(q), np.arange(q) < sets.K)
    theta = np.full(q, _START)
    # what separates all labels has no finite start
    theta[: sets.K] = np.clip(found.theta[: sets.K], -FAR / 2, FAR / 2)
    return theta


def _covariances(best: Maximum) -> tuple[Array, Array]:
    q = len(best.theta)
    if not best.converged:
        return np.full((q, q), np.nan), np.full((q, q), np.nan)
    H = -best.hessian
    unit = np.sqrt(np.diag(H))
    bread = np.linalg.inv(H / np.outer(unit, unit)) / np.outer(unit, unit)
    P = len(best.scores)
    meat = best.scores.T @ best.scores * (P / max(P - 1, 1))
    return bread @ meat @ bread, bread
