"""From a server's chat completion to a reply: whatever it holds, an answer or a failure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from workbench.llm.parse import UnreadableReplyError, closed, read_reply
from workbench.llm.replies.content import Content, content_of
from workbench.llm.replies.logprobs import token_logprobs
from workbench.llm.replies.thinking import Parted, may_think, parted
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request

NO_ANSWER = ("the server gave no choice", "the server gave no vectors")
"""Why a reply is a failure in which nothing came of the model."""

PATHS = ("json_schema", "json_object", "text")
"""How structure is asked for: what a server does not know falls back to the next."""


_BROKEN_OFF = ("error", "abort", "aborted", "cancelled", "canceled")


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

    The answer alone is read: what was thought before it, in the text or beside it, is kept
    in ``thinking``. A reply that ran into ``max_tokens`` is an answer where its JSON was
    closed before, as guided decoding leaves it when it pads with blanks.

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
        return Reply(_raw(completion), None, path, reason=NO_ANSWER[0])
    message = choice.get("message")
    content = content_of(message if isinstance(message, dict) else {})
    said = _parted(content, request)
    text, finish = (
        content.text if said.open else said.answer,
        str(choice.get("finish_reason") or ""),
    )
    value, reason = None, _no_answer(text, finish, content, said, request)
    if reason is not None:
        text = text or content.refusal or _raw(completion)
    else:
        value, reason = _read(text, request)
    logprobs = token_logprobs(choice.get("logprobs"))
    both = content.thinking and said.thinking
    thoughts = f"{content.thinking}\n{said.thinking}" if both else content.thinking or said.thinking
    usage = _usage(completion)
    return Reply(text, value, path, finish, logprobs, usage, reason=reason, thinking=thoughts)


def _read(text: str, request: Request) -> tuple[Any, str | None]:
    """Return the value of an answer, or why it has none."""
    if request.schema is None:
        return text, None
    schema = {**request.schema, "required": []} if request.partial else request.schema
    try:
        return read_reply(text, schema), None
    except UnreadableReplyError as error:
        return None, f"unreadable: {error}"


def _parted(content: Content, request: Request) -> Parted:
    """Return the answer of a text apart from its thinking."""
    text = content.text
    if not may_think(text) or (request.schema is not None and closed(text)):
        return Parted(text)
    return parted(text, lambda mark: any(mark in one["content"] for one in request.messages))


def _no_answer(
    text: str, finish: str, content: Content, said: Parted, request: Request
) -> str | None:
    """Return why a reply holds no answer; None where it may."""
    if content.refusal:
        return "the model refused"
    if finish.lower() in _BROKEN_OFF:
        return f"the server broke off the reply ({finish})"
    if finish == "content_filter":
        return "the server's content filter cut the reply"
    if finish == "length" and not (request.schema and _padded(text)):
        return "the reply was cut off at max_tokens"
    if said.open:
        return "the reply ends before its thinking does"
    return None if text.strip() else "the reply is empty"


def _padded(text: str) -> bool:
    """Return whether a text is closed JSON and then nothing but blanks."""
    return text[-1:].isspace() and closed(text)


def _embeddings(completion: Any, n: int) -> Reply:
    """Return vectors in the order of the texts; a failure where one is missing or odd."""
    rows = completion.get("data") if isinstance(completion, dict) else None
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    found = {row.get("index", k): row.get("embedding") for k, row in enumerate(rows)}
    vectors = [found.get(k) for k in range(n)]
    sizes = {_size(one) for one in vectors}
    if len(sizes) != 1 or 0 in sizes:
        return Reply(_raw(completion), None, "embeddings", reason=NO_ANSWER[1])
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
