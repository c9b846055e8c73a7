"""Simulated label data with known weights, without text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData


def planted(
    weights: dict[str, list[float]],
    n: int = 1000,
    clusters: int | None = None,
    position: float | None = None,
    seed: int = 0,
    correlation: float = 0.0,
) -> PreferenceData:
    """Return data in which each annotator's labels follow its weights.

    Differences are standard normal; with ``clusters``, pairs of one cluster share half of
    their variance. ``position`` randomises the shown order and adds a slot weight.
    """
    rng = np.random.default_rng(seed)
    K = len(next(iter(weights.values())))
    x = rng.normal(size=(n, K))
    cluster = np.arange(n) if clusters is None else rng.integers(0, clusters, n)
    if clusters is not None:
        x = (x + rng.normal(size=(clusters, K))[cluster]) / np.sqrt(2)
    if correlation:
        x = x + correlation * rng.normal(size=(n, 1))
    pairs = pd.DataFrame({"item": np.arange(n), "cluster": [f"c{c}" for c in cluster]})
    tables = []
    for annotator, w in weights.items():
        order = rng.choice([1.0, -1.0], n)
        eta = x @ np.asarray(w) + (0.0 if position is None else position * order)
        y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
        shown = None if position is None else np.where(order > 0, "ab", "ba")
        tables.append(
            pd.DataFrame(
                {
                    "pair": np.arange(n),
                    "annotator": annotator,
                    "preference": y,
                    "order_shown": shown,
                    "kind": "llm" if annotator.startswith("judge") else "human",
                }
            )
        )
    data = PreferenceData.from_tables(pairs, pd.concat(tables, ignore_index=True))
    names = [f"f{k}" for k in range(K)]
    factors = pd.DataFrame(x, columns=names)
    specs = {name: {"coding": {"transform": "difference"}} for name in names}
    return data.with_factors(factors, pd.DataFrame(index=factors.index), specs)


def answering(
    data: PreferenceData, judge: str, change: Callable[[np.ndarray], np.ndarray]
) -> PreferenceData:
    """Return data of two annotators in which the judge's labels are made from the other's."""
    labels = data.labels.copy()
    own = labels["annotator"].eq(judge)
    labels.loc[own, "preference"] = change(labels.loc[~own, "preference"].to_numpy())
    return replace(data, labels=labels)
