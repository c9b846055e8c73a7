"""Planted votes for the tests of strength and curation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData


def voted(
    share: np.ndarray,
    votes: int | np.ndarray,
    factors: dict[str, np.ndarray] | None = None,
    seed: int = 0,
    clusters: int | None = None,
    texts: bool = False,
) -> PreferenceData:
    """Return pairs whose crowds vote A with the given chances, as counts."""
    n = len(share)
    rng = np.random.default_rng(seed)
    count = np.broadcast_to(votes, n)
    to_a = rng.binomial(count, share)
    labels = pd.DataFrame(
        {"pair": np.arange(n), "annotator": "crowd", "kind": "human",
         "preference": to_a / count, "n_votes": count.astype(float), "weight": count.astype(float)}
    )  # fmt: skip
    return with_factors(pairs_of(n, clusters, texts), labels, factors)


def pairs_of(n: int, clusters: int | None = None, texts: bool = False) -> pd.DataFrame:
    """Return bare pairs, or pairs with texts."""
    cluster = np.arange(n) if clusters is None else np.arange(n) % clusters
    pairs = pd.DataFrame(
        {"item": [f"i{k}" for k in range(n)], "cluster": [f"c{c}" for c in cluster]}
    )
    if texts:
        pairs["prompt"] = [f"question {c}?" for c in cluster]
        pairs["response_a"] = [f"yes {k}" for k in range(n)]
        pairs["response_b"] = [f"no {k}" for k in range(n)]
    return pairs


def with_factors(
    pairs: pd.DataFrame, labels: pd.DataFrame, factors: dict[str, np.ndarray] | None
) -> PreferenceData:
    """Return data of labels and coded differences."""
    data = PreferenceData.from_tables(pairs, labels)
    if not factors:
        return data
    frame = pd.DataFrame(factors)
    specs = {name: {"coding": {"transform": "difference"}} for name in frame}
    return data.with_factors(frame, pd.DataFrame(index=frame.index), specs)


def turned(data: PreferenceData) -> PreferenceData:
    """Return the same data with A and B exchanged everywhere."""
    labels = data.labels.assign(preference=1 - data.labels["preference"])
    sides = {"response_a": data.pairs["response_b"], "response_b": data.pairs["response_a"]}
    factors = data.factors.copy()
    factors[data.factor_names] = -factors[data.factor_names]
    return replace(data, labels=labels, pairs=data.pairs.assign(**sides), factors=factors)
