"""The texts of a table: prompts of several columns, chats in any column, media that are named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.data.formats.message_parts import media_name
from workbench.data.formats.messages import (
    Message,
    as_messages,
    common_prefix,
    looks_like_messages,
    render,
    split_chats,
    to_json,
)
from workbench.data.formats.messages import media_of as media_of_messages
from workbench.data.formats.records import excerpt, flag, is_text, with_columns

_MAYBE_CHAT = r"^\s*(?:[\[{(]|array\(|Row\(|Human:)"


@dataclass(frozen=True)
class Texts:
    """A column as text, with the chats that it holds.

    Attributes
    ----------
    text : Series of str, length n
        Messages are rendered; missing where there is nothing, or nothing that can be read.
    chats : dict of int to list of dict
        Messages by position.
    bad : dict of int to str
        In short what could not be read, by position.
    """

    text: pd.Series
    chats: dict[int, list[Message]]
    bad: dict[int, str]


def read_texts(table: pa.Table, name: str | None) -> Texts:
    """Return a column of a table as texts.

    Numbers are written out. Nested data that are no messages, and texts that hold messages
    which cannot be read, have no reading: never is their print taken for prose.

    Examples
    --------
    >>> table = pa.table({"x": ['[{"role": "user", "content": "Hi"}]', "[1]", None]})
    >>> read_texts(table, "x").text.tolist()
    ['Hi', '[1]', nan]
    """
    if name is None:
        return Texts(pd.Series([None] * len(table), dtype="str"), {}, {})
    column = table.column(name)
    if is_text(column.type):
        column = column.cast(pa.large_string())
        text = column.to_pandas().astype("str").reset_index(drop=True)
        maybe = pc.fill_null(pc.match_substring_regex(column, _MAYBE_CHAT), False)
        at = np.flatnonzero(np.asarray(maybe))
    else:
        text = pd.Series([None] * len(table), dtype="str")
        at = np.flatnonzero(np.asarray(pc.is_valid(column)))
    if not len(at):
        return Texts(text, {}, {})
    values = column.take(pa.array(at)).to_pylist()
    return _with_chats(text, dict(zip(at.tolist(), values, strict=True)))


def pair_texts(prompt: Texts, sides: Sequence[Texts]) -> pd.DataFrame:
    """Return prompt and two responses, also as messages where there are chats.

    Parameters
    ----------
    prompt : Texts
    sides : two Texts
        Of A and B. Conversations of several messages are split: what both start with belongs
        to the prompt.

    Returns
    -------
    DataFrame
        ``prompt, response_a, response_b``, ``*_messages`` where there are chats, ``media*``
        where these show any, ``problem`` and ``found`` where something could not be read.
    """
    names = ("prompt", "response_a", "response_b")
    parts = dict(zip(names, (prompt, *sides), strict=True))
    frame = pd.DataFrame({name: part.text for name, part in parts.items()})
    messages: dict[str, dict[int, Any]] = {f"{name}_messages": {} for name in names}
    changed: dict[str, dict[int, Any]] = {name: {} for name in names}
    for name, part in parts.items():
        messages[f"{name}_messages"] = {at: to_json(chat) for at, chat in part.chats.items()}
    for at in _several(sides):
        read = _split(at, prompt, sides)
        for name, value in read.items():
            (messages if name.endswith("_messages") else changed)[name][at] = value
    for name, values in changed.items():
        frame[name] = _put(frame[name], values)
    messages.update(_shown(prompt, sides))
    for name, values in messages.items():
        if values:
            frame[name] = _put(pd.Series([None] * len(frame), dtype="str"), values)
    with_columns(frame, ("problem", "found"))
    for name, part in parts.items():
        if part.bad:
            shown = pd.Series([None] * len(frame), dtype="str")
            shown = _put(shown, {at: f"{name}: {found}" for at, found in part.bad.items()})
            flag(frame, shown.notna().to_numpy(), "unparseable", shown)
    return frame


def joined(parts: Sequence[Texts], between: Sequence[str]) -> Texts:
    r"""Return several columns as one text, missing and empty parts left out.

    Parameters
    ----------
    parts : sequence of Texts
    between : sequence of str
        What stands before each part but the first.

    Examples
    --------
    >>> one, two = (read_texts(pa.table({"x": [text]}), "x") for text in ("Add.", "1 and 2"))
    >>> joined([one, two], ["\n"]).text.tolist()
    ['Add.\n1 and 2']
    """
    whole = parts[0]
    for part, gap in zip(parts[1:], between, strict=True):
        chats = {
            at: [*_chat(whole, at, "user"), *_chat(part, at, "user")]
            for at in {*whole.chats, *part.chats}
        }
        blank = _is_blank(part.text)
        text = whole.text.where(blank | _is_blank(whole.text), whole.text + gap + part.text)
        text = text.mask(_is_blank(whole.text), part.text.mask(blank, whole.text))
        text = _put(text, {at: render(chat) for at, chat in chats.items() if chat})
        whole = Texts(text, chats, {**part.bad, **whole.bad})
    return whole


def with_system(system: Texts, prompt: Texts) -> Texts:
    r"""Return prompts that begin with their system messages.

    Examples
    --------
    >>> system, ask = (read_texts(pa.table({"x": [text]}), "x") for text in ("Be short.", "Hi"))
    >>> with_system(system, ask).text.tolist()
    ['system: Be short.\n\nuser: Hi']
    """
    chats = dict(prompt.chats)
    for at in np.flatnonzero(~_is_blank(system.text)).tolist():
        chat = _chat(prompt, at, "user")
        if not (chat and chat[0]["role"] == "system"):
            chats[at] = [{"role": "system", "content": system.text.iloc[at]}, *chat]
    new = {at: render(chat) for at, chat in chats.items() if at not in prompt.chats or chat}
    return Texts(_put(prompt.text, new), chats, {**prompt.bad, **system.bad})


def media_of(table: pa.Table, name: str) -> pd.Series:
    r"""Return the paths or URLs that a column names, several joined by line ends.

    Examples
    --------
    >>> rows = [{"path": "a.png", "bytes": None}, {"path": None, "bytes": b"x"}]
    >>> media_of(pa.table({"image": rows}), "image")[0]
    'a.png'
    """
    if is_text(table.schema.field(name).type):
        return table.column(name).cast(pa.large_string()).to_pandas().astype("str")
    values = [_media(value) for value in table.column(name).to_pylist()]
    return pd.Series(values, dtype="str")


def _media(value: Any) -> str | None:
    if isinstance(value, list):
        return "\n".join(filter(None, map(_media, value))) or None
    return media_name(value)


def _with_chats(text: pd.Series, values: dict[int, Any]) -> Texts:
    chats: dict[int, list[Message]] = {}
    bad: dict[int, str] = {}
    written: dict[int, str | None] = {}
    for at, value in values.items():
        chat = as_messages(value)
        if chat is not None:
            chats[at] = chat
            written[at] = render(chat)
        elif isinstance(value, list | dict | bytes):
            bad[at] = excerpt(value)
        elif not isinstance(value, str):
            written[at] = str(value)
        elif looks_like_messages(value):
            bad[at] = excerpt(value)
            written[at] = None
    return Texts(_put(text, written), chats, bad)


def _several(sides: Sequence[Texts]) -> list[int]:
    """Return the positions at which a side is more than one answer."""
    found = {
        at
        for side in sides
        for at, chat in side.chats.items()
        if len(chat) > 1 or chat[0]["role"] != "assistant"
    }
    return sorted(found)


def _shown(prompt: Texts, sides: Sequence[Texts]) -> dict[str, dict[int, str]]:
    """Return the media that prompts and responses name in their messages, by position."""
    shown: dict[str, dict[int, str]] = {"media": {}, "media_a": {}, "media_b": {}}
    for at in {*prompt.chats, *sides[0].chats, *sides[1].chats}:
        a, b = (_chat(side, at, "assistant") for side in sides)
        n = common_prefix(a, b) if a and b else 0
        parts = ([*prompt.chats.get(at, []), *a[:n]], a[n:], b[n:])
        for name, part in zip(shown, parts, strict=True):
            found = media_of_messages(part)
            if found:
                shown[name][at] = "\n".join(dict.fromkeys(found))
    return shown


def _split(at: int, prompt: Texts, sides: Sequence[Texts]) -> dict[str, Any]:
    chats = [_chat(side, at, "assistant") for side in sides]
    if not all(chats):
        return {}
    before = prompt.chats.get(at) or prompt.text.iloc[at]
    return split_chats(
        chats[0], chats[1], before if isinstance(before, str | list) else None
    )._asdict()


def _chat(texts: Texts, at: int, role: str) -> list[Message]:
    """Return one text as messages; none where it is missing or blank."""
    if at in texts.chats:
        return texts.chats[at]
    text = texts.text.iloc[at]
    return [{"role": role, "content": text}] if isinstance(text, str) and text.strip() else []


def _put(column: pd.Series, values: dict[int, Any]) -> pd.Series:
    """Return a column of text with other values at some positions."""
    if not values:
        return column
    changed = column.astype(object)
    changed.iloc[list(values)] = list(values.values())
    return changed.astype("str")


def _is_blank(column: pd.Series) -> NDArray[np.bool_]:
    return np.asarray(column.fillna("").str.strip() == "", dtype=bool)
