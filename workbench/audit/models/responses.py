"""Rewards that are there already, of any number of responses to a prompt: over-optimisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from workbench.audit.models.optimisation import ProxyPoint, best_of_n, follow_proxy, trade_off
from workbench.errors import DataError
from workbench.results import Result

_MEAN = "mean of the rewards, each standardised"


def audit_responses(
    table: pd.DataFrame,
    rewards: Sequence[str],
    *,
    prompt: str = "prompt",
    gold: str | None = None,
    heads: Sequence[str] = (),
    checkpoint: str | None = None,
    at_least: int = 2,
    level: float = 0.95,
) -> list[Result]:
    """Return what following a reward brings, from scored responses.

    Parameters
    ----------
    table : DataFrame
        One row a response; numbers may stand as text, as in a CSV file.
    rewards : sequence of str
        Columns of rewards: the proxies.
    prompt : str
        Column that says what a response answers.
    gold : str, optional
        Column of what the rewards stand for, such as people's ratings.
    heads : sequence of str
        Two columns that are weighed against each other.
    checkpoint : str, optional
        Column of the training's steps that responses are from.
    at_least : int
        Responses of a prompt; those of prompts with fewer are left out.
    level : float

    Returns
    -------
    list of Result
        With ``gold`` best of n under each reward, and under the mean of several; with ``heads``
        their trade-off; with both ``gold`` and ``checkpoint`` the proxy point.

    Raises
    ------
    DataError
        A column is missing or holds no numbers, nothing is asked, or no response is left.

    Examples
    --------
    >>> table = pd.DataFrame({"prompt": ["p", "p"], "rm": [0.0, 1.0], "people": [5.0, 7.0]})
    >>> found = audit_responses(table, ["rm"], gold="people")
    >>> found[0].to_frame()["estimate"].tolist()
    [6.0, 7.0]
    """
    table = _numbers(table, rewards, prompt, gold, heads, checkpoint)
    found: list[Result] = []
    if checkpoint is not None and gold is not None:
        found.append(_followed(table, rewards, prompt, gold, checkpoint, level))
    elif gold is not None:
        found += _best(table, rewards, prompt, gold, at_least, level)
    if heads:
        kept, notes = _kept(table, [*heads], prompt, at_least)
        one = trade_off(kept[[*heads]].to_numpy("float64"), kept[prompt].tolist(), level=level)
        found.append(replace(one, settings={**one.settings, "heads": list(heads), "notes": notes}))
    return found


def _best(
    table: pd.DataFrame, rewards: Sequence[str], prompt: str, gold: str, at_least: int, level: float
) -> list[Result]:
    kept, notes = _kept(table, [*rewards, gold], prompt, at_least)
    proxies: dict[str, pd.Series] = {name: kept[name].astype("float64") for name in rewards}
    if len(rewards) > 1:
        spread = [(one - one.mean()) / (one.std(ddof=0) or 1.0) for one in proxies.values()]
        proxies[_MEAN] = sum(spread[1:], spread[0]) / len(spread)
    found: list[Result] = []
    for name, proxy in proxies.items():
        one = best_of_n(proxy.to_numpy("float64"), kept[gold].to_numpy("float64"),
                        kept[prompt].tolist(), level=level)  # fmt: skip
        what = f"{gold} of the favourite of {name}"
        found.append(replace(one, settings={**one.settings, "what": what, "notes": notes}))
    return found


def _followed(
    table: pd.DataFrame, rewards: Sequence[str], prompt: str, gold: str, checkpoint: str,
    level: float,
) -> ProxyPoint:  # fmt: skip
    kept, notes = _kept(table, [*rewards, gold, checkpoint], prompt, 1)
    one = follow_proxy(kept, rewards, gold, prompt=prompt, checkpoint=checkpoint, level=level)
    return replace(one, settings={**one.settings, "notes": notes})


def _kept(
    table: pd.DataFrame, columns: list[str], prompt: str, at_least: int
) -> tuple[pd.DataFrame, list[str]]:
    """Return the responses that can be used, and how many cannot."""
    kept = table.dropna(subset=[prompt, *columns])
    enough = kept.groupby(prompt)[prompt].transform("size") >= at_least
    lost = {"a value is lacking": len(table) - len(kept),
            f"fewer than {at_least} responses to their prompt": int((~enough).sum())}  # fmt: skip
    notes = [f"left out: {n:,} responses, {why}" for why, n in lost.items() if n]
    if not enough.any():
        raise DataError(
            "No response is left.",
            found="; ".join(notes) or "an empty table",
            expected=f"prompts with at least {at_least} responses that have all scores",
            fix="Ask for fewer responses, or other columns.",
        )
    return kept[enough], notes


def _numbers(
    table: pd.DataFrame, rewards: Sequence[str], prompt: str, gold: str | None,
    heads: Sequence[str], checkpoint: str | None,
) -> pd.DataFrame:  # fmt: skip
    """Return the table with its scores as numbers; refuse what cannot be told."""

    def wrong(what: str, expected: str) -> DataError:
        shown = ", ".join(map(str, table.columns))
        fix = "Name other columns, and what is to be told."
        return DataError(what, found=f"columns {shown}", expected=expected, fix=fix)

    numbers = [*rewards, *heads, *([] if gold is None else [gold])]
    names: list[Any] = [prompt, *numbers, *([] if checkpoint is None else [checkpoint])]
    missing = [name for name in names if name not in table]
    if missing:
        raise wrong(f"The table has no column {', '.join(missing)}.", ", ".join(names))
    read = {name: pd.to_numeric(table[name].replace("", None), errors="coerce")
            for name in dict.fromkeys(numbers)}  # fmt: skip
    for name, values in read.items():
        words = table.loc[values.isna() & table[name].notna() & table[name].ne(""), name]
        if len(words):
            raise wrong(f"{name} holds {words.iloc[0]!r}: no number.", "columns of numbers")
    if heads and len(heads) != 2:
        raise wrong(f"{len(heads)} heads.", "two heads that are weighed against each other")
    if not heads and (gold is None or not rewards):
        raise wrong("Nothing is asked of the responses.", "rewards and gold, or two heads")
    if checkpoint is not None and gold is None:
        raise wrong("Checkpoints without gold.", "what the rewards stand for, at each checkpoint")
    if checkpoint is not None:
        steps = pd.to_numeric(table[checkpoint], errors="coerce")
        read |= {} if steps.isna().any() else {checkpoint: steps}
    return table.assign(**read)
