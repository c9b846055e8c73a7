"""Simulated verdicts of judges whose slope, ties and order are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

import workbench as wb

Truth = dict[str, tuple[float, float, float]]
JUDGES: Truth = {"even": (1.0, 0.0, 0.0), "keen": (2.0, 1.0, 0.5), "blunt": (0.4, 0.3, -0.8)}
"""Slope, threshold of a tie and favour for the first, by judge."""


def verdict(rng: np.random.Generator, eta: np.ndarray, tau: float) -> np.ndarray:
    """Return 1, .5 or 0 of an ordered logit."""
    u = rng.random(len(eta))
    up = expit(eta - tau)
    return np.where(u < up, 1.0, np.where(u < up + expit(-eta - tau), 0.0, 0.5))


def simulated(
    n: int = 1500, *, judges: Truth = JUDGES, people: int = 3, spread: float = 1.5, each: int = 2,
    groups: dict[str, float] | None = None, favour: float = 0.0, seed: int = 0,
    models: bool = False,
) -> wb.PreferenceData:  # fmt: skip
    """Pairs of ``each`` a prompt; ``groups`` multiply the slopes, ``favour`` is for gpt."""
    rng = np.random.default_rng(seed)
    prompt = np.arange(n) // each
    names = np.array(["gpt-4", "gpt-3", "vicuna-13b", "claude-v1", "llama-2"])
    i = rng.integers(0, 5, n)
    j = (i + rng.integers(1, 5, n)) % 5
    strength = np.linspace(1, -1, 5) * spread
    z = strength[i] - strength[j] if models else rng.normal(0, spread, n)
    pairs = pd.DataFrame({
        "pair_id": [f"p{k:05d}" for k in range(n)], "prompt": [f"q{k:05d}" for k in prompt],
        "response_a": [f"a{k}" for k in range(n)], "response_b": [f"b{k}" for k in range(n)],
        "model_a": names[i], "model_b": names[j], "cluster": [f"c{k:05d}" for k in prompt],
    })  # fmt: skip
    times = np.ones(n)
    if groups:
        pairs["scenario"] = np.array(list(groups))[prompt % len(groups)]
        times = pairs["scenario"].map(groups).to_numpy()
    rows = [pd.DataFrame({"pair_id": pairs["pair_id"], "annotator": f"h{k}", "kind": "human",
                          "preference": (rng.random(n) < expit(z)).astype(float)})
            for k in range(people)]  # fmt: skip
    own = favour * (np.char.startswith(names[i], "gpt") * 1.0 - np.char.startswith(names[j], "gpt"))
    for name, (slope, tau, first) in judges.items():
        order = rng.choice([1, -1], n)
        y = verdict(rng, slope * times * z + first * order + own, tau)
        rows.append(pd.DataFrame({"pair_id": pairs["pair_id"], "annotator": name, "kind": "llm",
                                  "preference": y,
                                  "order_shown": np.where(order > 0, "ab", "ba")}))  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, pd.concat(rows, ignore_index=True))


def exchanged(data: wb.PreferenceData, seed: int = 0) -> wb.PreferenceData:
    """The same with the sides of half of the pairs exchanged, and rows shuffled."""
    rng = np.random.default_rng(seed)
    turn = rng.random(len(data.pairs)) < 0.5
    pairs, labels = data.pairs.copy(), data.labels.copy()
    for stem in ("response", "model"):
        a, b = pairs[f"{stem}_a"].copy(), pairs[f"{stem}_b"].copy()
        pairs[f"{stem}_a"], pairs[f"{stem}_b"] = a.where(~turn, b), b.where(~turn, a)
    moved = turn[data.pair_rows]
    labels["preference"] = labels["preference"].where(~moved, 1 - labels["preference"])
    shown = labels["order_shown"].map({"ab": "ba", "ba": "ab"})
    labels["order_shown"] = labels["order_shown"].where(~moved, shown)
    return wb.PreferenceData.from_tables(
        pairs.sample(frac=1, random_state=seed), labels.sample(frac=1, random_state=seed + 1)
    )
