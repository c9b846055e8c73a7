"""The human judgements of MT-Bench, and GPT-4's on the same questions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.battles.judges import kinds_of
from workbench.data.formats.battles.winners import ask, read_winners
from workbench.data.formats.messages import ChatPair, Message, as_messages, split_chats
from workbench.data.formats.printed import nested
from workbench.data.formats.records import (
    Record,
    Unreadable,
    excerpt,
    judgements,
    metadata,
    names,
    numbers,
    read_each,
    values,
    with_columns,
)

_NEEDED = ("question_id", "model_a", "model_b", "winner", "judge", "turn")
_CHATS = ("conversation_a", "conversation_b")
_JUDGE = re.compile(r"(?:expert|author)_\d+|gpt-?4.*", re.IGNORECASE)


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate votes on one turn of a question.

    Every row holds the whole dialogue, and ``turn`` says how much of it was judged: 1 the
    first answers, 2 all of it. So the turn is part of what was compared. The sides were
    shuffled, so that A need not have been shown first.
    """
    frame, left_out = metadata(records, {*_NEEDED, *_CHATS} - {"turn"})
    question, turn = names(records, "question_id"), numbers(records, "turn")
    frame["item"] = [
        f"question {q}, turn {t:g}" for q, t in zip(question.fillna("?"), turn, strict=True)
    ]
    frame["cluster"] = question
    frame["model_a"], frame["model_b"] = names(records, "model_a"), names(records, "model_b")
    judge = names(records, "judge")
    frame["annotator"] = judge.fillna(options.get("annotator") or "human")
    frame["kind"] = options.get("kind") or kinds_of(judge, "human")
    verdicts = read_winners(names(records, "winner"), frame["model_a"], frame["model_b"])
    frame = pd.concat([frame, verdicts], axis=1)
    if set(_CHATS) <= set(records.column_names):
        read = read_each(_read, *(values(records, name) for name in _CHATS), list(turn))
        pairs = with_columns(read, ChatPair._fields)
        frame = pd.concat([frame.drop(columns=["problem", "found"]), pairs.astype("str")], axis=1)
        for name in ("problem", "found"):
            frame[name] = frame[name].fillna(verdicts[name])
    notes = ask(frame, names(records, "winner"), "winner")
    frame = judgements(frame, first_row, {"columns_left_out": ", ".join(left_out)})
    frame.attrs["notes"] = notes
    return frame


def _read(a: Any, b: Any, turn: float) -> Record:
    chats = []
    for name, side in zip(_CHATS, (a, b), strict=True):
        messages = as_messages(nested(side))
        if messages is None:
            raise Unreadable(f"{name}: {excerpt(side)}")
        chats.append(_judged(messages, turn))
    return split_chats(*chats)._asdict()


def _judged(messages: list[Message], turn: float) -> list[Message]:
    """Return a dialogue up to the answer of a turn; all of it where the turn is open."""
    answers = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
    if not 1 <= turn <= len(answers):
        return messages
    return messages[: answers[int(turn) - 1] + 1]


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    if not set(_NEEDED) <= set(columns):
        return False
    judges = {str(record["judge"]) for record in records}
    return bool(judges) and all(_JUDGE.fullmatch(judge) for judge in judges)


FORMAT = Format(
    "mt_bench_human", "MT-Bench judgements of people", _recognise, _translate, whole=True
)
