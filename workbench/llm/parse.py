"""Reading structured replies: strict about the content, tolerant about its wrapping."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workbench.llm.replies.json_values import (
    NOTHING,
    RepeatedNameError,
    TooNestedError,
    decoded,
    values_in,
)
from workbench.llm.replies.statements import contradicts, is_name

_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)```", re.DOTALL)
_DIFFERENT = "different values fit"
_SHORT = 100
_LONGEST = 200_000
"""Characters of a reply that are searched: a longer one is a failure, not a quest."""

_Found = tuple[int, int, Any]


class UnreadableReplyError(ValueError):
    """A reply without a value that the schema allows; the message says what is wrong."""


class _NoneFitsError(UnreadableReplyError):
    """None of the values found fits."""


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
    try:
        whole = _whole(text)
        if whole is not NOTHING:
            return _only([(0, len(text), whole)], text, schema)
        # a string that goes on over its line is looked for where nothing else is found
        try:
            return _only(_values_of(text), text, schema)
        except _NoneFitsError:
            return _only(values_in(text, lines=True), text, schema)
    except (RepeatedNameError, TooNestedError) as error:
        raise UnreadableReplyError(str(error)) from None


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


def _values_of(text: str) -> Iterator[_Found]:
    """Yield all JSON values that stand in a text."""
    for part in _FENCE.finditer(text):
        value = decoded(part[1])
        # objects and lists are found by their brackets
        if not isinstance(value, dict | list) and value is not NOTHING:
            yield *part.span(1), value
    yield from values_in(text)


def _only(candidates: Iterable[_Found], text: str, schema: Mapping[str, Any]) -> Any:
    """Return the one value among some of a text that fits, where nothing contradicts it."""
    problem, found, at = "", NOTHING, 0
    beside: list[str] = []
    for start, stop, candidate in candidates:
        try:
            value = fitted(candidate, schema)
        except UnreadableReplyError as error:
            problem = problem or str(error)
            continue
        if found is not NOTHING and _choices(value, schema) != _choices(found, schema):
            raise UnreadableReplyError(_DIFFERENT)
        found = value if found is NOTHING else found
        # what fits is read by its fields: its strings are no prose of the reply
        beside += [text[at:start], "{}", _unknown(candidate, schema)]
        at = max(at, stop)
    if found is NOTHING:
        raise _NoneFitsError(problem or "no JSON value in the reply")
    if _contradicted("".join([*beside, text[at:]]), found, schema):
        raise UnreadableReplyError(_DIFFERENT)
    return found


def _choices(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return what must be the same in two values: not the reasons that go with a choice."""
    parts = schema.get("properties", {})
    if not isinstance(value, dict) or not any("enum" in part for part in parts.values()):
        return value
    free = {name for name, part in parts.items() if part == {"type": "string"}}
    return {name: content for name, content in value.items() if name not in free}


def _options(found: Any, schema: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return what each field of an object that is a choice may be."""
    parts = schema.get("properties", {}) if isinstance(found, dict) else {}
    return {
        name: tuple(map(str, part["enum"]))
        for name, part in parts.items()
        if "enum" in part and name in found
    }


def _unknown(candidate: Any, schema: Mapping[str, Any]) -> str:
    """Return the fields of an object that the schema lacks and that name one of its choices."""
    parts = schema.get("properties", {})
    if not isinstance(candidate, dict) or candidate.keys() <= parts.keys():
        return ""
    known, fields = {name.casefold() for name in parts}, _options(parts, schema)
    said = [
        f"\n{name}: {content[:_SHORT]}\n"
        for name, content in candidate.items()
        if isinstance(content, str)
        and name.strip().casefold() not in known
        and is_name(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name[:_SHORT]), fields)
    ]
    return "".join(said) if fields else ""


def _contradicted(text: str, found: Any, schema: Mapping[str, Any]) -> bool:
    """Return whether a text gives a field another of its values, in what is no JSON.

    Such as a last verdict that is cut off, or in single or escaped quotes, or in prose:
    ``**Verdict: B**``.
    """
    fields = _options(found, schema) if text != "{}" else {}
    return bool(fields) and contradicts(text, fields, {n: str(found[n]) for n in fields})


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
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    whole = schema.get("type") == "integer"
    low, high = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
    # 1e999 is read as infinity, and no schema asks for that
    inside = math.isfinite(number) and low <= number <= high
    if not inside or (whole and not number.is_integer()):
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
