"""Step factors: a pure function from a batch of an agent's responses to values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.data.formats.messages import Message
from workbench.errors import DesignError
from workbench.factors.catalog import AGENT
from workbench.factors.steps.trajectory import (
    CALLS,
    Trajectory,
    last_errand,
    trajectory_of,
)
from workbench.factors.text import text_values

Array = NDArray[np.float64]

_NAMES = tuple(spec.name for spec in AGENT)


def step_values(
    responses: Sequence[Sequence[Message]],
    before: Sequence[Sequence[Message]] | None = None,
    *,
    names: Sequence[str] = _NAMES,
) -> pd.DataFrame:
    """Return the raw values of step factors, one row a response.

    Parameters
    ----------
    responses : sequence of lists of dict, shape (n,)
        The messages of each response, as
        :func:`workbench.data.formats.messages.as_messages` gives them.
    before : sequence of lists of dict, shape (n,), optional
        The messages before each response: a call that repeats one of the same errand there is
        a retry, too.
    names : sequence of str
        Factors of the family ``agent``.

    Returns
    -------
    DataFrame, shape (n, n factors)

    Raises
    ------
    DesignError
        An unknown name.

    Examples
    --------
    >>> call = {"name": "find", "arguments": '{"q": "tea"}'}
    >>> tried = {"role": "assistant", "tool_calls": [{"function": call}]}
    >>> failed = {"role": "tool", "content": '{"error": "timeout"}'}
    >>> names = ["tool_calls", "tool_errors", "tool_retries"]
    >>> step_values([[tried, failed, tried]], names=names).iloc[0].tolist()
    [2.0, 1.0, 1.0]
    """
    unknown = [name for name in names if name not in _NAMES]
    if unknown:
        raise DesignError(
            f"The step factor {unknown[0]!r} is not known.",
            found=", ".join(unknown),
            expected=", ".join(_NAMES),
            fix="Check the spelling.",
        )
    earlier = [last_errand(one) for one in before] if before is not None else [[]] * len(responses)
    done = [trajectory_of(one) for one in responses]
    seen = [trajectory_of(one) for one in earlier]
    return pd.DataFrame({name: _of(name, done, seen) for name in names}, dtype="float64")


def call_share(data: PreferenceData) -> float:
    """Return the share of the responses that call a tool.

    Parameters
    ----------
    data : PreferenceData

    Examples
    --------
    >>> import workbench as wb
    >>> call_share(wb.load("sample"))
    0.0
    """
    found = 0
    for side in "ab":
        marked = np.zeros(len(data), dtype=bool)
        for name in (f"response_{side}_messages", f"response_{side}"):
            if name in data.pairs:
                texts = pa.array(
                    data.pairs[name].astype("str"), pa.large_string(), from_pandas=True
                )
                marked |= pc.match_substring_regex(texts, CALLS).fill_null(False).to_numpy(False)
        # a text can speak of calls and make none
        found += sum(bool(trajectory_of(one).calls) for one in _chats(data.pairs[marked], side))
    return found / max(2 * len(data), 1)


def step_values_of(data: PreferenceData, names: Sequence[str]) -> Array:
    """Return the values of A, then those of B, shape (n factors, 2, n pairs).

    A response of text alone is one turn; a missing one has no values.

    Parameters
    ----------
    data : PreferenceData
    names : sequence of str
    """
    pairs = data.pairs
    before = _messages(pairs, "prompt_messages")
    values = np.empty((len(names), 2, len(pairs)))
    for k, side in enumerate("ab"):
        known = _chats(pairs, side)
        values[:, k] = step_values(known, before, names=names).to_numpy().T
        values[:, k, [not one for one in known]] = np.nan
    return values


def _chats(pairs: pd.DataFrame, side: str) -> list[list[Message]]:
    """Return the messages of a side; a text alone is one turn, and nothing none."""
    texts = pairs[f"response_{side}"].tolist()
    return [
        chat or ([{"role": "assistant", "content": text}] if isinstance(text, str) else [])
        for chat, text in zip(_messages(pairs, f"response_{side}_messages"), texts, strict=True)
    ]


def _messages(pairs: pd.DataFrame, column: str) -> list[list[Message]]:
    if column not in pairs:
        return [[]] * len(pairs)
    return [_read(text) for text in pairs[column].tolist()]


def _read(text: Any) -> list[Message]:
    if not isinstance(text, str):
        return []
    try:
        found = json.loads(text)
    except ValueError:
        return []
    known = isinstance(found, list) and all(isinstance(one, dict) for one in found)
    return found if known else []


def _of(name: str, done: list[Trajectory], seen: list[Trajectory]) -> list[float]:
    if name == "spoken_words":
        return _counted([["\n".join(t.said for t in one.turns)] for one in done], "words")
    if name == "plan_items":
        return _counted([_before_calls(one) for one in done], "numbered_items")
    return [_NUMBERS[name](one, known) for one, known in zip(done, seen, strict=True)]


def _counted(texts: list[list[str]], factor: str) -> list[float]:
    """Count as the text factor of that name counts."""
    joined = ["\n".join(one) for one in texts]
    return list(text_values(joined, names=[factor])[factor].astype(float))


def _before_calls(one: Trajectory) -> list[str]:
    """Return what was said up to the first call; nothing where there is none."""
    first = next((k for k, turn in enumerate(one.turns) if turn.calls), None)
    return [] if first is None else [turn.said for turn in one.turns[: first + 1]]


def _retries(one: Trajectory, before: Trajectory) -> float:
    calls = one.calls
    earlier = set(before.calls)
    return float(len(calls) - len(set(calls) - earlier))


def _argument_characters(one: Trajectory, before: Trajectory) -> float:
    sizes = [len(call.arguments) for call in one.calls]
    return sum(sizes) / len(sizes) if sizes else 0.0


_NUMBERS = {
    "tool_calls": lambda one, _: float(len(one.calls)),
    "distinct_tools": lambda one, _: float(len({call.tool for call in one.calls})),
    "tool_errors": lambda one, _: float(sum(one.failed)),
    "tool_retries": _retries,
    "parallel_calls": lambda one, _: float(sum(max(len(t.calls) - 1, 0) for t in one.turns)),
    "steps": lambda one, _: float(len(one.turns)),
    "argument_characters": _argument_characters,
}
