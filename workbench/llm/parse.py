"""Reading structured replies: strict about the content, tolerant about its wrapping."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from workbench.llm.replies.json_values import (
    NOTHING,
    RepeatedNameError,
    TooNestedError,
    decoded,
    values_in,
)

_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)```", re.DOTALL)
_SAID = re.compile(r"""["'](\w+)\\?["']\s*:\s*\\?["']?([\w-]+)""")
_PROSE = re.compile(
    r"\b(\w+)\b[*_`\"']*\s*(?::|=|\bis\b)\s*[*_`\"'(\[]*([\w-]+)"
    # a sentence that goes on says more: "verdict: B is worse"
    r"(?=[*_`\"')\]]*\s*(?:[.,;!?{\n<]|$))"
)
_DIFFERENT = "different values fit"
_LONGEST = 200_000
"""Characters of a reply that are searched: a longer one is a failure, not a quest."""


class UnreadableReplyError(ValueError):
    """A reply without a value that the schema allows; the message says what is wrong."""


def read_reply(text: str, schema: Mapping[str, Any]) -> Any:
    r"""Return the value of a reply that the schema allows.

    Fences, prose around the JSON, trailing commas, lower or upper case of an enum's value
    and of field names, and numbers written as text are accepted. Nothing is guessed: a reply
    with two different values that both fit is unreadable, wherever they stand (a fence or
    quotes make none of them better), and so is an object that gives a name twice. It takes
    time in proportion to the length of the reply.

    Parameters
    ----------
    text : str
    schema : mapping
        JSON schema of the forms that the workbench asks for: object, array, string with
        enum, integer, number, boolean, null, ``anyOf``.

    Raises
    ------
    UnreadableReplyError
        No value fits, or several different ones.

    Examples
    --------
    >>> verdict = {"type": "object", "properties": {"verdict": {"enum": ["A", "B", "tie"]}},
    ...            "required": ["verdict"]}
    >>> read_reply('Sure! ```json\\n{"Verdict": "b",}\\n```', verdict)
    {'verdict': 'B'}
    """
    if len(text) > _LONGEST:
        raise UnreadableReplyError(f"the reply has {len(text):,} characters")
    problem, found = "", NOTHING
    try:
        whole = _whole(text)
        for candidate in _values_of(text) if whole is NOTHING else (whole,):
            try:
                value = fitted(candidate, schema)
            except UnreadableReplyError as error:
                problem = problem or str(error)
                continue
            if found is not NOTHING and value != found:
                raise UnreadableReplyError(_DIFFERENT)
            found = value
    except (RepeatedNameError, TooNestedError) as error:
        raise UnreadableReplyError(str(error)) from None
    if found is NOTHING:
        raise UnreadableReplyError(problem or "no JSON value in the reply")
    if whole is NOTHING and _contradicted(text, found, schema):
        raise UnreadableReplyError(_DIFFERENT)
    return found


def closed(text: str) -> bool:
    """Return whether a text is one complete JSON object or list, bare or in a fence.

    Such a text cannot go on: what cut the reply off cut nothing of it, and no mark inside
    its strings is anything but text.

    Examples
    --------
    >>> closed('{"verdict": "A"}   '), closed('{"verdict": "A'), closed("3")
    (True, False, False)
    """
    try:
        return isinstance(_whole(text), dict | list)
    except RepeatedNameError:
        return True


def fitted(value: Any, schema: Mapping[str, Any], where: str = "reply") -> Any:
    """Return a value as the schema has it, with the case of its names and enums mended.

    Raises
    ------
    UnreadableReplyError
        It does not fit.

    Examples
    --------
    >>> fitted("3", {"type": "integer", "minimum": 0, "maximum": 3})
    3
    """
    if "anyOf" in schema:
        return _any_of(value, schema["anyOf"], where)
    if "enum" in schema:
        return _enumerated(value, schema["enum"], where)
    reader = _READERS.get(str(schema.get("type")))
    if reader is None:
        return value
    return reader(value, schema, where)


def _whole(text: str) -> Any:
    """Return the JSON value that a text is, bare or as its only fence."""
    bare = text.strip()
    fence = _FENCE.fullmatch(bare) if bare[:3] == "```" else None
    return decoded(fence[1] if fence else bare)


def _values_of(text: str) -> Iterator[Any]:
    """Yield all JSON values that stand in a text."""
    for part in _FENCE.findall(text):
        value = decoded(part)
        # objects and lists are found by their brackets
        if not isinstance(value, dict | list) and value is not NOTHING:
            yield value
    yield from values_in(text)


def _contradicted(text: str, found: Any, schema: Mapping[str, Any]) -> bool:
    """Return whether a text gives a field another of its values, in what is no JSON.

    Such as a last verdict that is cut off, or in single or escaped quotes, or in prose:
    ``**Verdict: B**``.
    """
    parts = schema.get("properties", {}) if isinstance(found, dict) else {}
    known = {
        name.casefold(): ({str(one).casefold() for one in part["enum"]}, found[name])
        for name, part in parts.items()
        if "enum" in part and name in found
    }
    for name, said in chain(_SAID.findall(text), _PROSE.findall(text)):
        options, value = known.get(name.casefold(), ((), None))
        if said.casefold() in options and said.casefold() != str(value).casefold():
            return True
    return False


def _any_of(value: Any, schemas: list[Mapping[str, Any]], where: str) -> Any:
    for schema in schemas:
        try:
            return fitted(value, schema, where)
        except UnreadableReplyError:
            continue
    raise UnreadableReplyError(f"{where}: {_shown(value)} fits none of the allowed forms")


def _enumerated(value: Any, allowed: list[Any], where: str) -> Any:
    for option in allowed:
        if value == option and isinstance(value, bool) == isinstance(option, bool):
            return option
    key = str(value).strip().casefold()
    close = [option for option in allowed if str(option).casefold() == key]
    if len(close) == 1 and isinstance(value, str | int):
        return close[0]
    raise UnreadableReplyError(
        f"{where}: {_shown(value)} is not one of {', '.join(map(str, allowed))}"
    )


_TWICE = object()


def _object(value: Any, schema: Mapping[str, Any], where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnreadableReplyError(f"{where}: {_shown(value)} is no object")
    known = schema.get("properties", {})
    by_name: dict[str, Any] = {}
    for name, content in value.items():
        key = name.strip().casefold()
        by_name[key] = _TWICE if key in by_name else content
    result = {}
    for name, part in known.items():
        content = by_name.get(name.casefold(), NOTHING)
        if content is _TWICE:
            raise RepeatedNameError(f"the name {name} stands twice in an object")
        if content is not NOTHING:
            result[name] = fitted(content, part, f"{where}.{name}")
        elif name in schema.get("required", ()):
            raise UnreadableReplyError(f"{where}: the field {name} is missing")
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        for name, content in value.items():
            if name not in known:
                result[name] = fitted(content, extra, f"{where}.{name}")
    return result


def _array(value: Any, schema: Mapping[str, Any], where: str) -> list[Any]:
    if not isinstance(value, list):
        raise UnreadableReplyError(f"{where}: {_shown(value)} is no list")
    part = schema.get("items", {})
    return [fitted(item, part, f"{where}[{k}]") for k, item in enumerate(value)]


def _number(value: Any, schema: Mapping[str, Any], where: str) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else float("nan")
    except (TypeError, ValueError):
        number = float("nan")
    whole = schema.get("type") == "integer"
    low, high = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
    # NaN fails every comparison
    if not low <= number <= high or (whole and not number.is_integer()):
        raise UnreadableReplyError(
            f"{where}: {_shown(value)} is no {schema['type']} in [{low}, {high}]"
        )
    return int(number) if whole else number


def _text(value: Any, schema: Mapping[str, Any], where: str) -> str:
    if not isinstance(value, str):
        raise UnreadableReplyError(f"{where}: {_shown(value)} is no text")
    return value


def _boolean(value: Any, schema: Mapping[str, Any], where: str) -> bool:
    words = {"true": True, "yes": True, "false": False, "no": False}
    key = str(value).strip().casefold()
    if key not in words or not isinstance(value, bool | str):
        raise UnreadableReplyError(f"{where}: {_shown(value)} is neither true nor false")
    return words[key]


def _null(value: Any, schema: Mapping[str, Any], where: str) -> None:
    if value is not None:
        raise UnreadableReplyError(f"{where}: {_shown(value)} is not null")


_READERS = {
    "object": _object,
    "array": _array,
    "integer": _number,
    "number": _number,
    "string": _text,
    "boolean": _boolean,
    "null": _null,
}


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return "what is nested that deeply"
    return text if len(text) <= 60 else f"{text[:60]}…"
