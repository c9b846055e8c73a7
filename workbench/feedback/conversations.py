"""Conversations of a file, one at a time, and what became of every row."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.data.formats.messages import as_messages, render, text_of, to_json
from workbench.data.parts.pieces import NotStreamed, can_stream, pieces
from workbench.data.reading.container import Container
from workbench.data.reading.containers import check_file, open_source
from workbench.data.reading.several import paths_of

UNREAD = "a row that is no record"
NO_MESSAGES = "a record without messages"
UNREADABLE = "messages of which one cannot be read"
NO_ANSWER = "a conversation without an answer of an assistant"

HOLDERS = ("messages", "conversations", "conversation", "chat", "dialogue", "turns", "chosen")
"""Columns that may hold a conversation; the first that does counts."""

_IDS = ("conversation_id", "conversation_hash", "id", "chat_id", "session_id", "uuid")
_USERS = ("user_id", "user", "hashed_ip", "annotator", "worker_id")
_MODELS = ("model", "model_name", "model_id", "engine")
_LANGUAGES = ("language", "lang")

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Exchange:
    """A request, its answer, and what the user said next.

    Attributes
    ----------
    number : int
        Of the answer in its conversation, from 1.
    before : str
        The messages before the answer, as canonical JSON.
    prompt, request, answer : str
        The messages before as text, the last of the user among them, and what was answered.
    reply : str or None
        What the user said next; None where the conversation ended.
    """

    number: int
    before: str
    prompt: str
    request: str
    answer: str
    reply: str | None


@dataclass(frozen=True)
class Conversation:
    """A conversation as exchanges.

    Attributes
    ----------
    name : str
        Its id in the file, or its row.
    user, model, language : str or None
        As the file says.
    exchanges : tuple of Exchange
    """

    name: str
    user: str | None
    model: str | None
    language: str | None
    exchanges: tuple[Exchange, ...]


@dataclass
class Rows:
    """What became of the rows of a source, counted while they are read.

    Attributes
    ----------
    source : str
    read : int
    left_out : dict of str to int
    column : str or None
        That held the conversations, told by the first that did.
    """

    source: str
    read: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    column: str | None = None

    def lose(self, reason: str, count: int = 1) -> None:
        """Count rows that hold no conversation."""
        self.left_out[reason] = self.left_out.get(reason, 0) + count


def conversations(
    source: str | Path | Iterable[Any], rows: Rows, column: str | None = None
) -> Iterator[Conversation]:
    """Yield the conversations of a source, one after another; files are read piece by piece.

    Parameters
    ----------
    source : str, Path or iterable
        A file (JSON lines, JSON, Parquet, CSV; a pattern or a folder of them), or records or
        lists of messages.
    rows : Rows
        Counts what was read.
    column : str, optional
        That holds the messages.

    Raises
    ------
    DataError
        No such file, or a file that is none.

    Examples
    --------
    >>> said = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "5"},
    ...         {"role": "user", "content": "That is wrong."}]
    >>> rows = Rows("memory")
    >>> one = next(conversations([{"messages": said}], rows))
    >>> one.exchanges[0].answer, one.exchanges[0].reply
    ('5', 'That is wrong.')
    """
    seen: dict[str, int] = {}
    for number, record, lost in _records(source, rows):
        rows.read += 1
        if record is None:
            rows.lose(UNREAD)
            continue
        messages = _messages(record, rows, column)
        if isinstance(messages, str):
            rows.lose(UNREADABLE if lost else messages)
            continue
        exchanges = tuple(exchanges_of(messages))
        if not exchanges:
            rows.lose(NO_ANSWER)
            continue
        name = _unused(_told(record, _IDS) or f"row {number}", seen)
        yield Conversation(
            name, _told(record, _USERS), _told(record, _MODELS), _told(record, _LANGUAGES),
            exchanges,
        )  # fmt: skip


def _unused(name: str, seen: dict[str, int]) -> str:
    """Return a name that no conversation has yet: two conversations of one id stay two."""
    own = name
    while own in seen:
        seen[name] += 1
        own = f"{name} ({seen[name]})"
    seen[own] = 1
    return own


def exchanges_of(messages: Sequence[dict[str, Any]]) -> Iterator[Exchange]:
    """Yield each answer with what stands before it and what the user says next.

    Messages of one role in a row are one turn; an answer that no request stands before is
    none, nor is a step to one: what an assistant says before a tool's result, upon which it goes
    on. The user has seen the last one.

    Examples
    --------
    >>> said = [("user", "Hi"), ("assistant", "Hello"), ("assistant", "you"), ("user", "Thanks")]
    >>> one = next(exchanges_of([{"role": r, "content": c} for r, c in said]))
    >>> one.answer.split(), one.reply
    (['Hello', 'you'], 'Thanks')
    """
    turns: list[tuple[str, list[dict[str, Any]]]] = []
    for message in messages:
        role = "assistant" if message["role"] == "assistant" else "user"
        role = role if message["role"] in ("assistant", "user") else str(message["role"])
        if turns and turns[-1][0] == role:
            turns[-1][1].append(message)
        else:
            turns.append((role, [message]))
    number, before = 0, list[dict[str, Any]]()
    for k, (role, said) in enumerate(turns):
        asked = next((own for r, own in reversed(turns[:k]) if r == "user"), None)
        after = (r for r, _ in turns[k + 1 :] if r in ("user", "assistant"))
        if role == "assistant" and asked is not None and next(after, "user") == "user":
            number += 1
            reply = next((own for r, own in turns[k + 1 :] if r == "user"), None)
            yield Exchange(
                number, to_json(before), render(before), _text(asked), _text(said),
                None if reply is None else _text(reply),
            )  # fmt: skip
        before += said


def _text(messages: Sequence[dict[str, Any]]) -> str:
    return "\n\n".join(text_of(message) for message in messages)


def _records(
    source: str | Path | Iterable[Any], rows: Rows
) -> Iterator[tuple[int, Record | None, bool]]:
    """Yield row, record (None where it is none), and whether a value of it could not be kept."""
    if not isinstance(source, str | Path):
        for k, one in enumerate(source, start=1):
            yield k, one if isinstance(one, Mapping) else {"messages": one}, False
        return
    for path in paths_of(source):
        for container in _containers(path):
            yield from _of_container(container)


def _containers(path: Path) -> Iterator[Container]:
    check_file(path)
    if can_stream(path) is None:
        with tempfile.TemporaryDirectory() as folder:
            try:
                yield from pieces(path, Path(folder), lambda head: None)
                return
            except NotStreamed:
                pass
    yield open_source(path)


def _of_container(container: Container) -> Iterator[tuple[int, Record | None, bool]]:
    if container.inner is not None:
        # a document that holds its records in a list
        yield from ((k, one, False) for k, one in enumerate(container.inner, start=1))
        return
    at = 0
    for batch in container.table.to_batches(max_chunksize=1000):
        for record in batch.to_pylist():
            row = at + 1 if container.rows is None else int(container.rows[at])
            yield row, record, at in container.lost
            at += 1
    for bad in container.bad:
        yield bad.row, None, False


def _messages(record: Record, rows: Rows, column: str | None) -> list[dict[str, Any]] | str:
    """Return the messages of a record, or why there are none."""
    why = NO_MESSAGES
    for name in HOLDERS if column is None else (column,):
        value = record.get(name)
        if value is None:
            continue
        found = as_messages(value)
        if found:
            rows.column = rows.column or name
            return found
        # of mixed types, a table holds the JSON text
        told = isinstance(value, str) and value.lstrip().startswith("[{")
        why = UNREADABLE if told or (isinstance(value, list) and value) else why
    return why


def _told(record: Record, names: Sequence[str]) -> str | None:
    for name in names:
        value = record.get(name)
        if value is not None and not isinstance(value, list | dict) and not pd.isna(value):
            text = str(value).strip()
            if text:
                return text
    return None
