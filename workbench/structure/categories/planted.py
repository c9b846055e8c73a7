"""Simulated answers whose preference between categories is known: for examples and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from workbench.decompose.kernel import logistic


def planted_answers(
    strengths: Mapping[str, float],
    *,
    conversations: int = 100,
    turns: int = 8,
    wrong: float = 0.5,
    shares: Sequence[float] | None = None,
    habit: float = 0.0,
    annotator: str = "sim-judge",
    seed: int = 0,
    draw: int = 0,
) -> pd.DataFrame:
    r"""Simulate an annotator who gives categories, and prefers some where it errs.

    .. math:: P(i \mid j) = \frac{2 e}{C - 1} \sigma(\theta_i - \theta_j)

    Parameters
    ----------
    strengths : mapping of str to float
        The :math:`\theta` of each category; all 0 prefers none.
    conversations, turns : int
    wrong : float
        The share :math:`e` of wrong answers without a preference; at most 0.5.
    shares : sequence of float, optional
        How often each category is right; equally when None.
    habit : float
        Share of conversations in which one category, drawn anew, is given throughout: turns of
        one conversation then depend.
    annotator : str
    seed : int
        Of what is right: annotators of one seed answer the same items.
    draw : int
        Of what is given.

    Returns
    -------
    DataFrame
        ``annotator, conversation, item, given, right``.

    Examples
    --------
    >>> planted_answers({"x": 0.0, "y": 0.0}, conversations=2, turns=3).shape
    (6, 5)
    """
    names, theta = list(strengths), np.array(list(strengths.values()), dtype=np.float64)
    C, n = len(names), conversations * turns
    right = np.random.default_rng(seed).choice(C, n, p=shares)
    rng = np.random.default_rng([seed, draw, 1])
    chance = 2 * wrong / (C - 1) * logistic(theta[None, :] - theta[right][:, None])
    chance[np.arange(n), right] = 0.0
    chance[np.arange(n), right] = 1 - chance.sum(axis=1)
    given = (rng.random(n)[:, None] > chance.cumsum(axis=1)).sum(axis=1).clip(max=C - 1)
    talk = np.repeat(np.arange(conversations), turns)
    stuck = rng.random(conversations) < habit
    given = np.where(stuck[talk], rng.integers(0, C, conversations)[talk], given)
    return pd.DataFrame({
        "annotator": annotator, "conversation": [f"talk {k}" for k in talk],
        "item": [f"turn {k}" for k in range(n)],
        "given": np.array(names)[given], "right": np.array(names)[right],
    })  # fmt: skip
