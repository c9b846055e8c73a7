"""What of a request a server wants otherwise: fields left out, renamed, or moved.

A bend is a short text that people can read, such as ``omit seed``; those that changed a
request, in their order, are its form. An answer to a bent request is kept under a key of
its own, made of the full request's key and the form: it is never taken for an answer to
the full request by who does not know the form. The run that learnt the form does, and
finds both.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

Form = tuple[str, ...]

SYSTEM = "system in user"
"""The instruction stands at the head of the user's turn."""

JSON_OBJECT = "response_format=json_object"

_FEW = "top_logprobs="
_TOGETHER = {"logprobs": ("logprobs", "top_logprobs")}
"""Fields that have no sense without another."""


def omit(field: str) -> str:
    """Return the bend that leaves a field out."""
    return f"omit {field}"


def rename(field: str, name: str) -> str:
    """Return the bend that sends a field under another name."""
    return f"rename {field}={name}"


def fewer_logprobs(most: int) -> str:
    """Return the bend that asks for no more than so many alternatives a token."""
    return f"{_FEW}{most}"


def merged(*bends: Iterable[str]) -> Form:
    """Return bends in their order, each once.

    Examples
    --------
    >>> merged(["omit n"], ["omit seed", "omit n"])
    ('omit n', 'omit seed')
    """
    return tuple(dict.fromkeys(one for some in bends for one in some))


def bent(body: Mapping[str, Any], bends: Iterable[str]) -> tuple[dict[str, Any], Form]:
    """Return a request's body as bends make it, and the bends that changed it.

    Examples
    --------
    >>> bent({"max_tokens": 9, "n": 1}, ["omit n", "omit seed", "rename max_tokens=most"])
    ({'most': 9}, ('omit n', 'rename max_tokens=most'))
    """
    now, form = dict(body), list[str]()
    for one in bends:
        after = _bend(now, one)
        if after is not None:
            now = after
            form.append(one)
    return now, tuple(form)


def _bend(body: dict[str, Any], bend: str) -> dict[str, Any] | None:
    """Return a body after one bend; None where there is nothing to change."""
    if bend == SYSTEM:
        return _without_system(body)
    if bend == JSON_OBJECT:
        asked = body.get("response_format", {}).get("type")
        wanted = {"type": "json_object"}
        return {**body, "response_format": wanted} if asked == "json_schema" else None
    if bend.startswith(_FEW):
        most = int(bend.removeprefix(_FEW))
        return {**body, "top_logprobs": most} if body.get("top_logprobs", 0) > most else None
    verb, _, rest = bend.partition(" ")
    if verb == "omit":
        gone = [name for name in _TOGETHER.get(rest, (rest,)) if name in body]
        return {name: v for name, v in body.items() if name not in gone} if gone else None
    field, _, name = rest.partition("=")
    if field not in body:
        return None
    return {name if key == field else key: value for key, value in body.items()}


def _without_system(body: dict[str, Any]) -> dict[str, Any] | None:
    messages = body.get("messages", [])
    said = [one["content"] for one in messages if one["role"] == "system"]
    rest = [dict(one) for one in messages if one["role"] != "system"]
    if not said:
        return None
    first = next((k for k, one in enumerate(rest) if one["role"] == "user"), None)
    if first is None:
        return {**body, "messages": [{"role": "user", "content": "\n\n".join(said)}, *rest]}
    content = rest[first]["content"]
    if isinstance(content, str):
        rest[first]["content"] = "\n\n".join([*said, content])
    else:
        # a text and images below it
        before = [{"type": "text", "text": text} for text in said]
        rest[first]["content"] = [*before, *content]
    return {**body, "messages": rest}


def path_of(body: Mapping[str, Any]) -> str:
    """Return how a body asks for structure: ``json_schema``, ``json_object`` or ``text``.

    Examples
    --------
    >>> path_of({"response_format": {"type": "json_object"}}), path_of({})
    ('json_object', 'text')
    """
    return str(body.get("response_format", {}).get("type", "text"))


def bent_key(key: str, form: Form) -> str:
    """Return the key of a request in a form; the full request keeps its own.

    Examples
    --------
    >>> bent_key("k", ()), len(bent_key("k", ("omit seed",)))
    ('k', 32)
    """
    if not form:
        return key
    return hashlib.blake2b(f"{key}\n{json.dumps(form)}".encode(), digest_size=16).hexdigest()


def told(counts: Mapping[str, int]) -> str:
    """Return in words what requests were changed, with how many of each.

    Examples
    --------
    >>> told({"omit seed": 2, "rename max_tokens=max_completion_tokens": 2})
    'omit seed (2), rename max_tokens=max_completion_tokens (2)'
    """
    return ", ".join(f"{bend} ({n:,})" for bend, n in counts.items())
