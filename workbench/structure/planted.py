"""Simulated people whose tastes are known: for examples, tests and power."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import logistic
from workbench.errors import DesignError

_NAMES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def planted_people(
    people: int = 60,
    labels: int = 40,
    *,
    pairs: int | None = None,
    tastes: Sequence[Sequence[float]] = ((1.0, -0.5, 0.0),),
    tau: float = 0.0,
    sharpness: float = 0.0,
    careless: float = 0.0,
    seed: int = 0,
) -> tuple[PreferenceData, pd.DataFrame]:
    """Simulate people who choose between responses by factors of mean 0 and variance 1.

    Parameters
    ----------
    people, labels : int
        People, and labels of each, all on different pairs.
    pairs : int, optional
        Pairs of which each person gets a random part; so many that a pair gets about three
        labels when None. Each pair is of a prompt of its own.
    tastes : sequence of sequence of float
        Weights of each group; person p is of group ``p % len(tastes)``.
    tau : float
        Standard deviation of each person's weights about those of the group.
    sharpness : float
        Standard deviation of the logarithm of what multiplies all weights of a person.
    careless : float
        Share of the people, the last ones, who say A whatever it is.
    seed : int

    Returns
    -------
    data : PreferenceData
        Of kind ``human``, with factors ``first, second, ...`` and no texts.
    truth : DataFrame
        One row a person: ``annotator, group, sharpness, careless`` and the weights.

    Raises
    ------
    DesignError
        Fewer pairs than a person has labels, or more than eight factors.

    Examples
    --------
    >>> data, truth = planted_people(people=4, labels=10, tastes=[(1, 0), (-1, 0)])
    >>> len(data.labels), truth["first"].tolist()
    (40, [1.0, -1.0, 1.0, -1.0])
    """
    total = max(labels, people * labels // 3) if pairs is None else pairs
    K = len(tastes[0])
    if total < labels or len(_NAMES) < K:
        raise DesignError(
            "Such people cannot be simulated.",
            found=f"{total} pairs, {labels} labels each, {K} factors",
            expected=f"as many pairs as labels each, at most {len(_NAMES)} factors",
            fix="Ask for more pairs, or fewer labels or factors.",
        )
    rng = np.random.default_rng(seed)
    group = np.arange(people) % len(tastes)
    weights = np.asarray(tastes, dtype=float)[group] + tau * rng.normal(size=(people, K))
    scale = np.exp(sharpness * rng.normal(size=people))
    spams = np.arange(people) >= people - round(careless * people)
    X = rng.normal(size=(total, K))
    at = np.concatenate([rng.choice(total, labels, replace=False) for _ in range(people)])
    who = np.repeat(np.arange(people), labels)
    p = logistic(scale[who] * (X[at] * weights[who]).sum(axis=1))
    says_a = np.where(spams[who], 1.0, rng.random(len(p)) < p)
    names = [f"person {k:03d}" for k in range(people)]
    table = pd.DataFrame(
        {"pair": at, "annotator": np.array(names)[who], "kind": "human", "preference": says_a}
    )
    stand = pd.DataFrame({"item": [f"pair {k}" for k in range(total)]})
    stand["cluster"] = [f"prompt {k}" for k in range(total)]
    frame = pd.DataFrame(X, columns=list(_NAMES[:K]))
    specs = {name: {"coding": {"transform": "difference"}} for name in frame}
    data = PreferenceData.from_tables(stand, table)
    data = data.with_factors(frame, pd.DataFrame(index=frame.index), specs)
    own = {"annotator": names, "group": group, "sharpness": scale, "careless": spams}
    return data, pd.DataFrame({**own, **dict(zip(frame, weights.T, strict=True))})
