"""What a format of batch files is: lines out, lines in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from workbench.errors import JudgeError
from workbench.llm.asking.bends import Form, bent_key
from workbench.llm.asking.body import body_of
from workbench.llm.asking.failures import CallFailedError, readable
from workbench.llm.request import Request

_STATUSES = range(400, 600)
_LONGEST_NAME = 80
_MARK = 8


class Answer(NamedTuple):
    """What a line of replies holds.

    Attributes
    ----------
    completion : dict or None
        As a chat completion, whatever the format; None where the line holds an error.
    error : str
        What became of the request instead, in a word or two.
    failure : CallFailedError or None
        The error as it would be of a call, in the server's words.
    """

    completion: dict[str, Any] | None
    error: str = ""
    failure: CallFailedError | None = None


@dataclass(frozen=True)
class BatchFormat:
    """A format of batch files.

    Attributes
    ----------
    name : str
    most_requests, most_bytes : int
        Limits of one file.
    line : callable
        Makes the line of a request from its id, itself, and the body that is sent for it.
    path : callable
        How structure is asked for in the line of a request and a body: as
        :class:`~workbench.llm.reply.Reply` has it.
    key : str
        Field of a line that holds its id.
    is_reply, is_request : callable
        Whether a line is one of this format.
    answer : callable
        What a line of replies holds.
    """

    name: str
    most_requests: int
    most_bytes: int
    line: Callable[[str, Request, Mapping[str, Any]], dict[str, Any]]
    path: Callable[[Request, Mapping[str, Any]], str]
    key: str
    is_reply: Callable[[Mapping[str, Any]], bool]
    is_request: Callable[[Mapping[str, Any]], bool]
    answer: Callable[[Mapping[str, Any]], Answer]

    def shown(self, request: Request, form: Form) -> Form:
        """Return those bends of a form that a line shows: not every API has every field."""
        seen: Form = ()
        line = self.line("", request, body_of(request)[0])
        for one in form:
            bent = self.line("", request, body_of(request, (*seen, one))[0])
            if bent != line:
                seen, line = (*seen, one), bent
        return seen


def id_of(key: str, form: Form) -> str:
    """Return the id of a line: the request's key, and a mark of the form in which it is asked.

    Examples
    --------
    >>> id_of("k", ()), len(id_of("k", ("omit seed",)))
    ('k', 10)
    """
    return f"{key}-{bent_key(key, form)[:_MARK]}" if form else key


def asked_by(line_id: str, forms: Iterable[Form]) -> tuple[str, Form | None]:
    """Return the key of a line's request, and its form; None where it is none of these.

    Examples
    --------
    >>> asked_by(id_of("k", ("omit seed",)), [("omit n",), ("omit seed",)])
    ('k', ('omit seed',))
    """
    key, _, mark = line_id.partition("-")
    if not mark:
        return key, ()
    return key, next((form for form in forms if id_of(key, form) == line_id), None)


def refused(name: str, what: str, fix: str) -> JudgeError:
    """Return the error of a request that a batch API cannot take."""
    return JudgeError(
        f"A request cannot be written for {name}'s batch API.",
        found=what,
        expected="a chat with what that API knows",
        fix=fix,
    )


def unanswered(error: Any, status: Any = None, name: str | None = None) -> Answer:
    """Return what a line holds that has an error in the place of a reply.

    Parameters
    ----------
    error : object
        As the line has it.
    status : object
        Of the call; heeded where it is an HTTP status of a failure.
    name : str, optional
        What to call it; what the error itself tells when None.

    Examples
    --------
    >>> one = unanswered({"type": "server_error", "message": "Overloaded"}, 502)
    >>> one.error, str(one.failure)
    ('server_error', 'status 502: Overloaded')
    """
    name = said_of(error) if name is None else readable(name)[:_LONGEST_NAME]
    words = error if isinstance(error, str) else json.dumps(error) if error else name
    known = status if isinstance(status, int) and status in _STATUSES else None
    return Answer(None, name, CallFailedError(words, known))


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
    return readable(said)[:_LONGEST_NAME]
