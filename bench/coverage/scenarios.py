"""Level and coverage where scenarios, people and annotators are compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.clustered import share
from workbench.compare.heterogeneity import heterogeneity
from workbench.compare.pooling import Subset, pool
from workbench.compare.similarity import similarity
from workbench.compare.tau_interval import score_interval
from workbench.decompose.kernel import Array, logistic
from workbench.decompose.weights import Weights

Design = tuple[list[Subset], list[np.ndarray]]


def rows(quick: bool) -> list[dict[str, Any]]:
    """Return what was simulated: percent, with its Monte-Carlo interval, and the bound."""
    many = 40 if quick else 400
    found = [
        _level("people who are alike, 64 x 36 labels of shared prompts", _people, many),
        _level("scenarios that are alike, 8 x 20 prompts of 14 labels", _scenarios, many),
    ]
    found += [_tau(tau, many) for tau in (0.0, 0.3, 0.8)]
    found += [_similarity(terms, noise, many) for terms in (4, 12) for noise in (0.1, 0.5)]
    return found + [_concordance(n, many) for n in (20, 60, 150)]


def _row(what: str, setting: str, measure: str, hits: Array, bound: str) -> dict[str, Any]:
    """One run is one cluster: its terms share their labels."""
    runs = len(hits)
    flat = hits.astype("float64").reshape(runs, -1)
    mean = share(flat.ravel(), np.repeat(np.arange(runs), flat.shape[1]))
    ends = {"value": "estimate", "low": "conf_low", "high": "conf_high"}
    numbers = {name: round(100 * mean[key], 1) for name, key in ends.items()}
    names = {"what": what, "setting": setting, "measure": measure}
    return {**names, **numbers, "bound": bound, "runs": runs}


def _people(rng: np.random.Generator) -> Design:
    x, lean = rng.normal(size=(160, 8)), rng.normal(size=160)
    b = np.linspace(0.6, -0.4, 8)
    subsets, clusters = [], []
    for _ in range(64):
        own = rng.choice(160, 36, replace=False)
        p = logistic(x[own] @ b + lean[own])
        subsets.append(Subset(x[own], np.ones(36), (rng.random(36) < p) * 1.0))
        clusters.append(own)
    return subsets, clusters


def _scenarios(rng: np.random.Generator) -> Design:
    b = np.linspace(0.6, -0.4, 6)
    subsets, clusters = [], []
    for s in range(8):
        own = np.repeat(np.arange(20), 14)
        x = rng.normal(size=(280, 6)) * np.array([1, 1, 1, 0.5, 0.2, 2])
        tilt = 0.5 * rng.normal(size=(20, 6))
        p = logistic((x * (b + tilt[own])).sum(axis=1))
        subsets.append(Subset(x, np.ones(280), (rng.random(280) < p) * 1.0))
        clusters.append(own + 20 * s)
    return subsets, clusters


def _level(setting: str, design: Any, runs: int) -> dict[str, Any]:
    hits = []
    for seed in range(runs):
        subsets, clusters = design(np.random.default_rng(seed))
        found = heterogeneity(subsets, clusters, pool(subsets), 1.0, 0.95, seed)
        hits.append(found.p_value < 0.05)
    return _row("heterogeneity of scenarios", setting, "p < .05", np.array(hits), "5 +- 1.5")


def _tau(tau: float, runs: int) -> dict[str, Any]:
    hits, mu = [], np.array([0.6, -0.3, 0.0])
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        subsets = []
        for b in mu + tau * rng.normal(size=(60, 3)):
            x = rng.normal(size=(40, 3))
            subsets.append(Subset(x, np.ones(40), (rng.random(40) < logistic(x @ b)) * 1.0))
        own = [np.arange(40) + 40 * s for s in range(60)]
        found = heterogeneity(subsets, own, pool(subsets), 1.0, 0.95, seed)
        hits.append((found.tau_low <= tau) & (tau <= found.tau_high))
    setting = f"60 people x 40 labels, tau {tau:g}"
    return _row("tau between people", setting, "interval covers", np.array(hits), "95 +- 2")


def _similarity(terms: int, noise: float, runs: int) -> dict[str, Any]:
    hits = []
    keys = pd.DataFrame({"annotator": ["a", "b"], "scenario": ["s", "s"]})
    names = [f"t{k}" for k in range(terms)]
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        true = 0.8 * rng.normal(size=(1, terms)) + 0.6 * rng.normal(size=(2, terms))
        seen = true + noise * rng.normal(size=true.shape)
        draws = seen + noise * rng.normal(size=(300, *true.shape))
        weights = Weights(names, keys, seen, draws, np.array([9, 9]), "bootstrap")
        row = similarity(weights).to_frame().iloc[0]
        if np.isfinite(row["disattenuated_low"]):
            r = np.corrcoef(true)[0, 1]
            hits.append(row["disattenuated_low"] <= r <= row["disattenuated_high"])
    setting = f"{terms} terms, noise {noise:g}, where there is an interval"
    return _row("similarity, corrected", setting, "interval covers", np.array(hits), "93 to 97")


def _concordance(n: int, runs: int) -> dict[str, Any]:
    """Labels of which a share of .85 agrees: tau .7."""
    rng = np.random.default_rng(n)
    sign = np.where(rng.random((20 * runs, n)) < 0.85, 1.0, -1.0)
    tau = sign.mean(axis=1)
    low, high, _ = score_interval(tau, np.sqrt((1 - tau**2) / n), n, 0.95)
    hits = ((low <= 0.7) & (high >= 0.7)).reshape(runs, 20)
    return _row("concordance", f"n = {n}, tau .7", "interval covers", hits, "93 to 97")


if __name__ == "__main__":
    print(pd.DataFrame(rows(quick=False)).to_string(index=False))
