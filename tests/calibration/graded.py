"""Simulated grades whose variance components are known."""

from __future__ import annotations

import numpy as np
import pandas as pd

import workbench as wb

SHROUT_FLEISS = np.array([
    [9.0, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7],
])  # fmt: skip
"""Ratings of six targets by four judges (Shrout and Fleiss 1979, table 2)."""


def rated(values: np.ndarray, *, each: int = 1) -> wb.PreferenceData:
    """Ratings, items by judges by seeds (NaN: none), ``each`` items a prompt."""
    table = values[:, :, None] if values.ndim == 2 else values
    n = len(table)
    pairs = pd.DataFrame({
        "pair_id": [f"p{k:04d}" for k in range(n)], "prompt": [f"q{k // each}" for k in range(n)],
        "response_a": [f"a{k}" for k in range(n)], "response_b": "b",
        "cluster": [f"c{k // each:04d}" for k in range(n)],
    })  # fmt: skip
    i, j, s = np.nonzero(np.isfinite(table))
    labels = pd.DataFrame({
        "pair_id": pairs["pair_id"].to_numpy()[i], "annotator": [f"j{k}" for k in j],
        "kind": "llm", "replicate": s, "preference": 0.5, "rating": table[i, j, s],
    })  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, labels)


def crossed(
    rng: np.random.Generator, items: int = 60, judges: int = 6, seeds: int = 2, *,
    item: float = 1.0, judge: float = 0.3, both: float = 0.5, rest: float = 0.6,
    missing: float = 0.0,
) -> np.ndarray:  # fmt: skip
    """Normal effects with these variances, shape (items, judges, seeds)."""
    values = (
        rng.normal(0, item**0.5, (items, 1, 1)) + rng.normal(0, judge**0.5, (1, judges, 1))
        + rng.normal(0, both**0.5, (items, judges, 1))
        + rng.normal(0, rest**0.5, (items, judges, seeds))
    )  # fmt: skip
    return np.where(rng.random(values.shape) < missing, np.nan, values)
