"""Lists and objects that a cell holds as text: JSON, printed Python, printed numpy."""

from __future__ import annotations

import ast
import io
import json
import math
import re
import tokenize
from typing import Any

import numpy as np

_ADJACENT = re.compile(r"""['"]\s+['"]""")
_ENDS = {tokenize.STRING, tokenize.NUMBER, tokenize.NAME}
_CLOSING, _OPENING = {"]", "}", ")"}, {"[", "{", "("}
_QUIET = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
_UNREADABLE = (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, tokenize.TokenError)


def nested(value: Any) -> Any:
    """Return the list or object that a cell holds as text; any other value as it is.

    A table of text holds a list as its JSON, or as what Python or numpy print of it. numpy
    sets no commas, and Python reads two texts without one between them as a single text: they
    are kept apart here.

    Parameters
    ----------
    value : object

    Examples
    --------
    >>> nested('["Hi", null]'), nested("['Hi', None]"), nested("['Hi' 'there']")
    (['Hi', None], ['Hi', None], ['Hi', 'there'])
    >>> nested("[broken"), nested("plain text"), nested(3)
    ('[broken', 'plain text', 3)
    """
    if isinstance(value, np.ndarray):
        return value.tolist()
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        pass
    try:
        return _printed(value)
    except _UNREADABLE:
        return value


def _printed(text: str) -> Any:
    # reading tokens takes many times as long: only where texts may stand without a comma
    if not _ADJACENT.search(text):
        try:
            return ast.literal_eval(text.strip())
        except _UNREADABLE:
            pass
    return _value(ast.parse(_with_commas(text), mode="eval").body)


def _with_commas(text: str) -> str:
    """Return printed values with a comma wherever one value follows another."""
    parts: list[str] = []
    ended, depth = False, 0
    for token in tokenize.generate_tokens(io.StringIO(text.strip()).readline):
        if token.type in _QUIET:
            continue
        if parts and depth == 0:
            raise ValueError(token.string)
        called = token.string == "(" and parts[-1:] == ["array"]
        if ended and not called and (token.type in _ENDS or token.string in _OPENING):
            parts.append(",")
        parts.append(token.string)
        depth += (token.string in _OPENING) - (token.string in _CLOSING)
        ended = token.type in _ENDS or token.string in _CLOSING
    return " ".join(parts)


def _value(node: ast.expr) -> Any:
    """Return what an expression of constants, lists and objects stands for."""
    # numpy prints ... for the middle of a long list: that is no list any more
    if isinstance(node, ast.Constant) and not isinstance(node.value, complex | type(...)):
        return node.value
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Dict) and None not in node.keys:
        keys = [_value(key) for key in node.keys if key is not None]
        return dict(zip(keys, map(_value, node.values), strict=True))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.Name) and node.id == "nan":
        return math.nan
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "array":
        return _value(node.args[0])
    raise ValueError(ast.dump(node))
