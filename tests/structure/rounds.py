"""Simulated comparisons of items, ranked or going round."""

from __future__ import annotations

import numpy as np
import pandas as pd

import workbench as wb
from workbench.decompose.kernel import logistic
from workbench.ratings.battles import Battles
from workbench.ratings.comparable import comparable
from workbench.structure.transitivity.comparisons import Edges, ordered


def shares_of(
    i: np.ndarray, j: np.ndarray, logits: np.ndarray, n: int, *, ties: float = 0.0, seed: int = 0,
    people: np.ndarray | int = 0, each: int = 1,
) -> wb.PreferenceData:  # fmt: skip
    """n labels on each edge, each of a prompt of its own; NaN logits are ties."""
    rng = np.random.default_rng(seed)
    E = len(i)
    left, right, eta = np.repeat(i, n), np.repeat(j, n), np.repeat(logits, n)
    tied = np.isnan(eta) | (rng.random(E * n) < ties)
    y = np.where(tied, 0.5, rng.random(E * n) < logistic(np.nan_to_num(eta)))
    who = np.repeat(np.broadcast_to(people, E), n) + rng.integers(0, each, E * n)
    pairs = pd.DataFrame({
        "model_a": [f"m{k}" for k in left], "model_b": [f"m{k}" for k in right],
        "item": np.arange(E * n), "cluster": [f"c{k:05d}" for k in np.tile(np.arange(n), E)],
    })  # fmt: skip
    labels = pd.DataFrame({"pair": np.arange(E * n), "annotator": [f"p{k:02d}" for k in who],
                           "kind": "human", "preference": y})  # fmt: skip
    if each == 1 and np.ndim(people) == 0:
        labels["annotator"] = "human"
    return wb.PreferenceData.from_tables(pairs, labels)


def battles_of(n: int, theta: np.ndarray, *, ties: float = 0.0, seed: int = 0) -> wb.PreferenceData:
    """Every two items n times, by one Bradley-Terry model."""
    i, j = np.triu_indices(len(theta), 1)
    return shares_of(i, j, theta[i] - theta[j], n, ties=ties, seed=seed)


def edges_of(n: int, theta: np.ndarray, seed: int) -> Edges:
    """The same summed over edges, without tables."""
    i, j = np.triu_indices(len(theta), 1)
    rng = np.random.default_rng(seed)
    a, b = np.repeat(i, n), np.repeat(j, n)
    y = (rng.random(len(a)) < logistic(theta[a] - theta[b])).astype(float)
    one = np.ones(len(a))
    found = Battles([f"m{k}" for k in range(len(theta))], a, b, y, one, one[:, None][:, :0], [],
                    np.arange(len(a)), len(a), pd.DataFrame())  # fmt: skip
    return ordered(found.subset(comparable(found)[0]))[0]


def ring(n: int, theta: np.ndarray | list[float], sharp: float, seed: int = 0) -> wb.PreferenceData:
    """The same, and each item beats those after it up to half-way round by ``sharp`` logits."""
    theta = np.asarray(theta, dtype=float)
    M = len(theta)
    i, j = np.triu_indices(M, 1)
    eta = theta[i] - theta[j] + sharp * np.where((j - i) % M <= M // 2, 1, -1)
    return shares_of(i, j, eta, n, seed=seed)


def asked(said: dict[str, list[tuple[int, int, float]]]) -> wb.PreferenceData:
    """What people say of the items i and j: P(i preferred)."""
    pairs = sorted({(i, j) for rows in said.values() for i, j, _ in rows})
    place = {pair: k for k, pair in enumerate(pairs)}
    table = pd.DataFrame(pairs, columns=["model_a", "model_b"]).astype(str).radd("m")
    table["item"] = range(len(table))
    labels = pd.DataFrame(
        [{"pair": place[i, j], "annotator": who, "kind": "human", "preference": y}
         for who, rows in said.items() for i, j, y in rows]
    )  # fmt: skip
    return wb.PreferenceData.from_tables(table, labels)
