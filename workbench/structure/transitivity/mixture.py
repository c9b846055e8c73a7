"""Whether people who each have a ranking of their own make the cycles of all together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.decompose.kernel import Array, Codes, logistic
from workbench.structure.transitivity.comparisons import Comparisons
from workbench.structure.transitivity.energy import Energy, hodge_of
from workbench.structure.transitivity.own_strengths import own_strengths

ENOUGH = 30
"""Decided labels of a person whose own ranking can make cycles of the sum."""

_BLOCK = 2_000_000
"""Numbers drawn at once."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """The cyclic energy against rankings of each person's own.

    Attributes
    ----------
    p_value : float
        Of so much energy or more; NaN with a ``reason``.
    null, null_limit : float
        Mean and upper quantile of what is drawn, as shares of the energy seen.
    tau : float
        SD of an item's strength between people, in logits.
    n_people : int
        With :data:`ENOUGH` labels.
    reason : str or None
    """

    p_value: float
    null: float
    null_limit: float
    tau: float
    n_people: int
    reason: str | None = None


def mixture(
    found: Comparisons, whole: Energy, simulations: int, level: float, seed: int
) -> Mixture | None:
    """Test the energy against a ranking of each person's own, where there is one to test.

    Each person's strengths are partially pooled, and labels are drawn by them on the same
    design, ties where they are. Labels of no single person are one person's. None where fewer
    than two people have :data:`ENOUGH` labels, or the energy is no more than noise.

    Parameters
    ----------
    found : Comparisons
    whole : Energy
        Of all labels.
    simulations : int
    level : float
    seed : int
    """
    if whole.reason is not None or not whole.p_value < 1 - level:
        return None
    edges, decided = found.edges, found.y != 0.5
    person, y = found.person[decided], found.y[decided]
    n_people = int((np.bincount(person[person >= 0], minlength=1) >= ENOUGH).sum())
    if n_people < 2:
        return None
    first, second = found.a[decided], found.b[decided]
    fitted = own_strengths(person, first, second, y > 0.5, len(edges.items))
    if isinstance(fitted, str):
        return Mixture(np.nan, np.nan, np.nan, np.nan, n_people, fitted)
    E = len(edges.first)
    unit = np.unique(person, return_inverse=True)[1]
    cell, n = np.unique(unit.astype(np.int64) * E + found.edge[decided], return_counts=True)
    own, edge = fitted.own[cell // E], cell % E
    at = np.arange(len(cell))
    p = logistic(own[at, edges.first[edge]] - own[at, edges.second[edge]])
    hodge, Y = hodge_of(edges), edges.log_odds(edges.share)
    total = float(edges.weight @ Y**2)
    # a cluster of one person is no repetition beside that person's own strengths
    spread = np.sqrt(edges.per_vote) if (found.contexts.size > 1) else np.ones(E)
    rng = np.random.default_rng([seed, 1])
    draws = []
    size = max(1, min(simulations, _BLOCK // len(cell)))
    for done in range(0, simulations, size):
        count = min(size, simulations - done)
        share = _shares(found, edge, n, p, spread, rng, count)
        logits = edges.log_odds(share)
        draws.append(np.nan_to_num(hodge.cyclic(logits)) * (edges.weight @ logits**2) / total)
    drawn = np.concatenate(draws)
    p_value = float((1 + (drawn >= whole.value - 1e-12).sum()) / (len(drawn) + 1))
    drawn = np.minimum(drawn, 1.0)
    limit = float(np.quantile(drawn, level))
    return Mixture(p_value, float(drawn.mean()), limit, fitted.tau, n_people)


def _shares(
    found: Comparisons, edge: Codes, n: Codes, p: Array, spread: Array,
    rng: np.random.Generator, count: int,
) -> Array:  # fmt: skip
    """Return shares (E, count) of labels drawn by each cell's probability."""
    edges = found.edges
    E = len(edges.first)
    k = rng.binomial(n, p, size=(count, len(p)))
    rows = np.arange(count)[:, None] * E + edge
    won = np.bincount(rows.ravel(), k.ravel(), count * E).reshape(count, E)
    mean = np.bincount(edge, n * p, E)
    decided = edges.labels - edges.ties
    won = np.clip(mean + spread * (won - mean), 0.0, decided)
    return np.asarray(((edges.ties / 2 + won) / edges.labels).T)
