"""A simulated judge that sees what people see, and loves length by a known weight."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData

JUDGE = "sim-judge"


def lover(
    n: int = 900,
    length: float = 2.0,
    sharp: float = 3.0,
    prompts: int = 300,
    people: float = 3.0,
    both: bool = True,
    models: bool = False,
    seed: int = 0,
) -> PreferenceData:
    """Return pairs whose quality no factor measures: people and the judge see it.

    Both reward ``bold`` in proportion to their sharpness; the judge rewards ``length`` times
    ``words`` beside it.
    """
    rng = np.random.default_rng([seed, n])
    quality = rng.normal(size=n)
    x = rng.normal(size=(n, 2))
    cluster = rng.integers(0, prompts, n)
    pairs = pd.DataFrame({"item": np.arange(n), "cluster": [f"c{c}" for c in cluster]})
    if models:
        # sim-long wrote the response with more words
        longer = np.where(x[:, 0] > 0, "sim-long", "sim-short")
        other = np.where(x[:, 0] > 0, "sim-short", "sim-long")
        pairs = pairs.assign(model_a=longer, model_b=other)
    taste = quality + 0.4 * x[:, 1]
    tables = [_labels("ann", "human", taste * people, None, rng)]
    for order in ("ab", "ba") if both else ("ab",):
        lean = sharp * taste + length * x[:, 0]
        tables.append(_labels(JUDGE, "llm", lean, order, rng))
    data = PreferenceData.from_tables(pairs, pd.concat(tables, ignore_index=True))
    factors = pd.DataFrame(x, columns=["words", "bold"])
    specs = {name: {"coding": {"transform": "difference"}} for name in factors}
    return data.with_factors(factors, pd.DataFrame(index=factors.index), specs)


def _labels(
    name: str, kind: str, lean: np.ndarray, order: str | None, rng: np.random.Generator
) -> pd.DataFrame:
    won = rng.random(len(lean)) < 1 / (1 + np.exp(-lean))
    return pd.DataFrame({
        "pair": np.arange(len(lean)), "annotator": name, "kind": kind,
        "preference": won.astype(float), "order_shown": order,
    })  # fmt: skip
