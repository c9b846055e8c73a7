"""Chatbot Arena votes: the field sets of the 33k, 55k, 100k and 140k releases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.records import Record, Unreadable, conversations, scalars, translate

_WINNERS = {
    "model_a": (1.0, None),
    "model_b": (0.0, None),
    "tie": (0.5, "tie"),
    "tie (bothbad)": (0.5, "both_bad"),
    "both_bad": (0.5, "both_bad"),
    "bothbad": (0.5, "both_bad"),
}
_ONE_HOT = {"winner_model_a": "model_a", "winner_model_b": "model_b", "winner_tie": "tie"}
_USED = {
    "id", "question_id", "winner", "judge", "conversation_a", "conversation_b", "prompt",
    "response_a", "response_b", "model_a", "model_b", "evaluation_session_id", *_ONE_HOT,
}  # fmt: skip


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    def read(record: Record) -> list[Record]:
        preference, reason = _verdict(record)
        session = record.get("evaluation_session_id") or record.get("judge")
        source = record.get("id", record.get("question_id"))
        return [
            {
                **scalars(record, _USED),
                **_pair(record),
                "source_id": None if source is None else str(source),
                "model_a": record.get("model_a"),
                "model_b": record.get("model_b"),
                "annotator": options.get("annotator") or record.get("judge") or "arena",
                "kind": options.get("kind") or "human",
                "preference": preference,
                "reason": reason,
                # the Arena shows model A on the left
                "order_shown": "ab",
                # votes of one session or of one user are not independent
                "cluster": None if session is None else str(session),
            }
        ]

    return translate(records, first_row, read)


def _verdict(record: Record) -> tuple[float, str | None]:
    winner = record.get("winner")
    if winner is None and "winner_tie" in record:
        hot = [name for column, name in _ONE_HOT.items() if record.get(column) in (1, True, "1")]
        winner = hot[0] if len(hot) == 1 else None
    if winner not in _WINNERS:
        raise Unreadable(f"winner: {winner}", "unknown label")
    return _WINNERS[winner]


def _pair(record: Record) -> Record:
    if record.get("conversation_a") is not None:
        return conversations(record["conversation_a"], record.get("conversation_b"))
    turns = {side: _turns(record.get(side)) for side in ("prompt", "response_a", "response_b")}
    sides = []
    for side in ("response_a", "response_b"):
        if len(turns[side]) != len(turns["prompt"]):
            raise Unreadable(f"{len(turns['prompt'])} prompts, {len(turns[side])} of {side}")
        chat = []
        for asked, said in zip(turns["prompt"], turns[side], strict=True):
            chat += [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
        sides.append(chat)
    return conversations(*sides)


def _turns(value: Any) -> list[str]:
    """Return the turns of a JSON list of texts; a turn without text is empty."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = [value]
    if not isinstance(value, list) or not all(isinstance(t, (str, type(None))) for t in value):
        raise Unreadable(value)
    return [turn or "" for turn in value]


def _recognise(columns: list[str], _: list[dict[str, Any]]) -> bool:
    have = set(columns)
    if not {"model_a", "model_b"} <= have:
        return False
    chats = {"winner", "conversation_a", "conversation_b"} <= have
    return chats or {*_ONE_HOT, "prompt", "response_a", "response_b"} <= have


FORMAT = Format("arena", "Chatbot Arena votes (33k, 55k, 100k, 140k)", _recognise, _translate)
