"""From what a server sent to the reply that is kept: the same for a call and for a batch file."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.llm.asking.failures import CallFailedError, redacted
from workbench.llm.asking.trust import IMAGE_CHARACTERS, believed, whole
from workbench.llm.reading import read_completion
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request

_ANY, _NO_WORD = 4, 12
"""Characters of secrets that are looked for in failures, and in answers."""


def reply_of(completion: Any, request: Request, body: Mapping[str, Any], path: str) -> Reply:
    """Return the reply that a completion holds; whatever it is, it fails alone.

    Parameters
    ----------
    completion : object
        The decoded JSON of the server, whatever it is.
    request : Request
    body : mapping
        What was sent for it: it says how much usage is believed.
    path : str
        How the structure was asked for.

    Examples
    --------
    >>> said = {"choices": [{"message": {"content": "Hi"}}], "usage": {"prompt_tokens": 9**19}}
    >>> one = reply_of(said, Request("m", ()), {}, "text")
    >>> one.value, one.usage.prompt_tokens
    ('Hi', 0)
    """
    try:
        reply = whole(read_completion(completion, request, path))
    except Exception as error:
        # paid for, and no reason to end the run
        reason = f"unreadable: {type(error).__name__}"
        return Reply(reprlib.repr(completion), None, path, reason=reason)
    texts = request.inputs or [one["content"] for one in request.messages]
    characters = sum(map(len, texts)) + IMAGE_CHARACTERS * len(request.pictures)
    usage = believed(reply.usage, body, characters)
    return reply if usage is reply.usage else replace(reply, usage=usage)


def without(reply: Reply, secrets: Sequence[str]) -> Reply:
    """Return a reply in which no secret stands, which some servers repeat.

    What a model answered is left as it is where the secret may be a word, such as ``test``.

    Examples
    --------
    >>> without(Reply("key sk-0123456789", "key sk-0123456789"), ["sk-0123456789"]).value
    'key (the key)'
    """
    shortest = _ANY if reply.failed else _NO_WORD
    told = [one for one in secrets if len(one) >= shortest]
    reason, thinking, finish = reply.reason or "", reply.thinking, reply.finish_reason
    whole_text = f"{reply.text}{reason}{thinking}{finish}"
    # a value may hold what its text only writes as an escape
    whole_text += json.dumps(reply.value, ensure_ascii=False) if "\\" in reply.text else ""
    if not any(one in whole_text for one in told):
        return reply
    return replace(
        reply,
        text=redacted(reply.text, told),
        value=_redacted(reply.value, told),
        reason=redacted(reason, told) or None,
        thinking=redacted(thinking, told),
        finish_reason=redacted(finish, told),
    )


def _redacted(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, str):
        return redacted(value, secrets)
    if isinstance(value, list):
        return [_redacted(one, secrets) for one in value]
    if isinstance(value, dict):
        return {redacted(name, secrets): _redacted(one, secrets) for name, one in value.items()}
    return value


def unpaid(failure: CallFailedError, what: str, attempts: int) -> Reply:
    """Return the failure of a request that a server did not answer.

    Parameters
    ----------
    failure : CallFailedError
    what : str
        What became of the request, before the server's words.
    attempts : int
        Calls that it took.

    Examples
    --------
    >>> unpaid(CallFailedError("Overloaded", 529), "no answer", 1).reason
    'no answer: status 529: Overloaded'
    """
    return Reply(
        failure.said,
        None,
        "",
        usage=Usage(calls=0),
        attempts=attempts,
        reason=f"{what}: {failure}",
        permanent=failure.whose == "request",
    )
