"""What a column looks like by its content alone: texts, verdicts, names, ids, numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from workbench.data.formats.messages import as_messages
from workbench.data.formats.plain.asking import in_short
from workbench.data.formats.records import excerpt
from workbench.data.formats.verdict_words import UNKNOWN, meaning_of
from workbench.data.formats.verdicts import is_flag, key_of, number_of

_ROWS = 500
_SHOWN = 4
_CODES = 12
"""Distinct whole numbers that could still be codes of a verdict."""
_FILE = re.compile(
    r"https?://\S+|[^\n]+\.(?:png|jpe?g|webp|gif|bmp|wav|mp3|flac|ogg|mp4|webm|mov)", re.IGNORECASE
)


@dataclass(frozen=True)
class Look:
    """What one column looks like.

    Attributes
    ----------
    column : str
    kind : str
        ``empty``, ``messages``, ``nested values``, ``verdicts``, ``flags``, ``codes``,
        ``numbers``, ``ids``, ``names``, ``texts``, ``files`` or ``times``.
    values : tuple of str
        Distinct values, a few of them where there are many.
    """

    column: str
    kind: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the kind with some of the values."""
        few = self.kind in ("verdicts", "flags", "codes", "names", "numbers")
        if not few or not self.values:
            return self.kind
        more = ", ..." if len(self.values) > _SHOWN else ""
        texts = map(in_short, self.values)
        shown = (text if len(text) <= 24 else text[:21] + "..." for text in texts)
        return f"{self.kind} ({', '.join(list(shown)[:_SHOWN])}{more})"


def look_at(table: pa.Table) -> list[Look]:
    """Return what each column of a table looks like, by its first rows.

    Examples
    --------
    >>> table = pa.table({"q": ["What is it? A or B?", "Why is it so then?"], "w": ["a", "tie"]})
    >>> [str(look) for look in look_at(table)]
    ['texts', 'verdicts (a, tie)']
    """
    return [_look(name, table.column(name).slice(0, _ROWS)) for name in table.column_names]


def _look(name: str, column: pa.ChunkedArray) -> Look:
    values = [value for value in column.to_pylist() if value is not None and value != ""]
    if not values:
        return Look(name, "empty")
    if pa.types.is_temporal(column.type):
        return Look(name, "times")
    if any(isinstance(value, list | dict | bytes) for value in values):
        chats = sum(as_messages(value) is not None for value in values)
        return Look(name, "messages" if chats * 2 > len(values) else "nested values")
    distinct = tuple(dict.fromkeys(excerpt(v) if isinstance(v, str) else key_of(v) for v in values))
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) == len(values) and sum(map(_is_chat, texts)) * 2 > len(texts):
        return Look(name, "messages")
    return Look(name, _kind(values, distinct), distinct)


def _kind(values: Sequence[Any], distinct: Sequence[str]) -> str:
    if all(map(is_flag, distinct)):
        return "flags"
    numbers = [number_of(value) for value in values]
    if all(number == number for number in numbers):
        return _kind_of_numbers(numbers, len(distinct))
    if all(meaning_of(value) is not UNKNOWN or is_number(value) for value in distinct):
        return "verdicts"
    texts = [str(value) for value in values]
    if all(_FILE.fullmatch(text) for text in texts):
        return "files"
    if sum(map(len, texts)) > 60 * len(texts) or sum(map(_words, texts)) > 3 * len(texts):
        return "texts"
    spaced = any(" " in text.strip() for text in texts)
    if len(distinct) == len(texts) > 2 and not spaced and any(map(_has_digit, texts)):
        return "ids"
    return "names" if len(distinct) * 3 <= len(texts) or not spaced else "texts"


def _kind_of_numbers(numbers: Sequence[float], n_distinct: int) -> str:
    whole = all(number.is_integer() for number in numbers)
    if whole and n_distinct <= _CODES and (n_distinct < len(numbers) or len(numbers) < 4):
        return "codes"
    counted = whole and n_distinct == len(numbers) > 2
    steps = sorted(numbers)
    return "ids" if counted and steps[-1] - steps[0] == len(steps) - 1 else "numbers"


def is_number(value: str) -> bool:
    """Tell whether a text is a number."""
    return number_of(value) == number_of(value)


def _is_chat(text: str) -> bool:
    return text.lstrip()[:1] in ("[", "{") and as_messages(text) is not None


def _words(text: str) -> int:
    return len(text.split())


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)
