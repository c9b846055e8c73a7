"""People who were not met before: how many of their labels it takes to know them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as t_distribution

from workbench.clustered import cluster_error
from workbench.data.split import folds as fold_numbers
from workbench.decompose.kernel import Array
from workbench.structure.labels import PersonLabels
from workbench.structure.people.rungs import averaged, losses, pull, size_of
from workbench.structure.people.simulated import Simulation, Spread

Codes = NDArray[np.int64]
_Scored = tuple[Array, Array, Array, Codes, Codes]

SHOTS = (0, 2, 5, 10, 20)
_LEAST = 5
"""Labels that must be left to score."""

METHOD = (
    "people left out whole; posterior given their first labels, at random, under mu and tau of the "
    "others; log-loss on their labels of other prompts, error over people"
)


def new_people(
    labels: PersonLabels,
    folds: int,
    seed: int,
    level: float,
    near: Spread | None = None,
    shots: Sequence[int] = SHOTS,
) -> pd.DataFrame:
    """Return one row a number of labels: log-loss on the rest, and what the labels gained.

    The gain is on the very labels that are scored, over knowing nothing of the person. ``near``
    is a fit of everybody, from which those without some people begin.

    Examples
    --------
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> labels = person_labels(planted_people(people=30, labels=40, tau=1.5)[0])
    >>> table = new_people(labels, 3, 0, 0.95)
    >>> bool(table["gain"].iloc[-1] > 0)
    True
    """
    names = labels.people.astype(str).to_numpy()
    fold = fold_numbers(names, min(folds, len(names)), seed)
    rank = _drawn(labels, np.random.default_rng(seed))
    found: dict[int, list[_Scored]] = {k: [] for k in shots}
    for k in np.unique(fold):
        mine = fold[labels.person] == k
        spread = Simulation.of(labels.take(~mine)).fit(near)
        part, order = labels.take(mine), rank[mine]
        for n in shots:
            found[n].append(_scored(part, order, n, spread))
    return pd.DataFrame([_row(n, found[n], level) for n in shots])


def _drawn(labels: PersonLabels, rng: np.random.Generator) -> Array:
    """Return the place of each cell among those of its person, at random."""
    order = np.lexsort((rng.random(len(labels)), labels.person))
    counts = np.bincount(labels.person, minlength=len(labels.people))
    start = np.cumsum(counts) - counts
    rank = np.empty(len(labels))
    rank[order] = np.arange(len(labels)) - start[labels.person[order]]
    return rank


def _scored(labels: PersonLabels, rank: Array, n: int, spread: Spread) -> _Scored:
    """Return losses with n labels and with none, weights, people and numbers of the rest."""
    shown = rank < n
    seen = np.unique(np.column_stack([labels.person[shown], labels.prompt[shown]]), axis=0)
    width = labels.prompt.max() + 1
    again = np.isin(labels.person * width + labels.prompt, seen @ np.array([width, 1]))
    left = np.bincount(labels.person[~again], labels.count[~again], len(labels.people))
    enough = np.bincount(labels.person[shown], minlength=len(labels.people)) >= n
    told = ~again & (enough & (left >= _LEAST))[labels.person]
    rest = labels.take(told)
    known = labels.take(shown)
    parts = np.unique(labels.block, return_inverse=True)[1]
    model = Simulation(known.subsets(), parts, size_of(labels), pull(labels), draws=64)
    P = len(labels.people)
    found = model.moments(np.tile(spread.mu, (P, 1)), spread.mu, spread.tau**2, steps=10)
    V = found.covariance
    share = V / spread.tau**2
    whole = V + share @ spread.mu_covariance @ np.swapaxes(share, 1, 2)
    before = np.diag(spread.tau**2) + spread.mu_covariance
    X, who = rest.X, rest.person
    after = averaged((X * found.mean[who]).sum(axis=1), np.einsum("nk,nkl,nl->n", X, whole[who], X))
    nothing = averaged(X @ spread.mu, np.einsum("nk,kl,nl->n", X, before, X))
    return losses(rest, after), losses(rest, nothing), rest.weight, who, rest.count


def _row(n: int, parts: list[_Scored], level: float) -> dict[str, Any]:
    after, nothing, weight, who, count = (np.concatenate(one) for one in zip(*parts, strict=True))
    row: dict[str, Any] = {"term": f"{n} labels", "labels_known": n}
    people = len(np.unique(who))
    if people < 2:
        blank = dict.fromkeys(
            ("estimate", "std_error", "conf_low", "conf_high", "gain", "gain_error"), np.nan
        )
        why = f"fewer than two people with {n} labels and {_LEAST} more of other prompts"
        return {**row, **blank, "n": int(count.sum()), "n_people": people, "method": METHOD,
                "reason": why}  # fmt: skip
    reach = float(t_distribution.ppf(0.5 + level / 2, people - 1))
    mean, error = _mean(after, weight, who)
    better, own = _mean(nothing - after, weight, who)
    return {
        **row,
        "estimate": mean,
        "std_error": error,
        "conf_low": mean - reach * error,
        "conf_high": mean + reach * error,
        "gain": better,
        "gain_error": own if n else np.nan,
        "n": int(count.sum()),
        "n_people": people,
        "method": METHOD,
        "reason": None if n else "no gain: it is what the others are compared with",
    }


def _mean(values: Array, weight: Array, cluster: Any) -> tuple[float, float]:
    mean = float(values.sum() / weight.sum())
    return mean, cluster_error((values - mean * weight) / weight.sum(), cluster)
