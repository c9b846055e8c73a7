"""Simulated choices between actions whose values and weights are known: examples and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import logistic

_OTHERS = ("duty", "ease", "luck", "pride")


def planted_dilemmas(
    dilemmas: int = 300,
    weights: Mapping[str, float] | None = None,
    *,
    judges: Mapping[str, Mapping[str, float]] | None = None,
    bundles: Sequence[tuple[str, str]] = (),
    together: float = 0.9,
    share: float = 0.3,
    rare: Sequence[str] = (),
    seed: int = 0,
) -> tuple[PreferenceData, pd.DataFrame]:
    """Simulate judges who choose between two actions by the values that these hold.

    Parameters
    ----------
    dilemmas : int
        Each a prompt of its own, with one choice of each judge.
    weights : mapping of str to float
        Of values, for the one judge ``sim-judge``; four more values have weight 0.
    judges : mapping of str to mapping, optional
        Weights by judge, in place of ``weights``.
    bundles : sequence of (str, str)
        Second values that an action with the first holds with probability ``together``, and
        else seldom.
    together : float
    share : float
        How often an action holds a value that is in no bundle.
    rare : sequence of str
        Values that two actions hold in all.
    seed : int

    Returns
    -------
    data : PreferenceData
        With columns ``values_a`` and ``values_b``; the judges' kind is ``rule``.
    truth : DataFrame
        ``annotator, value, weight``.

    Examples
    --------
    >>> data, truth = planted_dilemmas(20, {"care": 1.0})
    >>> len(data.labels), truth["value"].tolist()
    (20, ['care', 'duty', 'ease', 'luck', 'pride'])
    """
    told = judges or {"sim-judge": weights or {"care": 1.0}}
    names = sorted(
        {*_OTHERS, *(v for of in told.values() for v in of), *(v for both in bundles for v in both)}
    )
    rng = np.random.default_rng(seed)
    sides = [_held(rng, names, dilemmas, bundles, together, share) for _ in "ab"]
    b = np.array([[of.get(name, 0.0) for name in names] for of in told.values()])
    chance = logistic((sides[0] * 1.0 - sides[1]) @ b.T)
    chose = rng.random(chance.shape) < chance
    lists = [[[n for n, h in zip(names, row, strict=True) if h] for row in side] for side in sides]
    for k, name in enumerate(rare):
        lists[0][2 * k].append(name)
        lists[1][2 * k + 1].append(name)
    pairs = pd.DataFrame({"prompt": [f"dilemma {i}" for i in range(dilemmas)]})
    for side, held in zip("ab", lists, strict=True):
        pairs[f"response_{side}"] = f"action {side}"
        pairs[f"values_{side}"] = ["; ".join(one) for one in held]
    labels = pd.DataFrame({
        "pair": np.tile(np.arange(dilemmas), len(told)),
        "annotator": np.repeat(list(told), dilemmas),
        "kind": "rule",
        "preference": chose.T.ravel().astype(float),
    })  # fmt: skip
    truth = pd.DataFrame({
        "annotator": np.repeat(list(told), len(names)), "value": names * len(told),
        "weight": b.ravel(),
    })  # fmt: skip
    return PreferenceData.from_tables(pairs, labels), truth


def _held(
    rng: np.random.Generator, names: list[str], n: int, bundles: Sequence[tuple[str, str]],
    together: float, share: float,
) -> np.ndarray:  # fmt: skip
    held = rng.random((n, len(names))) < share
    for first, second in bundles:
        with_it = np.where(held[:, names.index(first)], together, 1 - together)
        held[:, names.index(second)] = rng.random(n) < with_it
    return held
