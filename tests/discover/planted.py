"""Pairs whose responses have four planted properties, of which labels follow two."""

from __future__ import annotations

import numpy as np
import pandas as pd

import workbench as wb

PROPERTIES = {
    "kind": "kindly please",
    "sure": "certainly undoubtedly",
    "lists": "firstly secondly",
    "money": "dollars budget",
}
"""What a response that has the property says, somewhere."""

WEIGHTS = {"kind": 2.5, "sure": -2.5, "lists": 0.0, "money": 0.0}
_SUBJECTS = 12


def planted(n: int = 900, seed: int = 0, weights: dict[str, float] | None = None,
            shuffle: bool = False) -> wb.PreferenceData:  # fmt: skip
    """Pairs of texts about some subjects; each response has each property by chance."""
    rng = np.random.default_rng(seed)
    weights = WEIGHTS if weights is None else weights
    subjects = [[f"topic{s}word{k}" for k in range(25)] for s in range(_SUBJECTS)]
    rows, has = [], np.zeros((n, 2, len(PROPERTIES)))
    for i in range(n):
        words = subjects[i % _SUBJECTS]
        sides = []
        for side in range(2):
            said = list(rng.choice(words, size=14))
            for k, phrase in enumerate(PROPERTIES.values()):
                if rng.random() < 0.3:
                    has[i, side, k] = 1.0
                    at = int(rng.integers(0, len(said)))
                    said[at:at] = phrase.split()
            sides.append(" ".join(said))
        rows.append({"prompt": f"Question {i} on {words[0]}?", "response_a": sides[0],
                     "response_b": sides[1]})  # fmt: skip
    logit = (has[:, 0] - has[:, 1]) @ np.array([weights[name] for name in PROPERTIES])
    won = (rng.random(n) < 1.0 / (1.0 + np.exp(-logit))).astype(float)
    if shuffle:
        won = rng.permutation(won)
    labels = pd.DataFrame({"pair": range(n), "annotator": "ann", "preference": won,
                           "kind": "human"})  # fmt: skip
    return wb.PreferenceData.from_tables(pd.DataFrame(rows), labels)


def exchanged(data: wb.PreferenceData, which: np.ndarray) -> wb.PreferenceData:
    """The same pairs with the sides of some exchanged, their labels too."""
    pairs, labels = data.pairs.copy(), data.labels.copy()
    a, b = (pairs[f"response_{side}"].copy() for side in "ab")
    pairs["response_a"], pairs["response_b"] = a.where(~which, b), b.where(~which, a)
    turned = labels["pair_id"].isin(set(pairs["pair_id"][which]))
    labels["preference"] = labels["preference"].where(~turned, 1.0 - labels["preference"])
    return wb.PreferenceData.from_tables(pairs, labels)
