"""Community Alignment: a choice of one of four replies, in up to four turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.battles.compared import by_choice, nobody, table, unread
from workbench.data.formats.messages import Message, render, to_json, whole_text
from workbench.data.formats.records import Record, excerpt

_TURNS = ("first", "second", "third", "fourth", "fifth", "sixth")
_LETTERS = "abcdefgh"
_SETTINGS = {"rule": "a choice of one of n replies: it is preferred to each of the others"}


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate conversations, each a row with columns for every turn.

    Replies that were not chosen are not compared with each other. The chosen one goes on into
    the prompt of the next turn. The letters need not be the places shown.
    """
    rows: list[Record] = []
    for row, record in enumerate(records.to_pylist(), start=first_row):
        person = record.get("annotator_id")
        common = {
            "row": row,
            "annotator": options.get("annotator") if person is None else str(person),
            "kind": options.get("kind") or "human",
            "cluster": str(record["conversation_id"]),
        }
        judged = list(_conversation(row, record)) or [nobody(row, "no turn with a prompt")]
        rows += [{**common, **judgement} for judgement in judged]
    used = {name for name in records.column_names if name.startswith(_starts())}
    return table(rows, records, first_row, used | {"annotator_id"}, _SETTINGS)


def _starts() -> tuple[str, ...]:
    return tuple(f"{turn}_turn_" for turn in _TURNS)


def _conversation(row: int, record: Record) -> Iterator[Record]:
    history: list[Message] = []
    for number, start in enumerate(_starts(), start=1):
        asked = record.get(f"{start}prompt")
        if not isinstance(asked, str):
            continue
        history = [*history, {"role": "user", "content": whole_text(asked)}]
        replies = {
            letter: whole_text(text)
            for letter in _LETTERS
            if isinstance(text := record.get(f"{start}response_{letter}"), str)
        }
        choice = record.get(f"{start}preferred_response")
        if choice is None or not str(choice).strip():
            yield nobody(row, f"{start}preferred_response: {excerpt(choice)}")
            continue
        chosen = str(choice).strip().lower()[-1]
        if chosen not in replies or len(replies) < 2:
            found = f"{start}preferred_response: {excerpt(choice)}"
            yield unread(row, found, "unknown label")
            continue
        about = {
            "turn": number,
            "feedback": record.get(f"{start}feedback"),
            "prompt": render(history),
            "prompt_messages": to_json(history),
        }
        sides = [_side(letter, text) for letter, text in replies.items()]
        for pair in by_choice(sides, list(replies).index(chosen)):
            yield {**about, **pair}
        history = [*history, {"role": "assistant", "content": replies[chosen]}]


def _side(letter: str, text: str) -> Record:
    messages = to_json([{"role": "assistant", "content": text}])
    return {"response": text, "response_messages": messages, "letter": letter}


def _recognise(columns: list[str], _: list[dict[str, Any]]) -> bool:
    wanted = ("prompt", "preferred_response", "response_a", "response_b")
    return {"conversation_id", *(f"first_turn_{name}" for name in wanted)} <= set(columns)


FORMAT = Format(
    "community_alignment",
    "Community Alignment (choice of one of four, by turn)",
    _recognise,
    _translate,
    whole=True,
)
