"""What went wrong with a call, and whom it concerns: the request, the account, or the server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from workbench.llm.asking.refusals import filtered, too_long

Whose = Literal["request", "account", "address", "odd", "busy", "server"]
"""Whom a failure concerns.

``request``: this request alone, and for good; ``account``: the key or the quota;
``address``: the address or the model's name; ``odd``: a refusal of no known reason; ``busy``:
the server asks to wait; ``server``: it does not answer, or answers something else.
"""

LONGEST_WAIT_S = 60.0
_LONGEST_SAID = 300
_SHORTEST_SECRET = 4

_QUOTA = re.compile(
    r"insufficient_quota|exceeded your current quota|credit balance|out of credits"
    r"|billing[ _](details|hard|not_active|is not active)"
    r"|insufficient (balance|credit|fund)|budget has been exceeded|quota (is )?exhausted"
)
_SOON = re.compile(r"retry in|retrydelay|per minute|try again in")


class CallFailedError(Exception):
    """A call without an answer.

    Parameters
    ----------
    said : str
        What the server said, or what happened to the connection.
    status : int or None
        None where there was no reply.
    retry_after : str or None
        The header, as the server sent it.
    slow : bool
        The reply did not come in time.
    unsent : bool
        There was no connection: the server never saw the call.
    concerns : tuple of str, optional
        Whom it concerns and why, where neither the status nor the words say so.
    secrets : sequence of str
        What no message may repeat.
    again : bool
        The call was only sent on: it is to be made again, as it is.

    Attributes
    ----------
    whose : str
        Whom it concerns (:data:`Whose`).
    reason : str
        In words, such as ``too long for the model``.
    wait_s : float
        How long the server asks to wait.
    """

    def __init__(
        self,
        said: str,
        status: int | None = None,
        retry_after: str | None = None,
        *,
        slow: bool = False,
        unsent: bool = False,
        concerns: tuple[Whose, str] | None = None,
        secrets: Iterable[str] = (),
        again: bool = False,
    ) -> None:
        self.status, self.raw, self.slow, self.unsent = status, said, slow, unsent
        self.again = again
        self.said = message_of(said, secrets)
        self.wait_s = _seconds(retry_after)
        self.whose, self.reason = _concerns(status, said, self.wait_s)
        if unsent:
            self.reason = "no connection"
        if concerns:
            self.whose, self.reason = concerns
        super().__init__(self.said if status is None else f"status {status}: {self.said}")


def _concerns(status: int | None, said: str, wait_s: float) -> tuple[Whose, str]:
    words = said[:20_000].lower()
    if status is None:
        return "server", "no answer"
    if status == 407:
        return "address", "refused by the proxy"
    if status == 413:
        return "request", "too large for the server"
    if (status in (400, 422, 500) and too_long(words)) or (
        status == 429 and "request too large" in words
    ):
        return "request", "too long for the model"
    if status in (400, 403, 422, 451) and filtered(words):
        return "request", "stopped by a content filter"
    if status in (400, 402, 403, 429) and _QUOTA.search(words) and not _soon(words, wait_s):
        return "account", "the quota is used up"
    if "insufficient_quota" in words or status in (401, 402):
        return "account", "the account is refused"
    if status in (403, 404, 405):
        return "address", "refused"
    if status in (408, 409, 425, 429) or (status == 503 and wait_s):
        return "busy", "the server is busy"
    return ("odd", "refused") if status < 500 else ("server", "no answer")


def _soon(words: str, wait_s: float) -> bool:
    # a rate limit in the words of a quota, as Gemini has it
    return "insufficient_quota" not in words and (wait_s > 0 or _SOON.search(words) is not None)


def _seconds(retry_after: str | None) -> float:
    if not retry_after:
        return 0.0
    try:
        wait = float(retry_after)
    except ValueError:
        try:
            wait = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return 0.0
    return min(wait, LONGEST_WAIT_S) if wait > 0 else 0.0


def message_of(text: str, secrets: Iterable[str] = ()) -> str:
    """Return what a server says, in one line without control characters and secrets.

    Examples
    --------
    >>> message_of('{"error": {"message": "No such model"}}')
    'No such model'
    """
    # decoded before, for a secret may stand there in escapes, and cut afterwards
    return readable(redacted(_said(text, secrets), secrets))[:_LONGEST_SAID]


def _said(text: str, secrets: Iterable[str]) -> str:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return _title(redacted(text, secrets))
    found = found[0] if isinstance(found, list) and found else found
    for name in ("error", "message", "detail"):
        inner = found.get(name) if isinstance(found, dict) else None
        found = inner if inner else found
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def _title(text: str) -> str:
    """Return the title of a page; any other text as it is."""
    title = re.search(r"<title[^>]*>([^<]{1,200})", text[:20_000], re.IGNORECASE)
    return f"an HTML page, {title[1].strip()!r}" if title else text[: 10 * _LONGEST_SAID]


def readable(text: str) -> str:
    """Return text in one line, without characters that steer a terminal or turn its direction.

    Examples
    --------
    >>> readable("no" + chr(27) + "[31m quota" + chr(0x202E))
    'no [31m quota'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def redacted(text: str, secrets: Iterable[str], shortest: int = _SHORTEST_SECRET) -> str:
    """Return text without secrets, which some servers repeat.

    Examples
    --------
    >>> redacted("Incorrect API key provided: sk-123456", ["sk-123456"])
    'Incorrect API key provided: (the key)'
    """
    for secret in secrets:
        if len(secret) >= shortest:
            text = text.replace(secret, "(the key)")
    return text
