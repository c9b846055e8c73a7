"""Which columns a trainer reads, and what stands in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.curate.filters import Bools
from workbench.curate.training_data import ADDED, KEPT
from workbench.curate.writers.cells import (
    Column,
    as_array,
    column,
    json_texts,
    lists,
    objects,
)
from workbench.data.columns import OVERALL, PAIR_COLUMNS
from workbench.data.dataset import PreferenceData
from workbench.errors import DataError


@dataclass(frozen=True)
class Plan:
    """What a file has, decided over all of its pairs, so that it can be written in parts.

    Attributes
    ----------
    chats, prompt, models, margin, weight, criterion, tools : bool
    further : tuple of str
        Columns of pairs that stand beside the texts.
    """

    chats: bool
    prompt: bool
    models: bool
    margin: bool
    weight: bool
    criterion: bool
    tools: bool
    further: tuple[str, ...]

    @classmethod
    def of(cls, data: PreferenceData) -> Plan:
        """Return what the file of these pairs has."""
        pairs, labels = data.pairs, data.labels
        own = [name for name in pairs if name not in (*PAIR_COLUMNS, *KEPT, *ADDED)]
        names = [*(name for name in ADDED if name in pairs), "scenario", "cluster", *own]
        return cls(
            chats=_are_chats(pairs),
            prompt=bool(pairs["prompt"].notna().any()),
            models=bool(pairs[["model_a", "model_b"]].notna().any(axis=None)),
            margin=bool(labels["strength"].notna().any()),
            weight=bool((labels["weight"] != 1).any()),
            criterion=not labels["criterion"].eq(OVERALL).all(),
            tools="tools" in pairs and bool(pairs["tools"].notna().any()),
            further=tuple(str(name) for name in names if pairs[name].notna().any()),
        )


Layout = Callable[[PreferenceData, Plan], list[Column]]
_SIDES = ("chosen", "rejected")


def trl(data: PreferenceData, plan: Plan) -> list[Column]:
    """TRL's preference type with an explicit prompt: text, or messages where the data are chats.

    OpenRLHF reads the same with ``--prompt_key prompt``, and LLaMA-Factory's and Axolotl's own
    layouts have other names.
    """
    return _conversational(data, plan) if plan.chats else _plain(data, plan)


def trl_conversational(data: PreferenceData, plan: Plan) -> list[Column]:
    """TRL's conversational preference type: prompt, chosen and rejected are lists of messages."""
    return _conversational(data, plan)


def trl_unpaired(data: PreferenceData, plan: Plan) -> list[Column]:
    """TRL's unpaired preference type (KTO): two rows a pair, liked and not."""
    pair = _conversational(data, plan) if plan.chats else _plain(data, plan)
    named = {one.name: one for one in pair}
    n = len(data.pairs)
    order = pa.array(np.concatenate([np.arange(n), np.arange(n) + n]).reshape(2, n).T.ravel())

    def in_turn(*names: str) -> pa.Array:
        return pa.concat_arrays([named[name].values for name in names]).take(order)

    models = [f"{side}_model" for side in _SIDES]
    twice = pa.array(np.repeat(np.arange(n), 2))
    rest = [one for one in pair if one.name not in (*_SIDES, *models)]
    shared = [Column(one.name, one.values.take(twice), one.is_json) for one in rest]
    liked = np.tile([True, False], n)
    ids = column("pair_id", data.pairs["pair_id"]).values.take(twice)
    head = [one for one in shared if one.name == "prompt"]
    tail = [one for one in shared if one.name != "prompt"]
    said = Column("completion", in_turn(*_SIDES), named["chosen"].is_json)
    if models[0] in named:
        tail = [Column("model", in_turn(*models)), *tail]
    return [*head, said, Column("label", pa.array(liked)), Column("pair_id", ids), *tail]


def axolotl(data: PreferenceData, plan: Plan) -> list[Column]:
    """Axolotl's ``chat_template.default``: messages, and one message each for both responses."""
    chats = {one.name: one for one in _conversational(data, plan)}
    rest = [one for name, one in chats.items() if name not in ("prompt", *_SIDES)]
    return [*_messages(chats, "messages"), *_single(data, chats), *rest]


def llama_factory(data: PreferenceData, plan: Plan) -> list[Column]:
    """LLaMA-Factory's ranking layout: alpaca for text, sharegpt with roles for chats."""
    if plan.chats:
        chats = {one.name: one for one in _conversational(data, plan)}
        rest = [one for name, one in chats.items() if name not in ("prompt", *_SIDES)]
        return [*_messages(chats, "conversations"), *_single(data, chats), *rest]
    plain = _plain(data, plan)
    return [Column("instruction", c.values) if c.name == "prompt" else c for c in plain]


LAYOUTS: dict[str, Layout] = {
    "trl": trl,
    "trl-conversational": trl_conversational,
    "trl-unpaired": trl_unpaired,
    "axolotl": axolotl,
    "llama-factory": llama_factory,
    "openrlhf": trl,
}
"""The layouts by name."""


def _are_chats(pairs: pd.DataFrame) -> bool:
    """Tell whether the pairs are messages; a dialogue text of ``Human:`` turns stays a text."""
    if "response_a_messages" not in pairs:
        return False
    dialogue = pairs["prompt"].fillna("").str.lstrip().str.startswith("Human:")
    return bool((pairs["response_a_messages"].notna() & ~dialogue).any())


def _plain(data: PreferenceData, plan: Plan) -> list[Column]:
    pairs = data.pairs
    first = data.labels["preference"].to_numpy() > 0.5
    chosen, rejected = _placed(pairs, "response", first)
    head = [Column("prompt", as_array(pairs["prompt"]))] if plan.prompt else []
    return [
        *head,
        Column("chosen", chosen),
        Column("rejected", rejected),
        *_beside(data, plan, first),
    ]


def _conversational(data: PreferenceData, plan: Plan) -> list[Column]:
    pairs = data.pairs
    first = data.labels["preference"].to_numpy() > 0.5
    sides = []
    for side in "ab":
        said = lists(_message("assistant", as_array(pairs[f"response_{side}"])))
        sides.append(_or_given(pairs, f"response_{side}_messages", said))
    mask = pa.array(first)
    head = []
    if plan.prompt:
        asked = lists(_message("user", as_array(pairs["prompt"])))
        known = pc.is_valid(as_array(pairs["prompt"]))
        prompt = pc.if_else(known, asked, pa.scalar("[]", pa.large_string()))
        head = [Column("prompt", _or_given(pairs, "prompt_messages", prompt), True)]
    chosen, rejected = pc.if_else(mask, *sides), pc.if_else(mask, *sides[::-1])
    return [*head, Column("chosen", chosen, True), Column("rejected", rejected, True),
            *_beside(data, plan, first)]  # fmt: skip


def _or_given(pairs: pd.DataFrame, name: str, made: pa.Array) -> pa.Array:
    """Return the messages that the data hold, and those that were made where they hold none."""
    return pc.coalesce(as_array(pairs[name]), made) if name in pairs else made


def _message(role: str, text: pa.Array) -> pa.Array:
    said = pa.array([f'"{role}"'] * len(text), pa.large_string())
    return objects([("role", said), ("content", json_texts(text))])


def _messages(chats: dict[str, Column], name: str) -> list[Column]:
    return [Column(name, chats["prompt"].values, True)] if "prompt" in chats else []


def _single(data: PreferenceData, chats: dict[str, Column]) -> list[Column]:
    """Return both responses as one message each."""
    found = []
    for name in _SIDES:
        texts = chats[name].values.to_pylist()
        several = [k for k, text in enumerate(texts) if len(json.loads(text)) > 1]
        if several:
            raise DataError(
                "The layout has one message for each response.",
                where=f"pair {data.pairs['pair_id'].iloc[several[0]]}",
                found=f"{len(several):,} responses of several messages",
                expected="one message from the assistant",
                fix="Write them as trl.",
            )
        found.append(Column(name, pc.utf8_slice_codeunits(chats[name].values, 1, -1), True))
    return found


def _placed(pairs: pd.DataFrame, base: str, first: Bools) -> tuple[pa.Array, pa.Array]:
    a, b = (as_array(pairs[f"{base}_{side}"]) for side in "ab")
    mask = pa.array(first)
    return pc.if_else(mask, a, b), pc.if_else(mask, b, a)


def _beside(data: PreferenceData, plan: Plan, first: Bools) -> list[Column]:
    """Return what stands beside the texts: margin and weight, then what loading reads back."""
    pairs, labels = data.pairs, data.labels
    found = [column("margin", labels["strength"])] if plan.margin else []
    found += [column("weight", labels["weight"])] if plan.weight else []
    if plan.models:
        models = _placed(pairs, "model", first)
        found += [Column(f"{s}_model", one) for s, one in zip(_SIDES, models, strict=True)]
    found += [column(name, labels[name]) for name in ("annotator", "kind")]
    found += [column("criterion", labels["criterion"])] if plan.criterion else []
    found += [column(name, pairs[name]) for name in plan.further]
    return [*found, Column("tools", as_array(pairs["tools"]), True)] if plan.tools else found
