"""Reading structured replies: strict about the content, tolerant about its wrapping."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)```", re.DOTALL)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_LONGEST = 200_000
"""Characters of a reply that are searched: a longer one is a failure, not a quest."""


class UnreadableReplyError(ValueError):
    """A reply without a value that the schema allows; the message says what is wrong."""


def read_reply(text: str, schema: Mapping[str, Any]) -> Any:
    r"""Return the value of a reply that the schema allows.

    Fences, prose around the JSON, trailing commas, lower or upper case of an enum's value
    and of field names, and numbers written as text are accepted. Nothing is guessed: a reply
    with two different values that both fit is unreadable.

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
    problems: list[str] = []
    found: list[Any] = []
    for candidate in _candidates(text):
        try:
            value = fitted(candidate, schema)
        except UnreadableReplyError as problem:
            problems.append(str(problem))
            continue
        if value not in found:
            found.append(value)
    if len(found) > 1:
        raise UnreadableReplyError(f"{len(found)} different values fit")
    if not found:
        raise UnreadableReplyError(problems[0] if problems else "no JSON value in the reply")
    return found[0]


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


def _candidates(text: str) -> Iterator[Any]:
    """Yield JSON values of a text: the whole, then fenced parts, then outermost brackets."""
    whole = _decoded(text)
    if whole is not _NOTHING:
        yield whole
        return
    fenced = [value for part in _FENCE.findall(text) if (value := _decoded(part)) is not _NOTHING]
    if fenced:
        yield from fenced
        return
    yield from _embedded(text)


_NOTHING = object()


def _decoded(text: str) -> Any:
    for attempt in (text.strip(), _TRAILING_COMMA.sub(r"\1", text.strip())):
        try:
            return json.loads(attempt, parse_constant=_refuse)
        except (ValueError, RecursionError):
            continue
    return _NOTHING


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _embedded(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder(parse_constant=_refuse)
    clean = _TRAILING_COMMA.sub(r"\1", text)
    at = 0
    while (match := re.compile(r"[{\[]").search(clean, at)) is not None:
        try:
            value, at = decoder.raw_decode(clean, match.start())
            yield value
        except (ValueError, RecursionError):
            at = match.start() + 1


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


def _object(value: Any, schema: Mapping[str, Any], where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnreadableReplyError(f"{where}: {_shown(value)} is no object")
    known = schema.get("properties", {})
    by_name = {str(name).strip().casefold(): content for name, content in value.items()}
    result = {}
    for name, part in known.items():
        if name.casefold() in by_name:
            result[name] = fitted(by_name[name.casefold()], part, f"{where}.{name}")
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
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:60]}…"
