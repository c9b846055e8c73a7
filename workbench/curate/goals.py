"""Reward-augmented pairs: each pair twice, with the score that is asked for in its prompt."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.clustered import Array
from workbench.curate.filters import Chosen
from workbench.data.columns import complete_pairs
from workbench.data.dataset import PreferenceData
from workbench.data.formats.messages import render, to_json
from workbench.errors import DataError

_ASK = "score {goal:g}\n\n"


def goal_scores(chosen: Chosen) -> tuple[Array, Array]:
    """Return the scores of the chosen and the rejected response, and leave out what has none.

    Pairs with equal scores would give two contradicting rows of one goal; pairs whose chosen
    response has the lower score ask for the opposite of what was preferred.

    Parameters
    ----------
    chosen : Chosen

    Raises
    ------
    DataError
        The pairs have no such scores.
    """
    names = [f"{chosen.rule.goals}_{side}" for side in "ab"]
    pairs = chosen.data.pairs
    if not all(name in pairs and pd.api.types.is_numeric_dtype(pairs[name]) for name in names):
        raise DataError(
            f"The pairs have no scores {' and '.join(names)}.",
            found=", ".join(map(str, pairs.columns)),
            expected="two columns of numbers, one for each side",
            fix="Name another in goals, or pass scores= with these columns.",
        )
    a, b = (pairs[name].to_numpy("float64") for name in names)
    high, low = np.where(chosen.side > 0, a, b), np.where(chosen.side > 0, b, a)
    chosen.leave_out(~np.isfinite(high + low), "no score to ask for")
    chosen.leave_out(high == low, "equal scores")
    chosen.leave_out(high < low, "the chosen response has the lower score")
    return high, low


def with_goals(data: PreferenceData, high: Array, low: Array) -> PreferenceData:
    r"""Return every pair twice: asked for the high score as it is, for the low one swapped.

    Parameters
    ----------
    data : PreferenceData
        One label a pair.
    high, low : ndarray, shape (pairs,)
        Scores of the chosen and of the rejected response.

    Notes
    -----
    Zhang et al. (2024), reward-augmented preferences. The goal stands once, before the prompt
    (of chats, before the first message of the user), and both responses answer it.

    Examples
    --------
    >>> pairs = pd.DataFrame({"prompt": ["Q"], "response_a": ["good"], "response_b": ["bad"]})
    >>> labels = pd.DataFrame({"pair": [0], "annotator": ["x"], "preference": [1.0]})
    >>> data = PreferenceData.from_tables(pairs, labels)
    >>> found = with_goals(data, np.array([8.0]), np.array([2.0]))
    >>> found.pairs["prompt"].tolist(), found.labels["preference"].tolist()
    (['score 8\n\nQ', 'score 2\n\nQ'], [1.0, 0.0])
    """
    n = len(data.pairs)
    twice = np.repeat(np.arange(n), 2)
    goals = np.stack([high, low], axis=1).ravel()
    pairs = data.pairs.iloc[twice].reset_index(drop=True)
    asked = [_ASK.format(goal=goal) for goal in goals]
    pairs["prompt"] = pd.Series(asked, dtype="str") + pairs["prompt"].fillna("")
    if "prompt_messages" in pairs:
        said = [
            _asked(text, ask) for text, ask in zip(pairs["prompt_messages"], asked, strict=True)
        ]
        pairs["prompt_messages"] = pd.Series(said, dtype="str")
        rendered = pd.Series([_text(one) for one in said], dtype="str")
        pairs["prompt"] = rendered.fillna(pairs["prompt"])
    pairs = complete_pairs(pairs.drop(columns=["pair_id", "prompt_id"]).assign(goal=goals))
    labels = data.labels.iloc[twice].reset_index(drop=True)
    swapped = np.tile([False, True], n)
    preference = labels["preference"].mask(swapped, 1 - labels["preference"])
    labels = labels.assign(pair_id=pairs["pair_id"], preference=preference)
    # factors were of the prompts without a goal
    bare = pairs[["pair_id"]]
    return replace(
        data, pairs=pairs, labels=labels, factors=bare, factor_values=bare, factor_specs={}
    )


def _asked(text: Any, ask: str) -> str | None:
    """Return messages with what is asked for before the user's first text."""
    if not isinstance(text, str):
        return None
    messages = json.loads(text)
    first = next((m for m in messages if m["role"] == "user"), None)
    if first is None or not isinstance(first.get("content"), str):
        return to_json([{"role": "user", "content": ask.strip()}, *messages])
    first["content"] = ask + first["content"]
    return to_json(messages)


def _text(messages: str | None) -> str | None:
    return None if messages is None else render(json.loads(messages))
