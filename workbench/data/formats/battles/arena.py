"""Votes of the Chatbot Arena and its kin: texts, expert prompts, search, vision, web pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.battles.judges import SAID, kinds_of, say, visitors, vote_ids
from workbench.data.formats.battles.media import joined, media_names, media_of
from workbench.data.formats.battles.winners import ask, read_winners
from workbench.data.formats.messages import ChatPair, Message, as_messages, split_chats, whole_text
from workbench.data.formats.printed import nested
from workbench.data.formats.records import (
    Record,
    Unreadable,
    excerpt,
    flag,
    flag_missing_text,
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

_ONE_HOT = {"winner_model_a": "model_a", "winner_model_b": "model_b", "winner_tie": "tie"}
_CHATS = (("conversation_a", "conversation_b"), ("messages_a", "messages_b"))
_TURNS = ("prompt", "response_a", "response_b")
_PLAIN = ("prompt", "response_1", "response_2")
_PLAIN_FILE = {"question_id", "winner", *_PLAIN}
_COPIES = ("full_conversation", "openai_moderation", "toxic_chat_tag")
_VOTERS = ("judge", "judge_hash", "user_id", "user")
_NAMED = ("annotator", "annotator_id", "rater", "worker")
_MARKS = ("anony", "judge_hash", "evaluation_session_id", "conv_metadata", "full_conversation",
          "openai_moderation", "toxic_chat_tag", "occupational_tags", "system_a_metadata",
          "images", *_ONE_HOT)  # fmt: skip
"""Columns that only the Arena's own files have: people voted, and A stood on the left."""
_IMAGES = ("images", "image")
_PART = 10_000
_TAGS = "occupational_tags"
_USED = {
    "id", "question_id", "winner", "model_a", "model_b", "evaluation_session_id",
    *_VOTERS, *_NAMED, *SAID, *_ONE_HOT, *_CHATS[0], *_CHATS[1],
    *_TURNS, *_PLAIN, *_COPIES, *_IMAGES,
}  # fmt: skip


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate votes.

    The Arena shows model A on the left, so the order of its own files is A, B, and visitors
    judged; another table in their form says who judged and in which order, or nobody knows.
    Votes of one session, or of one visitor, are not independent: ``cluster`` is the session,
    else the visitor.
    Judges who rated a shared set of questions are annotators, and the prompt stays the
    cluster.
    """
    columns = set(records.column_names)
    sides = next((pair for pair in _CHATS if set(pair) <= columns), None)
    where: tuple[str, ...] = sides or (_PLAIN if _is_plain(columns) else _TURNS)
    require(records, ("model_a", "model_b", *where), "Arena data")
    frame, left_out = metadata(records, _USED)
    frame = sided(frame)
    own = _of_the_arena(records, where)
    ids = names(records, "id").fillna(names(records, "question_id"))
    # elsewhere a question's id is shared by all who judged it
    frame["row_id"] = ids.where(own, vote_ids(names(records, "id")))
    frame["source_id"] = ids
    frame["model_a"], frame["model_b"] = names(records, "model_a"), names(records, "model_b")
    _voters(frame, records, own)
    frame["order_shown"] = pd.Series("ab", index=frame.index, dtype="str").where(own)
    frame["scenario"] = pd.Series([_tags(tags) for tags in values(records, _TAGS)], dtype="str")
    say(frame, records)
    frame["kind"] = options.get("kind") or frame["kind"]
    people = pd.Series("human", index=frame.index, dtype="str").where(own)
    frame["annotator"] = frame["annotator"].fillna(options.get("annotator") or people)
    # in parts: a million conversations as Python objects would not fit
    parts = [
        _texts(records.slice(at, _PART), where) for at in range(0, max(len(records), 1), _PART)
    ]
    frame = pd.concat([frame, pd.concat(parts, ignore_index=True)], axis=1)
    frame = frame.drop(columns=[c for c in ("media", "media_a", "media_b") if _empty(frame, c)])
    _verdicts(frame, records)
    left_out += [name for name in _COPIES if name in records.column_names]
    notes = ask(frame, names(records, "winner"), "winner") if "winner" in columns else []
    frame = judgements(frame, first_row, {"columns_left_out": ", ".join(left_out)})
    frame.attrs["notes"] = notes
    return frame


def _empty(frame: pd.DataFrame, column: str) -> bool:
    return column in frame and bool(frame[column].isna().all())


def _of_the_arena(records: pa.Table, where: tuple[str, ...]) -> pd.Series:
    """Tell which records bear a mark of the Arena, or are votes of a release without any."""
    have = set(records.column_names)
    own = visitors(names(records, "judge")).notna().astype(bool)
    for name in (name for name in _MARKS if name in have):
        own |= pd.Series(records.column(name).is_valid().to_numpy())
    said = have & {*_VOTERS, *_NAMED, *SAID}
    return own | (where == _PLAIN and not said)


def _voters(frame: pd.DataFrame, records: pa.Table, own: pd.Series) -> None:
    """Set annotator, kind and cluster."""
    voter = names(records, _NAMED[0])
    for name in (*_NAMED[1:], *_VOTERS):
        voter = voter.fillna(names(records, name))
    frame["annotator"] = voter
    people, others = (pd.Series(kinds_of(voter, kind)) for kind in ("human", "unknown"))
    frame["kind"] = people.where(own, others).astype("str")
    known = visitors(names(records, "judge"))
    if set(_CHATS[1]) <= set(records.column_names):
        # every judge of the search arena is a visitor, by a hash of theirs
        known = known.fillna(names(records, "judge").where(own))
    cluster = names(records, "evaluation_session_id")
    for column in (names(records, "judge_hash"), known, *(names(records, v) for v in _VOTERS[2:])):
        cluster = cluster.fillna(column)
    frame["cluster"] = cluster.fillna(names(records, "question_id").mask(own))


def _texts(records: pa.Table, where: tuple[str, ...]) -> pd.DataFrame:
    """Return prompt and responses, as text and messages, and the media that they name."""
    if where == _PLAIN:
        frame = pd.DataFrame(
            {"prompt": texts(records, "prompt"), "response_a": texts(records, "response_1"),
             "response_b": texts(records, "response_2")}
        )  # fmt: skip
        flag_missing_text(frame, records, {"response_a": "response_1", "response_b": "response_2"})
        return frame
    images: list[list[str]] = [[]] * len(records)
    for name in (name for name in _IMAGES if name in records.column_names):
        images = [
            [*there, *media_names(value)]
            for there, value in zip(images, values(records, name), strict=True)
        ]
    read = _read_turns if where == _TURNS else _read_chats(where)
    pairs = read_each(read, *(values(records, name) for name in where), images)
    wanted = (*ChatPair._fields, "media", "media_a", "media_b")
    return with_columns(pairs, wanted).astype("str")


def _verdicts(frame: pd.DataFrame, records: pa.Table) -> None:
    if "winner" in records.column_names:
        winner = names(records, "winner")
        verdicts = read_winners(winner, frame["model_a"], frame["model_b"])
        frame[["preference", "reason", "raw"]] = verdicts[["preference", "reason", "raw"]]
        for problem in ("no judgement", "unknown label"):
            hit = (verdicts["problem"] == problem).fillna(False).to_numpy(bool)
            flag(frame, hit, problem, verdicts["found"])
        return
    hot = np.column_stack([_hot(records, name) for name in _ONE_HOT])
    winner = pd.Series(np.array(list(_ONE_HOT.values()))[hot.argmax(axis=1)], dtype="str")
    verdicts = read_winners(winner, frame["model_a"], frame["model_b"])
    frame[["preference", "reason"]] = verdicts[["preference", "reason"]]
    shown = [", ".join(n for n, on in zip(_ONE_HOT, row, strict=True) if on) for row in hot]
    flag(frame, hot.sum(axis=1) != 1, "unknown label", [f"winners: {t or 'none'}" for t in shown])


def _hot(records: pa.Table, name: str) -> np.ndarray:
    """Return a column of a one-hot label; as text it is 0 and 1, or true and false."""
    words = names(records, name).str.lower()
    return np.asarray(words.isin(["true"]).to_numpy() | (numbers(records, name) == 1))


def _read_chats(where: tuple[str, ...]) -> Any:
    def read(a: Any, b: Any, images: list[str]) -> Record:
        chats = []
        for name, side in zip(where, (a, b), strict=True):
            messages = as_messages(_flat(nested(side)))
            if messages is None:
                raise Unreadable(f"{name}: {excerpt(side)}")
            chats.append(messages)
        return _pair(chats, images)

    return read


def _flat(value: Any) -> Any:
    """Return messages without the list around each that the vision arena writes."""
    if isinstance(value, list) and value and isinstance(value[0], list):
        return [message for item in value if isinstance(item, list) for message in item]
    return value


def _read_turns(prompt: Any, a: Any, b: Any, images: list[str]) -> Record:
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
    return _pair(chats, images)


def _pair(chats: list[list[Message]], images: list[str]) -> Record:
    pair = split_chats(*chats)._asdict()
    if not images and all(isinstance(m.get("content"), str) for chat in chats for m in chat):
        return pair
    asked = [message for message in chats[0] if message["role"] != "assistant"]
    pair["media"] = joined([*images, *media_of(asked)])
    for side, chat in zip("ab", chats, strict=True):
        said = [message for message in chat if message["role"] == "assistant"]
        pair[f"media_{side}"] = joined(media_of(said))
    return pair


def _turns(name: str, value: Any) -> list[str]:
    """Return the turns of a list of texts, however it is written; a missing turn is empty."""
    turns = nested(value)
    if isinstance(turns, str) and not turns.lstrip().startswith("["):
        turns = [turns]
    if not isinstance(turns, list) or not turns:
        raise Unreadable(f"{name}: {excerpt(value)}")
    if not all(turn is None or isinstance(turn, str) for turn in turns):
        raise Unreadable(f"{name}: {excerpt(value)}")
    return [whole_text(turn or "") for turn in turns]


def _tags(value: Any) -> str | None:
    """Return the tags that are set, joined: a prompt of two occupations belongs to both."""
    tags = nested(value)
    if not isinstance(tags, dict):
        return None
    return ", ".join(str(tag) for tag, is_set in tags.items() if is_set is True) or None


def _columns(columns: list[str], options: Mapping[str, Any]) -> list[str]:
    """Leave unread what repeats the conversations or scores them for moderation."""
    return [name for name in columns if name not in _COPIES]


def _is_plain(columns: set[str]) -> bool:
    return columns >= _PLAIN_FILE


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    have = set(columns)
    if not {"model_a", "model_b"} <= have:
        return False
    chats = "winner" in have and any(set(pair) <= have for pair in _CHATS)
    return chats or {*_ONE_HOT, *_TURNS} <= have or _is_plain(have)


FORMAT = Format(
    "arena",
    "Arena votes (33k, 55k, 100k, 140k, expert, search, vision, web pages, PPE)",
    _recognise,
    _translate,
    _columns,
    whole=True,
)
