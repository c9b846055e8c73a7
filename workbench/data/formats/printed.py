"""Lists and objects in a cell of text: JSON, or what Python, numpy and Spark print of them.

``DataFrame.to_csv`` writes a list as Python prints it, and an array as numpy prints it:
without commas, where Python would join two texts beside each other into one. So this is a
grammar of its own; nothing is ever evaluated.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import numpy as np

_LARGEST = 1 << 24
_DEEPEST = 32

OPENING = ("[", "{", "(", "array(", "Row(")
"""How a printed list or object begins."""

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>[bB]?(?:'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"))
    |(?P<number>[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|inf\b|nan\b))
    |(?P<name>[A-Za-z_][\w.]*)
    |(?P<mark>[][(){},:=])
    )""",
    re.VERBOSE | re.DOTALL,
)
_CONSTANTS = {
    "None": None, "null": None, "NaN": None, "nan": None, "NaT": None, "NA": None,
    "True": True, "true": True, "np.True_": True,
    "False": False, "false": False, "np.False_": False,
}  # fmt: skip
_CALLS = re.compile(
    r"(?:np\.|numpy\.)?(?:array|str_|bytes_|u?int\d+|float\d+|bool_?)|list|tuple|Timestamp|Decimal"
)
_EQUALS = re.compile(r"\s*=")
_CLOSING = {"[": "]", "(": ")"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v",
            "0": "\0", "\n": "", "\\": "\\", "'": "'", '"': '"'}  # fmt: skip


class _NotPrintedError(ValueError):
    """The text is no printed structure."""


def structure(text: str) -> list[Any] | dict[str, Any] | None:
    r"""Return the list or object that a text holds, or None where it holds none.

    Parameters
    ----------
    text : str
        JSON; Python's print of lists, tuples and dicts; numpy's of arrays, also inside
        them; Spark's of rows. At most 16 MiB and 32 levels.

    Returns
    -------
    list, dict or None
        Also None where a print is not whole (numpy elides long arrays by ``...``).

    Examples
    --------
    >>> structure('["a", "b"]'), structure("['a' 'b']"), structure("[1] a footnote")
    (['a', 'b'], ['a', 'b'], None)
    >>> structure("array([{'role': 'user', 'content': \"It's\"}], dtype=object)")
    [{'role': 'user', 'content': "It's"}]
    """
    if not text.lstrip().startswith(OPENING) or len(text) > _LARGEST:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = _printed(text)
    return found if isinstance(found, list | dict) else None


def nested(value: Any) -> Any:
    """Return the list or object that a cell holds, also as text; any other value as it is.

    Examples
    --------
    >>> nested("['Hi', None]"), nested("[broken"), nested(3)
    (['Hi', None], '[broken', 3)
    """
    if isinstance(value, np.ndarray):
        return value.tolist()
    found = structure(value) if isinstance(value, str) else None
    return value if found is None else found


def _printed(text: str) -> Any:
    reader = _Reader(text)
    try:
        found = reader.value(0)
        reader.end()
    except _NotPrintedError:
        return None
    return found


class _Reader:
    """Reads one printed value from the left to the right of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._kind, self._word = "", ""
        self._next()

    def value(self, depth: int) -> Any:
        """Take a value."""
        if depth > _DEEPEST:
            raise _NotPrintedError
        kind, word = self._kind, self._word
        self._next()
        if kind == "text":
            return _unquoted(word)
        if kind == "number":
            return _number(word)
        if kind == "name":
            return self._named(word, depth)
        if word == "{":
            return self._object(depth)
        if word in _CLOSING:
            return self._items(_CLOSING[word], depth)
        raise _NotPrintedError

    def end(self) -> None:
        """Make sure that nothing is left."""
        if self._word:
            raise _NotPrintedError

    def _next(self) -> None:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            if self._text[self._at :].strip():
                raise _NotPrintedError
            self._kind, self._word = "", ""
            return
        self._at = found.end()
        self._kind = found.lastgroup or ""
        self._word = found[self._kind]

    def _take(self, mark: str) -> bool:
        """Step over a mark, where it is the next token."""
        here = self._kind == "mark" and self._word == mark
        if here:
            self._next()
        return here

    def _items(self, closing: str, depth: int) -> list[Any]:
        items = []
        while not self._take(closing):
            items.append(self.value(depth + 1))
            self._take(",")
        return items

    def _object(self, depth: int) -> dict[str, Any]:
        made = {}
        while not self._take("}"):
            key = self.value(depth + 1)
            if not isinstance(key, str | int | float) or not self._take(":"):
                raise _NotPrintedError
            made[str(key)] = self.value(depth + 1)
            if not self._take(",") and self._word != "}":
                raise _NotPrintedError
        return made

    def _named(self, name: str, depth: int) -> Any:
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if not self._take("("):
            raise _NotPrintedError
        if name == "Row":
            return self._arguments(depth)[1]
        return _made(name, self._arguments(depth)[0])

    def _arguments(self, depth: int) -> tuple[list[Any], dict[str, Any]]:
        """Take what stands in the brackets of a call; a type such as object is no value."""
        values, named = [], {}
        while not self._take(")"):
            word, kind = self._word, self._kind
            if kind == "name" and _EQUALS.match(self._text, self._at):
                self._next()
                self._next()
                named[word] = self._type() if word == "dtype" else self.value(depth + 1)
            else:
                values.append(self.value(depth + 1))
            if not self._take(",") and self._word != ")":
                raise _NotPrintedError
        return values, named

    def _type(self) -> str:
        name = self._word
        self._next()
        return name


def _made(name: str, values: list[Any]) -> Any:
    """Return what a call stands for: its one value, or a time as text."""
    if name == "datetime.datetime" and 3 <= len(values) <= 7:
        try:
            return datetime(*values).isoformat(" ")
        except (TypeError, ValueError):
            raise _NotPrintedError from None
    if len(values) != 1 or not _CALLS.fullmatch(name):
        raise _NotPrintedError
    return values[0]


def _number(token: str) -> int | float | None:
    if token.lstrip("+-") == "nan":
        return None
    return int(token) if token.lstrip("+-").isdigit() else float(token)


def _unquoted(token: str) -> str | bytes:
    is_bytes = token[0] in "bB"
    inner = token[2:-1] if is_bytes else token[1:-1]
    if "\\" in inner:
        inner = _ESCAPE.sub(_unescaped, inner)
    return inner.encode("latin-1", "replace") if is_bytes else inner


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) == 1:
        return _ESCAPES.get(code, "\\" + code)
    number = int(code[1:], 16)
    return chr(number) if number < 0x110000 else "\ufffd"
