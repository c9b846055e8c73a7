"""One call: sent, waited for as a whole, and read as JSON or told as a failure."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.llm.asking.failures import CallFailedError, Whose

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from workbench.llm.asking.connection import Connection

_SAME_AGAIN = (307, 308)
_MOVES = 3
_FINE, _NO_MORE_FINE, _ERROR_IN_200 = 200, 300, 502
_LONGEST = 64 << 20
"""Bytes of an unpacked reply: the vectors of a batch have a third of it."""

_HOLDS = {"chat/completions": "choices", "embeddings": "data"}
"""What a reply has, by its route."""


class Wire:
    """A connection to the addresses of an endpoint.

    Parameters
    ----------
    connection : Connection
    base_url : str
    headers : mapping of str to str
    timeout_s : float
        Longest time from the call to the last byte of its reply.
    secrets : sequence of str
        What no message may repeat.
    """

    def __init__(
        self,
        connection: Connection,
        base_url: str,
        headers: Mapping[str, str],
        timeout_s: float,
        secrets: Sequence[str] = (),
    ) -> None:
        from aiohttp import ClientConnectorError, ClientError, ClientHttpProxyError
        from yarl import URL

        self._http, self._proxy_headers = connection.http, connection.proxy_headers or None
        self._headers = {**headers, **connection.headers}
        self._timeout_s, self._secrets = timeout_s, secrets
        # parsed once, for it takes its time
        self._urls = {route: URL(f"{base_url.rstrip('/')}/{route}") for route in _HOLDS}
        self._moves: defaultdict[str, int] = defaultdict(int)
        self._broken = (ClientError, OSError)
        self._unconnected, self._no_proxy = ClientConnectorError, ClientHttpProxyError

    async def post(self, route: str, body: Mapping[str, Any]) -> Any:
        """Return the JSON of a reply; its text where it is none.

        Raises
        ------
        CallFailedError
            No whole reply, a status that is no success, an error or a page in the place of a
            reply.
        """
        content = json.dumps(body).encode()
        try:
            async with asyncio.timeout(self._timeout_s):
                value, status, wait = await self._sent(route, content)
        except TimeoutError:
            took = f"no whole reply within {self._timeout_s:g} s"
            raise CallFailedError(took, slow=True) from None
        except CallFailedError:
            raise
        except self._no_proxy as error:
            words = f"the proxy answered {error.status} {error.message}"
            refused: tuple[Whose, str] = ("address", "refused by the proxy")
            raise CallFailedError(words, concerns=refused, secrets=self._secrets) from None
        except self._broken as error:
            unsent = isinstance(error, self._unconnected)
            words = f"{type(error).__name__}: {error}".rstrip(": ")
            raise CallFailedError(words, unsent=unsent, secrets=self._secrets) from None
        except Exception as error:
            # such as an address that is none: an error of this call
            raise CallFailedError(f"a reply that cannot be read: {type(error).__name__}") from None
        if status == _FINE:
            return value
        raise CallFailedError(value, status, wait, secrets=self._secrets)

    async def _sent(self, route: str, content: bytes) -> tuple[Any, int, str | None]:
        """Return what came, its status, and how long the server asks to wait."""
        url = self._urls[route]
        async with self._http.post(
            url, data=content, headers=self._headers, allow_redirects=False,
            proxy_headers=self._proxy_headers,
        ) as said:  # fmt: skip
            if said.status // 100 == 3 and "location" in said.headers:
                self._move(route, said)
            value, status = _read(await _bounded(said), said, route)
            return value, status, said.headers.get("retry-after")

    def _move(self, route: str, said: ClientResponse) -> None:
        """Take an address at the same server in the place of one that moved, for a next call."""
        from yarl import URL

        there = said.url.join(URL(said.headers["location"]))
        same = said.status in _SAME_AGAIN and there.origin() == said.url.origin()
        if same and self._urls[route] != said.url:
            raise CallFailedError("the address moved", said.status, again=True)
        if same and self._moves[route] < _MOVES:
            self._moves[route] += 1
            self._urls[route] = there
            raise CallFailedError("the address moved", said.status, again=True)
        # the headers hold the key: they go where the user sent them, and nowhere else
        to = f"a redirect to {there.origin()}{there.path}, which is not followed"
        other: tuple[Whose, str] = ("address", "sent to another address")
        raise CallFailedError(to, said.status, concerns=other, secrets=self._secrets)


async def _bounded(said: ClientResponse) -> bytes:
    """Return the unpacked body of a reply; what has no end is not read to its end."""
    parts, size = [], 0
    async for part in said.content.iter_any():
        size += len(part)
        if size > _LONGEST:
            said.close()
            raise CallFailedError(f"a reply of more than {_LONGEST >> 20} MiB", _ERROR_IN_200)
        parts.append(part)
    return b"".join(parts)


def _whole(said: ClientResponse) -> bool:
    """Return whether a reply that came was surely all of it: packed ones may end anywhere."""
    framed = said.content_length is not None or "transfer-encoding" in said.headers
    return framed and said.headers.get("content-encoding", "identity") == "identity"


def _text(raw: bytes, said: ClientResponse) -> str:
    try:
        return raw.decode(said.charset or "utf-8", "replace")
    except (LookupError, ValueError):
        # a character set that is none
        return raw.decode("utf-8", "replace")


def _read(raw: bytes, said: ClientResponse, route: str) -> tuple[Any, int]:
    """Return the JSON of a reply and its status; the text of what is none."""
    if not _FINE <= said.status < _NO_MORE_FINE:
        return _text(raw, said), said.status
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        text = _text(raw, said)
        if not text.strip():
            return "an empty reply", _ERROR_IN_200
        page = text.lstrip()[:1] == "<" or "html" in said.content_type
        if not page and not _whole(said):
            raise CallFailedError("a reply that was cut off") from None
        # what is no page was paid for, whatever it is: it is kept as it came
        return text, _ERROR_IN_200 if page else _FINE
    error = error_in(value, route)
    return (json.dumps(error), _ERROR_IN_200) if error else (value, _FINE)


def error_in(value: Any, route: str = "chat/completions") -> Any:
    """Return the error that stands where a reply should; None where there is none.

    Gateways send it with status 200, in many forms: an object without what a reply has, and
    without a bill, is one of them.

    Examples
    --------
    >>> error_in({"detail": "Not Found"}), error_in({"choices": [{"message": {}}]})
    ({'detail': 'Not Found'}, None)
    """
    if not isinstance(value, dict):
        return None
    choices = value.get("choices")
    if isinstance(choices, list) and choices:
        first = choices[0]
        broke = isinstance(first, dict) and first.get("finish_reason") == "error"
        return first.get("error") if broke else None
    if value.get("object") == "error":
        return value
    if value.get("error"):
        return value["error"]
    return None if _HOLDS[route] in value or value.get("usage") else value or "an empty object"
