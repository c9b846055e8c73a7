"""Lists and objects of a field, also where a table holds them as text."""

from __future__ import annotations

import ast
import json
import re
from datetime import datetime
from typing import Any

_TOKENS = re.compile(
    r"""(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
    r"|(?P<time>datetime\.datetime\([\d, ]+\))"
    r"|(?P<open>[\w.]*\()"
    r"|(?P<close>(?:,\s*dtype=(?:[\w.]+|'[^']*'))?\))"
    r"|(?P<word>\b(?:null|true|false|nan|NaN|inf)\b)"
    r"|(?P<gap>\s+)",
    re.DOTALL,
)
_WRAPPERS = re.compile(r"array\(|np\.\w+\(|Timestamp\(|Decimal\(")
_WORDS = {"null": "None", "nan": "None", "NaN": "None", "inf": "None", "true": "True",
          "false": "False"}  # fmt: skip
_ENDS, _STARTS = re.compile(r"[\w.\])}'\"]"), re.compile(r"[\w.\[({'\"+-]")
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""", re.DOTALL)
_BROKEN = (ValueError, SyntaxError, RecursionError, MemoryError)


def unpacked(value: Any) -> Any:
    r"""Return a list or an object, also from the text that a CSV file holds of it.

    Parameters
    ----------
    value : object
        A list or a dict stays as it is. A text that begins with a bracket is read as JSON,
        then as what Python prints of lists and objects, and of NumPy's arrays, which stand
        without commas (pandas writes these).

    Returns
    -------
    object
        The list or dict; any other value as it was, so a text that cannot be read, or from
        which a printer left out the middle, stays a text.

    Examples
    --------
    >>> unpacked('[{"rank": 1}]'), unpacked("[{'rank': 1}\n {'rank': None}]")
    ([{'rank': 1}], [{'rank': 1}, {'rank': None}])
    >>> unpacked("array(['a' 'b'], dtype=object)"), unpacked("[see above]")
    (['a', 'b'], '[see above]')
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text.startswith(("[", "{", "array(")):
        return value
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _printed(text, value)


def items(value: Any) -> list[Any]:
    """Return the members of a list, also from its text; none of anything else.

    Examples
    --------
    >>> items("[1, 2]"), items(None), items("one")
    ([1, 2], [], [])
    """
    found = unpacked(value)
    return found if isinstance(found, list) else []


def fields(value: Any) -> dict[str, Any]:
    """Return an object's fields, also from its text; none of anything else.

    Examples
    --------
    >>> fields("{'id': 1}"), fields([1])
    ({'id': 1}, {})
    """
    found = unpacked(value)
    return found if isinstance(found, dict) else {}


def _printed(text: str, value: str) -> Any:
    try:
        found = ast.literal_eval(_as_python(text))
    except _BROKEN:
        return value
    whole = isinstance(found, list | dict) and "..." not in _QUOTED.sub("", text)
    return found if whole else value


def _as_python(text: str) -> str:
    """Write what NumPy prints as Python does: commas, None, a value for ``np.float64(...)``."""
    open_calls: list[bool] = []

    def piece(found: re.Match[str]) -> str:
        kind, written = found.lastgroup, found.group()
        if kind == "word":
            return _WORDS[written]
        if kind == "time":
            parts = [int(part) for part in re.findall(r"\d+", written)]
            return repr(str(datetime(*parts)))  # type: ignore[arg-type]
        if kind == "open":
            open_calls.append(_WRAPPERS.fullmatch(written) is None)
            return written if open_calls[-1] else ""
        if kind == "close":
            return ")" if not open_calls or open_calls.pop() else ""
        if kind == "gap":
            before, after = text[found.start() - 1], text[found.end() : found.end() + 1]
            # Python would join texts that stand side by side to one
            return ", " if _ENDS.match(before) and _STARTS.match(after) else " "
        return written

    return _TOKENS.sub(piece, text)
