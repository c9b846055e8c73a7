"""From what a server sent to the reply that is kept: the same for a call and for a batch file."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workbench.llm.asking.failures import CallFailedError
from workbench.llm.asking.trust import believed, whole
from workbench.llm.reading import read_completion
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request


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
    usage = believed(reply.usage, body, sum(map(len, texts)))
    return reply if usage is reply.usage else replace(reply, usage=usage)


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
