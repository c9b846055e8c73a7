"""Simulated battles of named models, and their design for other libraries."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData


def battles(
    a: list[str] | np.ndarray,
    b: list[str] | np.ndarray,
    y: list[float] | np.ndarray,
    factors: dict[str, np.ndarray] | None = None,
    cluster: np.ndarray | None = None,
    weight: np.ndarray | None = None,
) -> PreferenceData:
    n = len(y)
    table = {"model_a": a, "model_b": b, "item": np.arange(n)}
    if cluster is not None:
        table["cluster"] = [f"c{c:06d}" for c in cluster]
    labels = pd.DataFrame({"pair": np.arange(n), "annotator": "crowd", "preference": y})
    if weight is not None:
        labels["weight"] = weight
    data = PreferenceData.from_tables(pd.DataFrame(table), labels)
    if factors is None:
        return data
    X = pd.DataFrame(factors)
    specs = {name: {"coding": {"transform": "difference"}} for name in X}
    return data.with_factors(X, pd.DataFrame(index=X.index), specs)


def simulate(n=2000, M=6, K=0, ties=0.0, seed=0, clusters=None):
    """Battles that follow planted ratings and weights; with clusters, labels depend."""
    rng = np.random.default_rng(seed)
    theta = np.linspace(-1, 1, M)
    beta = np.array([0.5, -0.3, 0.2])[:K]
    a = rng.integers(0, M, n)
    b = (a + rng.integers(1, M, n)) % M
    X = rng.normal(size=(n, K)) + 0.4 * (theta[a] - theta[b])[:, None]
    y = (rng.random(n) < 1 / (1 + np.exp(-(theta[a] - theta[b] + X @ beta)))).astype(float)
    y[rng.random(n) < ties] = 0.5
    names = np.array([f"m{k}" for k in range(M)])
    cluster = None if clusters is None else rng.integers(0, clusters, n)
    factors = {f"x{k}": X[:, k] for k in range(K)} if K else None
    return battles(names[a], names[b], y, factors, cluster), theta, beta


def ratings_of(found) -> pd.Series:
    return found.to_frame().set_index("term")["estimate"]


def design_of(data: PreferenceData, covariates: list[str]) -> tuple[np.ndarray, list[str]]:
    """Dummy columns of all models but the first, and covariates, for another library."""
    names = sorted({*data.pairs["model_a"], *data.pairs["model_b"]})
    a = pd.Categorical(data.pairs["model_a"], names).codes
    b = pd.Categorical(data.pairs["model_b"], names).codes
    D = np.eye(len(names))[a] - np.eye(len(names))[b]
    return np.hstack([D[:, 1:], data.factors[covariates].to_numpy()]), names
