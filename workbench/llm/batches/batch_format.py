"""What a format of batch files is: lines out, lines in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from workbench.errors import JudgeError
from workbench.llm.request import Request


class Answer(NamedTuple):
    """What a line of replies holds.

    Attributes
    ----------
    completion : dict or None
        As a chat completion, whatever the format; None where the line holds an error.
    error : str
        What became of the request instead.
    """

    completion: dict[str, Any] | None
    error: str = ""


@dataclass(frozen=True)
class BatchFormat:
    """A format of batch files.

    Attributes
    ----------
    name : str
    most_requests, most_bytes : int
        Limits of one file.
    line : callable
        Makes the line of a request from its key, itself, and the body that is sent for it.
    path : callable
        How structure is asked for in that line: as :class:`~workbench.llm.reply.Reply` has it.
    key : str
        Field of a line that holds the request's key.
    is_reply, is_request : callable
        Whether a line is one of this format.
    answer : callable
        What a line of replies holds.
    """

    name: str
    most_requests: int
    most_bytes: int
    line: Callable[[str, Request, Mapping[str, Any]], dict[str, Any]]
    path: Callable[[Request], str]
    key: str
    is_reply: Callable[[Mapping[str, Any]], bool]
    is_request: Callable[[Mapping[str, Any]], bool]
    answer: Callable[[Mapping[str, Any]], Answer]


def refused(name: str, what: str, fix: str) -> JudgeError:
    """Return the error of a request that a batch API cannot take."""
    return JudgeError(
        f"A request cannot be written for {name}'s batch API.",
        found=what,
        expected="a chat with what that API knows",
        fix=fix,
    )


def said_of(error: Any) -> str:
    """Return an error in a few words: its code or kind, else its message.

    Examples
    --------
    >>> said_of({"code": "batch_expired"}), said_of({"error": {"type": "api_error"}})
    ('batch_expired', 'api_error')
    >>> said_of({"code": 400}), said_of(None)
    ('code 400', 'no reply in the line')
    """
    if isinstance(error, dict):
        inner = error.get("error")
        if isinstance(inner, dict):
            return said_of(inner)
        error = next((error[k] for k in ("code", "status", "type", "message") if error.get(k)), "")
    said = f"code {error}" if isinstance(error, int) else str(error or "no reply in the line")
    return said[:80]
