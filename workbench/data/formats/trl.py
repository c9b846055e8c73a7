"""Preference data as TRL trains on: chosen and rejected, with or without a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import commonprefix
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.messages import as_messages
from workbench.data.formats.orientation import SHUFFLE_RULE, chosen_is_a
from workbench.data.formats.records import (
    Record,
    Unreadable,
    conversations,
    number,
    scalars,
    translate,
)
from workbench.errors import DataError

_TURN = "Assistant:"
_USED = ("prompt", "chosen", "rejected", "score_chosen", "score_rejected", "margin")


def pair_of(chosen: Any, rejected: Any, prompt: Any, seed: int) -> Record:
    """Return a pair from its chosen and rejected side, the sides shuffled by content.

    Parameters
    ----------
    chosen, rejected : object
        Text, or message lists.
    prompt : object
        Text, a message list, or None: then it is the common start of both sides, cut back
        to a turn border.
    seed : int

    Returns
    -------
    dict
        A judgement with ``preference`` 1.0 where the chosen side became A.
    """
    if isinstance(chosen, str) and isinstance(rejected, str) and as_messages(chosen) is None:
        pair = _texts(chosen, rejected, prompt)
    else:
        pair = conversations(chosen, rejected, prompt)
    if chosen_is_a(pair["prompt"] or "", pair["response_a"], pair["response_b"], seed):
        return {**pair, "preference": 1.0}
    return {**swapped(pair), "preference": 0.0}


def swapped(pair: Record) -> Record:
    """Return a pair with A and B exchanged in every column that names a side."""
    other = {}
    for key, value in pair.items():
        mirror = key.replace("response_a", "response_\0").replace("response_b", "response_a")
        mirror = mirror.replace("response_\0", "response_b")
        if mirror == key and key.endswith(("_a", "_b")):
            mirror = key[:-1] + ("b" if key.endswith("_a") else "a")
        other[mirror] = value
    return other


def _texts(chosen: str, rejected: str, prompt: Any) -> Record:
    if prompt is None:
        shared = commonprefix([chosen, rejected])
        cut = shared.rfind(_TURN)
        cut = 0 if cut < 0 else cut + len(_TURN)
        prompt, chosen, rejected = chosen[:cut], chosen[cut:], rejected[cut:]
    elif not isinstance(prompt, str):
        messages = as_messages(prompt)
        if messages is None:
            raise Unreadable(prompt)
        pair = conversations(
            [{"role": "assistant", "content": chosen}],
            [{"role": "assistant", "content": rejected}],
            messages,
        )
        return pair
    return {
        "prompt": prompt.strip(),
        "response_a": chosen.strip(),
        "response_b": rejected.strip(),
    }


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    seed = int(options.get("seed", 0))

    def read(record: Record) -> list[Record]:
        for side in ("chosen", "rejected"):
            if record.get(side) is None:
                raise Unreadable(f"{side}: nothing")
        pair = pair_of(record["chosen"], record["rejected"], record.get("prompt"), seed)
        margin = number(record.get("margin"))
        if record.get("score_chosen") is not None:
            margin = number(record.get("score_chosen")) - number(record.get("score_rejected"))
        return [
            {
                **scalars(record, _USED),
                **pair,
                "annotator": options.get("annotator") or "preference",
                "kind": options.get("kind") or "human",
                "strength": margin,
            }
        ]

    settings = {"shuffle_seed": seed, "shuffle_rule": SHUFFLE_RULE}
    return translate(records, first_row, read, settings)


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    if not {"chosen", "rejected"} <= set(columns):
        return False
    lists = [r["chosen"] for r in records if isinstance(r.get("chosen"), list)]
    # a list of plain texts is best-of-n data (RewardBench 2), not one response
    return not any(side and all(isinstance(item, str) for item in side) for side in lists)


def _refuse(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    raise DataError(
        "This is TRL's unpaired format: single completions with a label each.",
        found="columns prompt, completion, label",
        expected="two responses of each prompt: prompt, chosen, rejected",
        fix="Pair the completions of each prompt, or load ratings with format='ratings'.",
    )


FORMAT = Format("trl", "TRL preference: chosen, rejected (and prompt)", _recognise, _translate)

UNPAIRED = Format(
    "trl-unpaired",
    "TRL unpaired preference (refused with a hint)",
    lambda columns, _: {"completion", "label"} <= set(columns) and "chosen" not in columns,
    _refuse,
)
