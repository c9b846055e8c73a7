"""Simulated graded replies: who follows, ignores or makes up preferences."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

Habit = Literal["follows", "ignores", "hallucinates", "refuses"]


def planted_replies(
    habit: Habit, n: int = 100, turns: tuple[int, ...] = (0, 5), fits: float = 0.3, seed: int = 0
) -> pd.DataFrame:
    """Return graded replies of somebody with one habit, nine times in ten.

    Parameters
    ----------
    habit : {"follows", "ignores", "hallucinates", "refuses"}
    n : int
        Items.
    turns : tuple of int
    fits : float
        Share of the items of which any helpful reply fits the preference.
    seed : int

    Examples
    --------
    >>> len(planted_replies("follows", 10))
    30
    """
    rng = np.random.default_rng(seed)
    easy, rows = rng.random(n) < fits, []
    for k in range(n):
        for told, distance in (*((True, one) for one in turns), (False, 0)):
            own = habit if told and rng.random() < 0.9 else "ignores"
            bad = own != "follows" and not easy[k]
            rows.append({
                "item": f"item {k}", "told": "with" if told else "without", "turns": distance,
                "acknowledge": "yes" if own in ("follows", "hallucinates") else "no",
                "hallucinate": "yes" if own == "hallucinates" else "no",
                "violate": "yes" if bad else "no",
                "helpful": "no" if own == "refuses" else "yes",
            })  # fmt: skip
    return pd.DataFrame(rows)
