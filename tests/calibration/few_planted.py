"""Pairs that judges judged and people labelled in part, with a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd

import workbench as wb

TRUTH = (0.8, -0.5, 0.3)
MODELS = {"k": 0.6, "l": 0.0, "m": -0.6}


def planted(
    seed: int, n: int = 100, N: int = 1200, judges: dict[str, float] | None = None,
    *, turned: bool = False, per_prompt: int = 1, ties: float = 0.0,
) -> wb.PreferenceData:  # fmt: skip
    """Return simulated data: ``judges`` say what people say with a given chance, else like words.

    ``turned`` exchanges A and B of every other pair; factors and labels turn with them.
    """
    rng = np.random.default_rng(seed)
    judges = {"good": 0.9, "poor": 0.2} if judges is None else judges
    X = rng.normal(size=(N, len(TRUTH)))
    names = np.array(list(MODELS))
    first = rng.integers(0, len(names), N)
    second = (first + rng.integers(1, len(names), N)) % len(names)
    strength = np.array(list(MODELS.values()))
    lean = X @ np.array(TRUTH) + strength[first] - strength[second]
    said = (rng.random(N) < 1 / (1 + np.exp(-lean))) * 1.0
    said[rng.random(N) < ties] = 0.5
    prompt = np.arange(N) // per_prompt
    labelled = np.isin(prompt, rng.permutation(N // per_prompt)[: n // per_prompt])
    table = {"human": np.where(labelled, said, np.nan)}
    for name, share in judges.items():
        own = (rng.random(N) < 1 / (1 + np.exp(-2 * X[:, 0]))) * 1.0
        table[name] = np.where(rng.random(N) < share, said, own)
    flip = (np.arange(N) % 2 == 1) if turned else np.zeros(N, dtype=bool)
    pairs = pd.DataFrame({
        "pair_id": [f"{k:06d}" for k in range(N)],
        "cluster": [f"prompt {k // per_prompt}" for k in range(N)],
        "model_a": names[np.where(flip, second, first)],
        "model_b": names[np.where(flip, first, second)],
        "scenario": np.where(np.arange(N) % 3 == 0, "code", "prose"),
    })  # fmt: skip
    labels = pd.concat([
        pd.DataFrame({"pair": np.arange(N), "annotator": name,
                      "kind": "human" if name == "human" else "llm",
                      "preference": np.where(flip, 1 - value, value)})
        for name, value in table.items()
    ]).dropna(subset=["preference"])  # fmt: skip
    factors = pd.DataFrame(np.where(flip[:, None], -X, X), columns=["words", "bold", "lists"])
    data = wb.PreferenceData.from_tables(pairs, labels.reset_index(drop=True))
    return data.with_factors(factors, pd.DataFrame(index=factors.index), {})


def row(found: wb.FewLabels, group: str, what: str, term: str, part: str = "all") -> pd.Series:
    """Return one row of the estimates."""
    table = found.to_frame()
    at = table["group"].eq(group) & table["what"].eq(what) & table["term"].eq(term)
    return table[at & table["slice"].eq(part)].iloc[0]
