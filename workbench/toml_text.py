"""Values as TOML text: what names hold is escaped, never pasted."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import ConfigError

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(values: Mapping[str, Any]) -> str:
    r"""Return TOML text; keys whose value is None are left out.

    Parameters
    ----------
    values : mapping
        Of texts, numbers, truth values, sequences of them, tables (mappings) and arrays of
        tables (sequences of mappings).

    Raises
    ------
    ConfigError
        Half of a surrogate pair: no TOML can hold it.

    Examples
    --------
    >>> print(toml_text({"by": ("a\"b",), "judge": [{"model": "m"}]}), end="")
    by = ["a\U00000022b"]
    <BLANKLINE>
    [[judge]]
    model = "m"
    """
    return _table(values, ())


def _table(values: Mapping[str, Any], path: tuple[str, ...]) -> str:
    lines, tables = [], []
    for key, value in values.items():
        if isinstance(value, Mapping):
            inner = (*path, key)
            tables.append(f"[{_name(inner)}]\n{_table(value, inner)}")
        elif _is_tables(value):
            inner = (*path, key)
            tables += [f"[[{_name(inner)}]]\n{_table(one, inner)}" for one in value]
        elif value is not None:
            lines.append(f"{_key(key)} = {_value(value)}\n")
    return "\n".join(filter(None, ["".join(lines), *tables]))


def _is_tables(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) > 0
        and all(isinstance(one, Mapping) for one in value)
    )


def _name(path: tuple[str, ...]) -> str:
    return ".".join(map(_key, path))


def _key(text: str) -> str:
    return text if _BARE.fullmatch(text) else _text(text)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # nan, inf and -inf are TOML's words too
    if isinstance(value, int | float):
        return repr(value)
    return f"[{', '.join(map(_value, value))}]"


def _text(text: str) -> str:
    half = next((c for c in text if "\ud800" <= c <= "\udfff"), None)
    if half is not None:
        raise ConfigError(
            "A name cannot be written as TOML.",
            found=f"{text[:80]!r}, with half of a surrogate pair",
            expected="Unicode text",
            fix="Rename it in the data, or choose another.",
        )
    plain = (c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}" for c in text)
    return f'"{"".join(plain)}"'
