"""Pairs whose labels follow a known model, and what is seen of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

import workbench as wb
from workbench.calibration.choose.choose import Choice, choose_pairs

TRUTH = (1.5, -1.0, 0.7, 0.4)


def planted_pairs(
    seed: int, pairs: int = 2_000, bend: float = 0.0, prompts: int | None = None
) -> wb.PreferenceData:
    """Return a label of every pair by four factors; the first may bend."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(pairs, len(TRUTH)))
    lean = X @ np.array(TRUTH) + bend * X[:, 0] * np.abs(X[:, 0])
    says = rng.random(pairs) < 1 / (1 + np.exp(-lean))
    table = pd.DataFrame({"pair_id": [f"{k:06d}" for k in range(pairs)]})
    table["cluster"] = [f"prompt {k % (prompts or pairs)}" for k in range(pairs)]
    labels = pd.DataFrame(
        {"pair": np.arange(pairs), "annotator": "ann", "kind": "human", "preference": says}
    )
    names = [f"f{k}" for k in range(len(TRUTH))]
    factors = pd.DataFrame(X, columns=names)
    data = wb.PreferenceData.from_tables(table, labels)
    return data.with_factors(factors, pd.DataFrame(index=factors.index), {})


def seen(data: wb.PreferenceData, ids: Iterable[str]) -> wb.PreferenceData:
    """Return the data with the labels of some pairs only."""
    kept = data.labels["pair_id"].isin(set(ids))
    return replace(data, labels=data.labels[kept].reset_index(drop=True))


def two_rounds(data: wb.PreferenceData, pilot: int, n: int, seed: int) -> list[Choice]:
    """Return a random pilot as a choice, and the choice by its labels."""
    first = choose_pairs(seen(data, ()), pilot, seed=seed)
    rest = np.random.default_rng(seed + 1_000).permutation(data.pairs["pair_id"])[:pilot]
    first = replace(first, chosen=pd.DataFrame({"pair_id": rest, "why": "random pilot"}))
    return [first, choose_pairs(seen(data, rest), n, seed=seed)]
