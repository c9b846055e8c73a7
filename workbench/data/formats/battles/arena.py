"""Chatbot Arena votes: the field sets of the 33k, 55k, 100k and 140k releases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.messages import ChatPair, Message, as_messages, split_chats, whole_text
from workbench.data.formats.records import (
    Record,
    Unreadable,
    excerpt,
    flag,
    judgements,
    metadata,
    names,
    numbers,
    read_each,
    require,
    sided,
    texts,
    values,
    with_columns,
)

_WINNERS = {
    "model_a": (1.0, None),
    "model_b": (0.0, None),
    "tie": (0.5, "tie"),
    "tie (inconsistent)": (0.5, "tie"),
    "tie (bothbad)": (0.5, "both_bad"),
    "both_bad": (0.5, "both_bad"),
    "bothbad": (0.5, "both_bad"),
}
_ONE_HOT = {"winner_model_a": "model_a", "winner_model_b": "model_b", "winner_tie": "tie"}
_CHATS = ("conversation_a", "conversation_b")
_TURNS = ("prompt", "response_a", "response_b")
_COPIES = ("full_conversation", "openai_moderation", "toxic_chat_tag")
_USED = {
    "id", "question_id", "winner", "judge", "model_a", "model_b", "evaluation_session_id",
    *_ONE_HOT, *_CHATS, *_TURNS, *_COPIES,
}  # fmt: skip
_LLM_JUDGE = r"^(?:gpt|claude|gemini|llama|qwen|mistral|deepseek)"


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate votes.

    The Arena shows model A on the left, so the order is always A, B. Votes of one session,
    or of one visitor, are not independent: ``cluster`` is the session, else the visitor
    (``arena_user_*``). Judges of other names rated a shared set of questions (MT-Bench):
    they are annotators, and the prompt stays the cluster.
    """
    has_chats = set(_CHATS) <= set(records.column_names)
    require(records, ("model_a", "model_b", *(_CHATS if has_chats else _TURNS)), "Arena data")
    frame, left_out = metadata(records, _USED)
    frame = sided(frame)
    frame["source_id"] = names(records, "id").fillna(names(records, "question_id"))
    frame["model_a"], frame["model_b"] = names(records, "model_a"), names(records, "model_b")
    judge = names(records, "judge")
    frame["annotator"] = options.get("annotator") or judge.fillna("human")
    is_llm = judge.str.contains(_LLM_JUDGE, case=False).fillna(False).astype(bool)
    frame["kind"] = options.get("kind") or np.where(is_llm, "llm", "human")
    visitor = judge.where(judge.str.startswith("arena_user").fillna(False).astype(bool))
    frame["cluster"] = names(records, "evaluation_session_id").fillna(visitor)
    frame["order_shown"] = "ab"
    read, columns = (_read_chats, _CHATS) if has_chats else (_read_turns, _TURNS)
    pairs = read_each(read, *(values(records, name) for name in columns))
    pairs = with_columns(pairs, ChatPair._fields).astype("str")
    frame = pd.concat([frame, pairs], axis=1)
    _verdicts(frame, records)
    left_out += [name for name in _COPIES if name in records.column_names]
    return judgements(frame, first_row, {"columns_left_out": ", ".join(left_out)})


def _verdicts(frame: pd.DataFrame, records: pa.Table) -> None:
    if "winner" in records.column_names:
        winner = texts(records, "winner")
        shown = [f"winner: {excerpt(value)}" for value in values(records, "winner")]
    else:
        hot = np.column_stack([_hot(records, name) for name in _ONE_HOT])
        winner = pd.Series(np.array(list(_ONE_HOT.values()))[hot.argmax(axis=1)], dtype="str")
        winner = winner.mask(hot.sum(axis=1) != 1)
        shown = [", ".join(n for n, on in zip(_ONE_HOT, row, strict=True) if on) for row in hot]
        shown = [f"winners: {text or 'none'}" for text in shown]
    known = winner.isin(list(_WINNERS))
    frame["preference"] = winner.map({k: v[0] for k, v in _WINNERS.items()}).astype("float64")
    frame["reason"] = winner.map({k: v[1] for k, v in _WINNERS.items()}).astype("str")
    flag(frame, ~known.to_numpy(), "unknown label", shown)


def _hot(records: pa.Table, name: str) -> np.ndarray:
    """Return a column of a one-hot label; as text it is 0 and 1, or true and false."""
    words = names(records, name).str.lower()
    return np.asarray(words.isin(["true"]).to_numpy() | (numbers(records, name) == 1))


def _read_chats(a: Any, b: Any) -> Record:
    chats = []
    for name, side in zip(_CHATS, (a, b), strict=True):
        messages = as_messages(side)
        if messages is None:
            raise Unreadable(f"{name}: {excerpt(side)}")
        chats.append(messages)
    return split_chats(*chats)._asdict()


def _read_turns(prompt: Any, a: Any, b: Any) -> Record:
    asked = _turns("prompt", prompt)
    chats = []
    for name, side in (("response_a", a), ("response_b", b)):
        said = _turns(name, side)
        if len(said) != len(asked):
            raise Unreadable(f"{len(asked)} turns in prompt, {len(said)} in {name}")
        chat: list[Message] = []
        for question, answer in zip(asked, said, strict=True):
            chat.append({"role": "user", "content": question})
            chat.append({"role": "assistant", "content": answer})
        chats.append(chat)
    return split_chats(*chats)._asdict()


def _turns(name: str, value: Any) -> list[str]:
    """Return the turns of a list of texts or its JSON; a missing turn is empty."""
    turns = value
    if isinstance(value, str):
        try:
            turns = json.loads(value) if value.lstrip().startswith("[") else [value]
        except (ValueError, RecursionError):
            turns = None
    if not isinstance(turns, list) or not turns:
        raise Unreadable(f"{name}: {excerpt(value)}")
    if not all(turn is None or isinstance(turn, str) for turn in turns):
        raise Unreadable(f"{name}: {excerpt(value)}")
    return [whole_text(turn or "") for turn in turns]


def _columns(columns: list[str], options: Mapping[str, Any]) -> list[str]:
    """Leave unread what repeats the conversations or scores them for moderation."""
    return [name for name in columns if name not in _COPIES]


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    have = set(columns)
    if not {"model_a", "model_b"} <= have:
        return False
    return {"winner", *_CHATS} <= have or {*_ONE_HOT, *_TURNS} <= have


FORMAT = Format(
    "arena", "Chatbot Arena votes (33k, 55k, 100k, 140k)", _recognise, _translate, _columns
)
