"""PRISM: people who rated the replies of up to four models, turn by turn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.battles.compared import by_number, nobody, table, unread
from workbench.data.formats.messages import Message, render, to_json, whole_text
from workbench.data.formats.printed import nested
from workbench.data.formats.records import Record, excerpt
from workbench.data.formats.single import number

_UTTERANCES = {
    "interaction_id", "conversation_id", "user_id", "user_prompt", "model_response", "score",
}  # fmt: skip
_UTTERANCE_ONLY = {
    "utterance_id", "within_turn_id", "turn", "model_name", "model_provider", "if_chosen",
}  # fmt: skip
_CONVERSATIONS = {"conversation_history", "conversation_id", "user_id"}
_SETTINGS = {"rule": "within a turn the reply with the higher score is preferred, equal is a tie"}


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate utterances (a rated reply a row) or whole conversations.

    Replies are compared within a turn of a conversation: one person rated them side by side.
    The reply that the person chose goes on into the prompt of the next turn; ``if_chosen`` is
    kept beside the scores, from which it may differ.
    """
    read, used = _utterances, _UTTERANCES | _UTTERANCE_ONLY
    if "conversation_history" in records.column_names:
        read, used = _conversations, _CONVERSATIONS
    rows = read(records.to_pylist(), first_row)
    kind = options.get("kind") or "human"
    judged = [{"kind": kind, **row} for row in rows]
    return table(judged, records, first_row, used, _SETTINGS)


def _utterances(records: list[Record], first_row: int) -> Iterator[Record]:
    """Yield judgements of rated replies: those of a conversation may stand apart in the file."""
    conversations: dict[Any, dict[Any, list[Record]]] = {}
    for row, record in enumerate(records, start=first_row):
        turns = conversations.setdefault(record["conversation_id"], {})
        turns.setdefault(record["interaction_id"], []).append({**record, "row": row})
    for turns in conversations.values():
        history: list[Message] = []
        for replies in sorted(turns.values(), key=lambda r: number(r[0].get("turn"))):
            first = replies[0]
            replies = [{**reply, "content": reply["model_response"]} for reply in replies]
            yield from _turn(first, first["user_prompt"], replies, history)


def _conversations(records: list[Record], first_row: int) -> Iterator[Record]:
    for row, record in enumerate(records, start=first_row):
        yield from _conversation(row, record)


def _conversation(row: int, record: Record) -> Iterator[Record]:
    """Yield judgements of a conversation that holds the history of its turns."""
    said = nested(record["conversation_history"])
    if not isinstance(said, list) or not all(isinstance(message, dict) for message in said):
        yield unread(row, f"conversation_history: {excerpt(said)}")
        return
    turns: dict[Any, list[Record]] = {}
    for message in said:
        turns.setdefault(message.get("turn"), []).append({**message, "row": row})
    history: list[Message] = []
    for turn, messages in sorted(turns.items(), key=lambda item: number(item[0])):
        asked = next((m["content"] for m in messages if m.get("role") == "user"), None)
        replies = [message for message in messages if message.get("role") == "model"]
        yield from _turn({**record, "turn": turn, "row": row}, asked, replies, history)


def _turn(
    about: Record, asked: Any, replies: list[Record], history: list[Message]
) -> Iterator[Record]:
    """Yield the judgements of one turn, and add it to the history as it went on."""
    told = isinstance(asked, str)
    prompt = [*history, {"role": "user", "content": whole_text(asked)}] if told else history
    turn = about.get("turn")
    common = {
        "prompt": render(prompt),
        "prompt_messages": to_json(prompt),
        "item": f"{about['conversation_id']}, turn {turn}",
        "cluster": str(about["conversation_id"]),
        "annotator": None if about["user_id"] is None else str(about["user_id"]),
        "turn": turn,
    }
    rated = [reply for reply in replies if isinstance(reply.get("content"), str)]
    scores = [number(reply.get("score")) for reply in rated]
    for reply, score in zip(rated, scores, strict=True):
        if score != score:
            yield nobody(reply["row"], f"score {excerpt(reply.get('score'))}")
    if sum(score == score for score in scores) == 1:
        yield nobody(about["row"], "a single rated reply in its turn")
    for pair in by_number([_side(reply) for reply in rated], scores, lower_is_better=False):
        rows = {"row": max(pair.pop("row_a"), pair.pop("row_b"))}
        strength = abs(pair["score_a"] - pair["score_b"])
        yield {**rows, **common, **pair, "strength": strength}
    chosen = next((reply for reply in rated if _flag(reply.get("if_chosen")) == 1), None)
    history[:] = prompt
    if chosen is not None:
        history.append({"role": "assistant", "content": whole_text(chosen["content"])})


def _side(reply: Record) -> Record:
    content = whole_text(reply["content"])
    return {
        "row": reply["row"],
        "response": content,
        "response_messages": to_json([{"role": "assistant", "content": content}]),
        "model": reply.get("model_name"),
        "score": number(reply.get("score")),
        "if_chosen": _flag(reply.get("if_chosen")),
        "within_turn_id": number(reply.get("within_turn_id")),
    }


def _flag(value: Any) -> float:
    """Return a flag as 1 or 0, however a file writes it; NaN where there is none."""
    if isinstance(value, str):
        return {"true": 1.0, "1": 1.0, "false": 0.0, "0": 0.0}.get(value.lower(), math.nan)
    return math.nan if value is None else float(value)


def _recognise(columns: list[str], _: list[dict[str, Any]]) -> bool:
    have = set(columns)
    return have >= _UTTERANCES or have >= _CONVERSATIONS


FORMAT = Format("prism", "PRISM (utterances or conversations)", _recognise, _translate, whole=True)
