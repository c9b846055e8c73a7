"""How cyclic the shares are, beyond what Bradley-Terry's noise makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, norm

from workbench.decompose.kernel import Array, logistic
from workbench.ratings.kernel import Likelihood, RatingFit, Rows, Votes, fit, refit
from workbench.structure.transitivity.comparisons import Edges
from workbench.structure.transitivity.hodge import Hodge

NO_CYCLE = "the comparisons form no cycle"
ALL_EVEN = "every share is one half: ties throughout"
TOO_FEW = "less cyclic than noise of independent labels allows: labels depend on each other"

MOST_DEVIANCE = 100
"""Items above which the deviance, which is fitted anew to every draw, is left out."""

_BLOCK = 2_000_000
"""Shares drawn at once."""

_REACH = 2.0
"""Largest multiple of the observed cycles that the interval looks at, noise apart."""

_MOST = 0.975

_GRID = 15
_GRID_DRAWS = 400


@dataclass(frozen=True, eq=False)
class Energy:
    """The cyclic share of the energy and its null.

    Attributes
    ----------
    value : float
        NaN with a ``reason``.
    curl, harmonic : float
        Its parts.
    draws : ndarray, shape (R,)
        What Bradley-Terry's noise alone makes, as shares of the energy seen.
    p_value : float
        Of so much energy or more.
    low, high, beyond : float
        Interval and estimate of what is beyond noise.
    beyond_reason : str or None
    deviance : float
        NaN as well above :data:`MOST_DEVIANCE` items.
    df : int
    deviance_p : float
    reason : str or None
    n : int
        Labels.
    """

    value: float
    curl: float
    harmonic: float
    draws: Array
    p_value: float
    beyond: float
    low: float
    high: float
    beyond_reason: str | None
    deviance: float
    df: int
    deviance_p: float
    reason: str | None
    n: int

    @property
    def null(self) -> float:
        """Mean energy under Bradley-Terry."""
        return float(self.draws.mean()) if len(self.draws) else np.nan


def hodge_of(edges: Edges) -> Hodge:
    """Return the decomposition that some edges have."""
    return Hodge(edges.first, edges.second, edges.weight, len(edges.items))


def energy(
    edges: Edges, simulations: int, level: float, seed: int, *, whole: bool = True
) -> Energy:
    r"""Return the cyclic energy of some edges, tested against Bradley-Terry.

    Parameters
    ----------
    edges : Edges
    simulations : int
    level : float
    seed : int
    whole : bool
        With the interval and the deviance; without, the energy and its p-value alone.

    Notes
    -----
    A replicate draws each edge's decided labels anew, with the ties where they are, so that
    the expected share is Bradley-Terry's; ``edges.per_vote`` labels count as one. What is
    compared is the cyclic part :math:`\|Y - D r\|^2` itself: its share of the energy has too
    small a null where items differ by noise alone, as noise makes ratings larger.
    """
    hodge, n = hodge_of(edges), int(edges.labels.sum())
    Y = edges.log_odds(edges.share)
    reason = NO_CYCLE if hodge.cycles < 1 else None if np.any(Y != 0) else ALL_EVEN
    if reason is not None:
        no = (np.nan,) * 3
        return Energy(*no, np.empty(0), np.nan, *no, reason, np.nan, 0, np.nan, reason, n)
    value, total = float(hodge.cyclic(Y)), float(edges.weight @ Y**2)
    if edges.unsure is not None:
        no = (np.nan,) * 3
        return Energy(value, *hodge.split(Y), np.empty(0), np.nan, *no, edges.unsure, np.nan,
                      hodge.cycles, np.nan, edges.unsure, n)  # fmt: skip
    streams = np.random.SeedSequence(seed).spawn(2)
    rng = np.random.default_rng(streams[0])
    logits = null_logits(edges)
    p = logistic(logits.copy())
    sizes, deviances = [], []
    model = _Saturated(edges) if whole and len(edges.items) <= MOST_DEVIANCE else None
    for count in _sizes(simulations, len(edges.first)):
        drawn = draw_shares(edges, p, count, rng)
        sizes.append(_cyclic_part(edges, hodge, drawn))
        if model is not None:
            deviances.append(model.deviances(drawn))
    draws = np.concatenate(sizes) / total
    p_value = _upper_p(draws, value)
    draws = np.minimum(draws, 1.0)
    if not whole:
        nothing = (np.nan,) * 3
        return Energy(value, np.nan, np.nan, draws, p_value, *nothing, None, np.nan,
                      hodge.cycles, np.nan, None, n)  # fmt: skip
    curl, harmonic = hodge.split(Y)
    beyond = _beyond(edges, hodge, logits, level, np.random.default_rng(streams[1]))
    deviance = deviance_p = np.nan
    if model is not None:
        deviance = float(model.deviances(edges.share[:, None])[0])
        deviance_p = _upper_p(np.concatenate(deviances), deviance)
    return Energy(value, curl, harmonic, draws, p_value, *beyond, deviance, hodge.cycles,
                  deviance_p, None, n)  # fmt: skip


def null_logits(edges: Edges) -> Array:
    """Return Bradley-Terry's logits with the bias of few labels taken off.

    Each side of an edge gets half of the edge's mean leverage, as in Firth (1993): plain
    maximum likelihood overstates differences, and draws from it hold too little noise.
    """
    E, M = len(edges.first), len(edges.items)
    votes = edges.weight / edges.per_vote
    more = (M - 1) / E
    model = _likelihood(edges)
    won = edges.share * votes + more / 2
    found = fit(model, Votes((votes + more)[:, None], won[:, None]))
    return np.asarray(model.logits(found.phi[:, None])[:, 0])


def _likelihood(edges: Edges) -> Likelihood:
    E = len(edges.first)
    rows = Rows(edges.first, edges.second, np.arange(E), np.zeros((E, 0)), len(edges.items))
    return Likelihood(rows, davidson=False, ridge=0.0)


def _cyclic_part(edges: Edges, hodge: Hodge, share: Array) -> Array:
    Y = edges.log_odds(share)
    return np.asarray(np.nan_to_num(hodge.cyclic(Y)) * (edges.weight @ Y**2))


def draw_shares(edges: Edges, p: Array, count: int, rng: np.random.Generator) -> Array:
    """Return shares (E, count) of labels drawn with probabilities p, ties where they are."""
    decided = edges.labels - edges.ties
    some = np.maximum(decided, 1.0)
    chance = np.clip((edges.labels * p - edges.ties / 2) / some, 0.0, 1.0)
    votes = np.where(decided > 0, np.maximum(np.rint(decided / edges.per_vote), 1.0), 0.0)
    k = rng.binomial(votes.astype(np.int64), chance, size=(count, len(p))).T
    won = decided[:, None] * k / np.maximum(votes, 1.0)[:, None]
    return np.asarray((edges.ties[:, None] / 2 + won) / edges.labels[:, None])


def _sizes(total: int, edges: int) -> list[int]:
    size = max(1, min(total, _BLOCK // max(edges, 1)))
    return [min(size, total - done) for done in range(0, total, size)]


def _upper_p(draws: Array, value: float) -> float:
    return float((1 + (draws >= value - 1e-12).sum()) / (len(draws) + 1))


class _Saturated:
    """Deviance of Bradley-Terry against a share of its own for every edge."""

    def __init__(self, edges: Edges) -> None:
        self.model = _likelihood(edges)
        self.weight = edges.weight
        own = Votes(self.weight[:, None], edges.won[:, None])
        self.full: RatingFit = fit(self.model, own)

    def deviances(self, share: Array) -> Array:
        """Return the deviance of shares (E, R)."""
        from scipy.special import xlogy

        n = np.repeat(self.weight[:, None], share.shape[1], axis=1)
        phi = refit(self.model, Votes(n, n * share), self.full)
        # without a maximum the fit of the data stands in: its deviance is an upper limit
        phi = np.where(np.isnan(phi), self.full.phi[:, None], phi)
        eta = self.model.logits(phi)
        best = xlogy(share, share) + xlogy(1 - share, 1 - share)
        told = share * eta - np.logaddexp(0.0, eta)
        return np.asarray(2 * (n * np.maximum(best - told, 0.0)).sum(axis=0))


def _beyond(
    edges: Edges, hodge: Hodge, logits: Array, level: float, rng: np.random.Generator
) -> tuple[float, float, float, str | None]:
    """Return the cyclic energy without noise, with its interval, by inverting tests.

    The cycles that were seen are added to Bradley-Terry's logits in growing amounts. An amount
    is in the interval if the energy seen lies between the quantiles of what it gives with
    noise; the estimate is the amount whose median is the energy seen.
    """
    Y = edges.log_odds(edges.share)
    value = float(hodge.cyclic(Y))
    residual = Y - hodge.incidence @ hodge.potentials(Y)
    size = float(edges.weight @ residual**2)
    if value <= 1e-12:
        return np.nan, np.nan, np.nan, "the shares hold no cycle at all: how far off is not known"
    shrink, base, noise = _without_noise(edges, hodge, logits, rng)
    # where less is seen than noise makes, much more could be there
    reach = _REACH * np.sqrt(1 + 4 * noise / size)
    amount = reach * np.linspace(0, 1, _GRID) ** 1.5
    truth = amount**2 * size / (base + amount**2 * size)
    tails = ((1 - level) / 2, 0.5, (1 + level) / 2)
    reached = np.empty((3, _GRID))
    for k, much in enumerate(amount):
        p = logistic(shrink * logits + much * residual)
        seen = hodge.cyclic(edges.log_odds(draw_shares(edges, p, _GRID_DRAWS, rng)))
        reached[:, k] = np.quantile(np.nan_to_num(seen), tails)
    reached = np.maximum.accumulate(reached, axis=1)
    if value < reached[0, 0]:
        return 0.0, np.nan, np.nan, TOO_FEW
    low, middle, high = (_crossing(truth, line, value) for line in reached[::-1])
    return middle, low, high, None


def _without_noise(
    edges: Edges, hodge: Hodge, logits: Array, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return by what Bradley-Terry's logits are too large, their energy without that, and more.

    The last is the cyclic part that noise makes at the most.

    Noise makes ratings larger, and where items differ by little it makes most of them. The
    energy is kept above the error with which that is known.
    """
    base = float(edges.weight @ logits**2)
    Y = edges.log_odds(draw_shares(edges, logistic(logits.copy()), _GRID_DRAWS, rng))
    share, total = np.nan_to_num(hodge.cyclic(Y)), edges.weight @ Y**2
    ranked, cyclic = (1 - share) * total, float(np.quantile(share * total, _MOST))
    noise = max(float(ranked.mean()) - base, 0.0)
    least = noise * float(np.sqrt(2 / (len(edges.items) - 1)))
    own = max(base - noise, min(least, base))
    if base <= 0:
        return 1.0, max(least, 1e-12), cyclic
    return float(np.sqrt(own / base)), own, cyclic


def _crossing(truth: Array, line: Array, value: float) -> float:
    """Return the truth at which a rising line reaches a value; 1 where it never does."""
    if line[0] >= value:
        return 0.0
    if line[-1] < value:
        return 1.0
    at = int(np.argmax(line >= value))
    part = (value - line[at - 1]) / (line[at] - line[at - 1])
    return float(truth[at - 1] + part * (truth[at] - truth[at - 1]))


def worst_triangles(edges: Edges, level: float) -> pd.DataFrame:
    """Return the curl of every triangle, the most certain first.

    ``estimate`` is the sum of log-odds once around, in the direction in which it is positive;
    ``n`` the labels on its three edges.
    """
    hodge = hodge_of(edges)
    T = hodge.triangles
    if not len(T):
        return pd.DataFrame()
    share, n = edges.share, edges.weight
    curl = hodge.curl(edges.log_odds(share))
    won = edges.won
    variance = edges.per_vote * (1 / (won + 0.5) + 1 / (n - won + 0.5))
    error = np.sqrt(variance[T].sum(axis=1))
    z = np.abs(curl) / error
    p = 2 * norm.sf(z)
    half = norm.ppf((1 + level) / 2) * error
    q = false_discovery_control(p)
    i, j, k = edges.first[T[:, 0]], edges.second[T[:, 0]], edges.second[T[:, 1]]
    around = curl >= 0
    names = np.asarray(edges.items, dtype=object)
    second, third = names[np.where(around, j, k)], names[np.where(around, k, j)]
    own = share[T] * [1, 1, -1] + [0, 0, 1]
    own = np.where(around[:, None], own, 1 - own[:, [2, 1, 0]])
    order = np.lexsort((np.arange(len(z)), -np.round(z, 9)))
    table: dict[str, Any] = {
        "term": [f"{a} > {b} > {c} > {a}" for a, b, c in zip(names[i], second, third, strict=True)],
        "estimate": np.abs(curl), "std_error": error, "conf_low": np.abs(curl) - half,
        "conf_high": np.abs(curl) + half, "p_value": p, "q_value": q,
        "n": edges.labels[T].sum(axis=1), "z": z, "item_1": names[i], "item_2": second,
        "item_3": third, "share_12": own[:, 0], "share_23": own[:, 1], "share_31": own[:, 2],
        "cyclic": (own > 0.5).all(axis=1),
    }  # fmt: skip
    return pd.DataFrame(table).iloc[order].reset_index(drop=True)
