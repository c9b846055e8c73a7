"""From a server's chat completion to a reply: whatever it holds, an answer or a failure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workbench.llm.parse import UnreadableReplyError, read_reply
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request

PATHS = ("json_schema", "json_object", "text")
"""How structure is asked for: what a server does not know falls back to the next."""


def response_format(schema: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the field of a chat completion that asks for structure.

    Examples
    --------
    >>> response_format({"type": "object"}, "json_object")
    {'response_format': {'type': 'json_object'}}
    """
    if path == "json_schema":
        wanted = {"name": "reply", "strict": True, "schema": dict(schema)}
        return {"response_format": {"type": "json_schema", "json_schema": wanted}}
    return {"response_format": {"type": "json_object"}} if path == "json_object" else {}


def read_completion(completion: Any, request: Request, path: str) -> Reply:
    """Return the reply that a chat completion holds.

    Parameters
    ----------
    completion : object
        The decoded JSON of the server, whatever it is.
    request : Request
    path : str
        How the structure was asked for.

    Examples
    --------
    >>> said = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    >>> read_completion(said, Request("m", ()), "text").value
    'Hi'
    >>> read_completion({"choices": []}, Request("m", ()), "text").reason
    'the server gave no choice'
    """
    if request.inputs is not None:
        return _embeddings(completion, len(request.inputs))
    choice = _first_choice(completion)
    if choice is None:
        return Reply(_raw(completion), None, path, reason="the server gave no choice")
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    usage, finish = _usage(completion), str(choice.get("finish_reason") or "")
    content, refusal = message.get("content"), message.get("refusal")
    text = content if isinstance(content, str) else ""
    known = Reply(text, None, path, finish, _logprobs(choice.get("logprobs")), usage)
    if refusal:
        return replace(known, text=text or str(refusal), reason="the model refused")
    if finish == "content_filter":
        return replace(known, reason="the server's content filter cut the reply")
    if finish == "length":
        return replace(known, reason="the reply was cut off at max_tokens")
    if not text.strip():
        return replace(known, text=_raw(completion), reason="the reply is empty")
    if request.schema is None:
        return replace(known, value=text)
    schema = {**request.schema, "required": []} if request.partial else request.schema
    try:
        return replace(known, value=read_reply(text, schema))
    except UnreadableReplyError as error:
        return replace(known, reason=f"unreadable: {error}")


def _embeddings(completion: Any, n: int) -> Reply:
    """Return vectors in the order of the texts; a failure where one is missing or odd."""
    rows = completion.get("data") if isinstance(completion, dict) else None
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    found = {row.get("index", k): row.get("embedding") for k, row in enumerate(rows)}
    vectors = [found.get(k) for k in range(n)]
    sizes = {_size(one) for one in vectors}
    if len(sizes) != 1 or 0 in sizes:
        return Reply(_raw(completion), None, "embeddings", reason="the server gave no vectors")
    return Reply("", vectors, "embeddings", usage=_usage(completion))


def _size(value: Any) -> int:
    """Return the size of a vector; 0 of what is none."""
    if not isinstance(value, list):
        return 0
    fine = all(isinstance(x, int | float) and math.isfinite(x) for x in value)
    return len(value) if fine else 0


def _first_choice(completion: Any) -> dict[str, Any] | None:
    choices = completion.get("choices") if isinstance(completion, dict) else None
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    return None


def _raw(completion: Any) -> str:
    text = completion if isinstance(completion, str) else json.dumps(completion, default=str)
    return text[:20_000]


def _usage(completion: Mapping[str, Any]) -> Usage:
    given = completion.get("usage")
    given = given if isinstance(given, dict) else {}
    counts = [given.get(name) for name in ("prompt_tokens", "completion_tokens")]
    return Usage(*(count if isinstance(count, int) and count >= 0 else 0 for count in counts))


def _logprobs(given: Any) -> tuple[dict[str, Any], ...] | None:
    content = given.get("content") if isinstance(given, dict) else None
    if not isinstance(content, list):
        return None
    tokens = []
    for one in content:
        if not isinstance(one, dict) or not isinstance(one.get("logprob"), int | float):
            return None
        top = {
            str(other.get("token")): float(other["logprob"])
            for other in one.get("top_logprobs") or ()
            if isinstance(other, dict) and isinstance(other.get("logprob"), int | float)
        }
        tokens.append(
            {"token": str(one.get("token")), "logprob": float(one["logprob"]), "top": top}
        )
    return tuple(tokens)
