"""Prompt, chosen and rejected response of each record, text or messages."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.data.formats.message_parts import clean, media_name
from workbench.data.formats.messages import (
    Message,
    as_messages,
    common_prefix,
    dialogue,
    end_of,
    looks_like_messages,
    media_of,
    split_chats,
    to_json,
    tools_shown,
    turns_of,
)
from workbench.data.formats.printed import nested
from workbench.data.formats.records import (
    Record,
    Unreadable,
    excerpt,
    flag_missing_text,
    is_text,
    read_each,
    texts,
    values,
    with_columns,
)
from workbench.data.formats.training.columns import Columns
from workbench.shared_start import shared_start

_SIDES = ("prompt", "chosen", "rejected")
_TURN = "\n\nAssistant:"
_OPENS = r"^\s*(?:[\[{(]|array\(|Row\()"


def read_sides(records: pa.Table, columns: Columns | None = None) -> pd.DataFrame:
    """Return prompt, chosen and rejected of each record as text, chats also as messages.

    Parameters
    ----------
    records : pyarrow.Table
    columns : Columns, optional
        Which columns hold what; ``chosen``, ``rejected`` and ``prompt`` by their names when
        None. Without a prompt it is the start that both sides share: whole messages, or text
        up to the last common ``Assistant:`` turn (the prompt is then cut off both sides).

    Returns
    -------
    DataFrame
        ``prompt, chosen, rejected``, ``*_messages`` where there are chats, ``media`` where
        there are any, ``tools`` as JSON where the model had any, ``problem`` and ``found``
        where a record could not be read.
    """
    if columns is None:
        prompt = "prompt" if "prompt" in records.column_names else None
        columns = Columns("chosen", "rejected", prompt)
    frame = pd.DataFrame(
        {
            "prompt": _asked(records, columns),
            "chosen": texts(records, columns.chosen),
            "rejected": texts(records, columns.rejected),
        }
    )
    with_columns(frame, ("problem", "found"))
    chats = np.flatnonzero(_maybe_chat(records, columns, frame))
    if len(chats):
        frame = _with_chats(frame, records, columns, chats)
    _with_dialogues(frame, _cut_shared_prompt(frame))
    # an empty prompt is no prompt: pairs must not be taken for answers to one question
    frame["prompt"] = frame["prompt"].mask(frame["prompt"] == "")
    _add_media(frame, records, columns)
    _add_tools(frame, records, columns)
    flag_missing_text(frame, records, {"chosen": columns.chosen, "rejected": columns.rejected})
    return frame


def _asked(records: pa.Table, columns: Columns) -> pd.Series:
    """Return the prompt's text, an instruction with its input below."""
    asked = texts(records, columns.prompt or "")
    if columns.input is None:
        return asked
    more = texts(records, columns.input)
    joined = asked + "\n" + more
    return joined.where(asked.notna() & more.notna() & (more.str.strip() != ""), asked)


def _maybe_chat(records: pa.Table, columns: Columns, frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the records that hold messages, or text that may be the print of messages."""
    marked = np.zeros(len(records), dtype=bool)
    apart = {columns.system, columns.history, columns.messages} - {None}
    for name in {columns.chosen, columns.rejected, *columns.before} - {None}:
        column = records.column(name)
        if not is_text(column.type):
            marked |= np.asarray(pc.is_valid(column))
        elif name in apart:
            trimmed = pc.utf8_trim_whitespace(column.cast(pa.large_string()))
            marked |= np.asarray(pc.fill_null(pc.not_equal(trimmed, ""), False))
        else:
            found = pc.match_substring_regex(column.cast(pa.large_string()), _OPENS)
            marked |= np.asarray(pc.fill_null(found, False))
    if frame["prompt"].notna().any():
        marked |= frame["prompt"].notna().to_numpy() & _begins(frame, "chosen")
    return marked


def _begins(frame: pd.DataFrame, name: str) -> NDArray[np.bool_]:
    """Tell which texts of a column begin a dialogue of their own."""
    said = pa.array(frame[name], pa.large_string(), from_pandas=True)
    return np.asarray(pc.fill_null(pc.match_substring_regex(said, r"^\s*Human:"), False))


def _with_chats(
    frame: pd.DataFrame, records: pa.Table, columns: Columns, rows: NDArray[np.intp]
) -> pd.DataFrame:
    part = records.take(pa.array(rows))
    cells = [values(part, name or "") for name in columns.before]
    read = read_each(
        _read_chat, *cells, values(part, columns.chosen), values(part, columns.rejected)
    )
    read.index = pd.Index(rows)
    with_columns(frame, read.columns)
    for name in read.columns:
        column = frame[name].astype(object)
        column.iloc[rows] = read[name].astype(object)
        frame[name] = column.astype("str")
    return frame


def _read_chat(
    system: Any, history: Any, earlier: Any, prompt: Any, more: Any, chosen: Any, rejected: Any
) -> Record:
    sides = [_said("chosen", chosen), _said("rejected", rejected)]
    asked = None if prompt is None else _said("prompt", prompt)
    before = [*_system(system), *_history(history), *_earlier(earlier, sides)]
    plain = not before and all(isinstance(side, str) for side in sides)
    if isinstance(asked, str) and isinstance(more, str) and more.strip():
        asked = prompt = f"{asked}\n{more}"
    if plain and (asked is None or (isinstance(prompt, str) and _is_plain(prompt, asked))):
        return {"prompt": prompt, "chosen": sides[0], "rejected": sides[1]}
    if isinstance(asked, str):
        asked = [{"role": "user", "content": asked}] if asked.strip() else []
    before += asked or []
    one, other = map(_answer, sides)
    return _split(before, *_levelled(one, other, before))


def _split(before: list[Message], chosen: list[Message], rejected: list[Message]) -> Record:
    pair = split_chats(chosen, rejected, before)
    n = common_prefix(chosen, rejected)
    media = {
        "media": _joined([*media_of(before), *media_of(chosen[:n])]),
        "chosen_media": _joined(media_of(chosen[n:])),
        "rejected_media": _joined(media_of(rejected[n:])),
    }
    return {
        "prompt": pair.prompt,
        "chosen": pair.response_a,
        "rejected": pair.response_b,
        "prompt_messages": pair.prompt_messages,
        "chosen_messages": pair.response_a_messages,
        "rejected_messages": pair.response_b_messages,
        **(media if any(media.values()) else {}),
    }


def _said(name: str, value: Any) -> str | list[Message]:
    messages = as_messages(value)
    if messages is not None:
        return messages
    if not isinstance(value, str) or looks_like_messages(value):
        raise Unreadable(f"{name}: {excerpt(value)}")
    return value


def _is_plain(prompt: str, asked: str | list[Message] | None) -> bool:
    """Tell whether a prompt stays as it is: prose, or turns of a dialogue text."""
    return isinstance(asked, str) or dialogue(prompt) is not None


def _system(value: Any) -> list[Message]:
    if value is None or (isinstance(value, str) and not value.strip()):
        return []
    said = _said("system", value)
    return [{"role": "system", "content": said}] if isinstance(said, str) else said


def _history(value: Any) -> list[Message]:
    """Return earlier questions and answers, in twos or as messages."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return []
    turns = clean(nested(value))
    if isinstance(turns, list) and all(_is_turn(turn) for turn in turns):
        roles = ("user", "assistant")
        return [
            {"role": role, "content": text}
            for turn in turns
            for role, text in zip(roles, turn, strict=True)
            if text
        ]
    said = _said("history", value)
    return [{"role": "user", "content": said}] if isinstance(said, str) else said


def _is_turn(turn: Any) -> bool:
    return isinstance(turn, list) and len(turn) == 2 and all(isinstance(t, str) for t in turn)


def _earlier(value: Any, sides: list[str | list[Message]]) -> list[Message]:
    """Return the conversation before the responses, not a copy of one with its response."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return []
    said = _said("messages", value)
    said = [{"role": "user", "content": said}] if isinstance(said, str) else said
    return [] if said in sides else said


def _answer(side: str | list[Message]) -> list[Message]:
    return [{"role": "assistant", "content": side}] if isinstance(side, str) else side


def _levelled(
    one: list[Message], other: list[Message], before: list[Message]
) -> tuple[list[Message], list[Message]]:
    """Put what a whole conversation answers before a response that stands alone.

    Both answer the prompt where the file has one: its repeat alone is put before the other.
    """
    last = [max((i + 1 for i, m in enumerate(c) if m["role"] == "user"), default=0)
            for c in (one, other)]  # fmt: skip
    if bool(last[0]) == bool(last[1]):
        return one, other
    whole, alone = (one, other) if last[0] else (other, one)
    asked = [message for message in before if message["role"] != "system"]
    shown = whole[: end_of(asked, whole) if asked else max(last)]
    return (whole, [*shown, *alone]) if last[0] else ([*shown, *alone], whole)


def _cut_shared_prompt(frame: pd.DataFrame) -> NDArray[np.intp]:
    """Cut the shared dialogue off texts that come without a prompt, in place; tell where."""
    whole = frame["prompt"].isna() & frame["chosen"].notna() & frame["rejected"].notna()
    if "chosen_messages" in frame:
        whole &= frame["chosen_messages"].isna()
    rows = np.flatnonzero(whole)
    if not len(rows):
        return rows
    sides = [frame[name].iloc[rows].tolist() for name in ("chosen", "rejected")]
    cut = [_cut(chosen, rejected) for chosen, rejected in zip(*sides, strict=True)]
    for name, part in zip(_SIDES, zip(*cut, strict=True), strict=True):
        new = pd.Series(part, dtype="str", index=rows)
        frame[name] = new if len(rows) == len(frame) else new.combine_first(frame[name])
    return rows[[prompt is not None for prompt, _, _ in cut]]


def _cut(chosen: str, rejected: str) -> tuple[str | None, str, str]:
    """Return prompt and responses of two dialogues with ``Assistant:`` turns."""
    at = chosen.rfind(_TURN)
    if at >= 0 and not rejected.startswith(chosen[: at + len(_TURN)]):
        at = chosen.rfind(_TURN, 0, shared_start(chosen, rejected))
    if at >= 0:
        end = at + len(_TURN)
        return chosen[:at].strip() or None, chosen[end:].strip(), rejected[end:].strip()
    head = _TURN.lstrip()
    if chosen.startswith(head) and rejected.startswith(head):
        return None, chosen[len(head) :].strip(), rejected[len(head) :].strip()
    return None, chosen, rejected


def _with_dialogues(frame: pd.DataFrame, cut: NDArray[np.intp]) -> None:
    """Add the messages of dialogue texts, in place; their text stays as the file has it."""
    begins = _begins(frame, "prompt")
    if not begins.any():
        return
    begins = begins & frame[["chosen", "rejected"]].notna().all(axis=1).to_numpy()
    if "chosen_messages" in frame:
        begins &= frame["chosen_messages"].isna().to_numpy()
    at = np.flatnonzero(begins)
    known = np.isin(at, cut)
    rows = [
        row
        for row, told, text in zip(at, known, frame["prompt"].iloc[at], strict=True)
        if told or dialogue(text) is not None
    ]
    for name in _SIDES if rows else ():
        first = "user" if name == "prompt" else "assistant"
        said = [to_json(turns_of(text, first)) for text in frame[name].iloc[rows].tolist()]
        column = f"{name}_messages"
        with_columns(frame, (column,))
        frame[column] = pd.Series(said, dtype="str", index=rows).combine_first(frame[column])


def _add_media(frame: pd.DataFrame, records: pa.Table, columns: Columns) -> None:
    """Add what the columns of media name to what the messages hold, in place."""
    for name in columns.media:
        shown = [_joined(_names(value)) for value in values(records, name)]
        if any(shown):
            with_columns(frame, ("media",))
            held = frame["media"].astype(object).where(frame["media"].notna(), None)
            both = [_joined([*_lines(a), *_lines(b)]) for a, b in zip(held, shown, strict=True)]
            frame["media"] = pd.Series(both, dtype="str", index=frame.index)


def _names(value: Any) -> list[str]:
    found = nested(value)
    items = found if isinstance(found, list) else [value if found is None else found]
    return [name for name in map(media_name, items) if name is not None]


def _lines(text: str | None) -> list[str]:
    return text.split("\n") if text else []


def _joined(names: list[str]) -> str | None:
    return "\n".join(dict.fromkeys(names)) or None


def _add_tools(frame: pd.DataFrame, records: pa.Table, columns: Columns) -> None:
    """Add the tools as JSON, and put them before the prompt that they belong to, in place."""
    if columns.tools is not None:
        given = values(records, columns.tools)
    elif "tools" in _fields(records, columns.prompt):
        given = [(value or {}).get("tools") for value in values(records, columns.prompt or "")]
    else:
        return
    found = [_tools(value) for value in given]
    if any(one is not None for one in found):
        # chat templates print tools in the order that they are written in
        kept = [one if one is None or isinstance(one, str) else json.dumps(one, ensure_ascii=False)
                for one in found]  # fmt: skip
        frame["tools"] = pd.Series(kept, dtype="str", index=frame.index)
        shown = pd.Series([tools_shown(one) for one in kept], dtype="str", index=frame.index)
        joined = (shown + "\n\n" + frame["prompt"]).fillna(shown)
        frame["prompt"] = joined.where(shown.notna(), frame["prompt"])


def _tools(value: Any) -> str | list[Any] | None:
    found = clean(nested(value))
    found = [found] if isinstance(found, dict) else found
    if isinstance(found, list):
        return [nested(one) for one in found] or None
    return value if isinstance(value, str) and value.strip() else None


def _fields(records: pa.Table, name: str | None) -> list[str]:
    if name is None or not pa.types.is_struct(records.schema.field(name).type):
        return []
    return [field.name for field in records.schema.field(name).type]
