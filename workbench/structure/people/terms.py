"""How far people differ in each term: tau with its interval, and the test that they do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.stats import chi2, norm

from workbench.decompose.errors.tidy import q_values, tidy_columns
from workbench.decompose.kernel import Array, logistic
from workbench.structure.labels import PersonLabels
from workbench.structure.over_prompts import more_over_prompts
from workbench.structure.people.score import score_test
from workbench.structure.people.simulated import Simulation, Spread

_TIMES = np.array([0.0, 0.4, 0.7, 1.0, 1.3, 1.7, 2.3, 3.2])
_DRAWS = 128
_FARTHEST = 12.0
"""Largest tau that is tried, per typical difference."""

_FLAT = 0.01
"""Nats by which a tau must be better than 0 to be told from it."""

_NOTHING = 1e-3
"""Stands for tau = 0, per typical difference."""

METHOD = (
    "mu: marginal likelihood; error over people and prompts; tau: restricted likelihood by "
    "importance sampling, profile interval, other tau held; share_opposite: from both intervals "
    "(MOVER)"
)


@dataclass(frozen=True, eq=False)
class Profile:
    """tau of each block with the ends of its interval; the upper one may be infinite."""

    tau: Array
    low: Array
    high: Array


def profile(model: Simulation, spread: Spread, level: float) -> Profile:
    r"""Return the restricted-likelihood tau of each block, and its profile interval.

    .. math:: \{\tau : 2 (\ell(\hat\tau) - \ell(\tau)) \le \chi^2_{1, level}\}

    without the prior that keeps the tau of the weights off 0, so that 0 may be inside. The taus
    of the other blocks are held at the fit; mu follows.
    """
    half = chi2.ppf(level, 1) / 2.0
    model = Simulation(model.subsets, model.parts, model.size, model.hold, _DRAWS)
    found = []
    for block in range(int(model.parts.max()) + 1):
        mine = model.parts == block
        unit = float(model.size[mine][0])
        now = float(spread.tau[mine][0])
        least = _NOTHING / unit
        grid = np.unique(np.clip(np.maximum(_TIMES, 0.0) * max(now, 0.1 / unit), least, None))
        value = _values(model, spread, mine, grid)
        while value[-1] > value.max() - half - 1.0 and grid[-1] * unit < _FARTHEST:
            more = grid[-1] * np.array([1.5, 2.2])
            grid = np.append(grid, more)
            value = np.append(value, _values(model, spread, mine, more))
        found.append(_ends(grid, value, half, least))
    return Profile(*np.array(found).T)


def _values(model: Simulation, spread: Spread, mine: NDArray[np.bool_], grid: Array) -> Array:
    values, mu = [], spread.mu
    for tau in grid:
        tau2 = np.where(mine, tau**2, spread.tau**2)
        nearer = np.where(mine, np.minimum(1.0, (tau / spread.tau) ** 2), 1.0)
        mode = mu + (spread.mode - spread.mu) * nearer
        for _ in range(2):
            found = model.moments(mode, mu, tau2, steps=8)
            mode, mu = found.mode, model.next_mu(found, mu)
        values.append(model.restricted(model.moments(mode, mu, tau2, steps=8), mu))
    return np.array(values)


def _ends(grid: Array, value: Array, half: float, least: float) -> tuple[float, float, float]:
    """Return the largest value's place, and where the values have fallen by ``half``."""
    curve = CubicSpline(grid, value)
    fine = np.linspace(grid[0], grid[-1], 2001)
    seen = curve(fine)
    top = int(seen.argmax())
    inside = np.flatnonzero(seen >= seen[top] - half)
    low, high = fine[inside[0]], fine[inside[-1]]
    return (
        0.0 if seen[top] - seen[0] < _FLAT else float(fine[top]),
        0.0 if low <= least * 1.001 else float(low),
        float("inf") if inside[-1] == len(fine) - 1 else float(high),
    )


def mean_covariance(labels: PersonLabels, spread: Spread) -> Array:
    """Return the covariance of mu over people and prompts, shape (K, K).

    That of the model has people at random. What labels of one prompt share is added: clusters of
    prompts less single labels (Cameron, Gelbach and Miller 2011), where that is more.
    """
    X, who = labels.X, labels.person
    p = logistic((X * spread.mode[who]).sum(axis=1))
    pulls = spread.shrinkage_matrix @ spread.mu_covariance
    influence = np.einsum("nk,nkl->nl", X * (labels.votes - labels.weight * p)[:, None], pulls[who])
    # given the weights of a person the model takes each label by itself
    alone = np.arange(len(influence))
    return np.asarray(spread.mu_covariance + more_over_prompts(influence, alone, labels.prompt))


def term_table(
    labels: PersonLabels,
    model: Simulation,
    spread: Spread,
    level: float,
    permutations: int,
    seed: int,
    over_prompts: bool,
) -> pd.DataFrame:
    """Return one row a term: mu, tau, share of people of opposite sign, and the score test."""
    told, parts = labels.told, model.parts
    mu = told @ spread.mu
    whole = mean_covariance(labels, spread) if over_prompts else spread.mu_covariance
    error = np.sqrt(np.maximum(np.diag(told @ whole @ told.T), 0.0))
    columns = tidy_columns(labels.terms, mu, error, int(labels.n_labels.sum()), level)
    found = profile(model, spread, level)
    # a term is of the columns of one block, turned: an item takes its part of their tau
    column = np.abs(told).argmax(axis=1)
    own = parts[column]
    times = np.sqrt((told**2).sum(axis=1))
    tau, low, high = (one[own] * times for one in (found.tau, found.low, found.high))
    test = score_test(labels, parts, permutations, seed)
    reasons = [test.reasons[k] for k in own]
    no_end = np.isinf(high)
    undefined = ~np.any(labels.X != 0, axis=0)[column]
    tau, low, high = (np.where(undefined, np.nan, one) for one in (tau, low, high))
    share = _opposite(mu, columns["conf_low"], columns["conf_high"], tau, low, high)
    p = test.p_value[own]
    table = {
        **columns,
        "p_value": p,
        "q_value": q_values(test.p_value)[own],
        "tau": tau,
        "tau_low": low,
        "tau_high": np.where(no_end, np.nan, high),
        "tau_weights": spread.tau[column] * times,
        **share,
        "n_people": test.n_people[own],
        "n_prompts": test.n_prompts[own],
        "method": f"{METHOD}; p: score test, people exchanged in prompts {permutations:,} times",
        "reason": pd.Series(
            [r or ("the labels do not bound tau from above" if end else None)
             for r, end in zip(reasons, no_end, strict=True)], dtype="str"),
    }  # fmt: skip
    return pd.DataFrame(table)


def _opposite(
    mu: Array, mu_low: Array, mu_high: Array, tau: Array, low: Array, high: Array
) -> dict[str, Any]:
    """Return the share of people whose weight has the other sign, with an interval.

    That of ``z = |mu| / tau`` by the method of variance estimates recovery (Zou and Donner 2008).
    """
    size = np.abs(mu)
    half = (mu_high - mu_low) / 2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        z = size / tau
        up = np.hypot(half / tau, size / low - z)
        down = np.hypot(half / tau, z - np.where(np.isinf(high), 0.0, size / high))
        least, most = z - down, z + up
        # people who do not differ are all of one sign: how far that may be wrong, high says
        flat = tau == 0
        least = np.where(flat, (size - half) / high, least)
    shares = {
        "share_opposite": np.where(flat, 0.0, norm.cdf(-z)),
        "share_opposite_low": np.where(flat | (low == 0), 0.0, norm.cdf(-most)),
        # against the sign of the mean, whichever that is: never more than half
        "share_opposite_high": np.minimum(norm.cdf(-least), 0.5),
    }
    return {name: np.where(np.isfinite(tau), one, np.nan) for name, one in shares.items()}
