"""One call: sent, waited for as a whole, and read as JSON or told as a failure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.llm.asking.failures import CallFailedError, redacted

if TYPE_CHECKING:
    from httpx2 import URL, AsyncClient, Response

_SAME_AGAIN = (307, 308)
_REDIRECTS = 3
_FINE, _MADE, _ERROR_IN_200 = 200, 201, 502


class Wire:
    """A connection to the addresses of an endpoint.

    Parameters
    ----------
    http : AsyncClient
    urls : mapping of str to URL
        By route; parsed once, for the transport takes its time over each.
    headers : mapping of str to str
    timeout_s : float
        Longest time from the call to the last byte of its reply.
    secrets : sequence of str
        What no message may repeat.
    """

    def __init__(
        self,
        http: AsyncClient,
        urls: Mapping[str, URL],
        headers: Mapping[str, str],
        timeout_s: float,
        secrets: Sequence[str] = (),
    ) -> None:
        from aiohttp import ClientConnectorError, ClientError
        from httpx2 import RequestError

        self._http, self._urls, self._headers = http, urls, headers
        self._timeout_s, self._secrets = timeout_s, secrets
        # the transport passes some errors of its own on as they are
        self._broken = (RequestError, ClientError, OSError)
        self._unconnected = ClientConnectorError

    async def post(self, route: str, body: Mapping[str, Any]) -> Any:
        """Return the JSON of a reply; its text where it is none.

        Raises
        ------
        CallFailedError
            No whole reply, a status that is no success, an error or a page in the place of a
            reply.
        """
        content = json.dumps(body)
        try:
            async with asyncio.timeout(self._timeout_s):
                said = await self._sent(self._urls[route], content)
        except TimeoutError:
            took = f"no whole reply within {self._timeout_s:g} s"
            raise CallFailedError(took, slow=True) from None
        except self._broken as error:
            # the transport names a refused connection a timeout: its cause tells
            unsent = isinstance(error.__cause__, self._unconnected)
            kind = type(error.__cause__ if unsent else error).__name__
            words = f"{kind}: {redacted(str(error), self._secrets)}"
            raise CallFailedError(words.rstrip(": "), unsent=unsent) from None
        except CallFailedError:
            raise
        except Exception as error:
            # an address or a header that cannot be read: an error of this call
            raise CallFailedError(f"a reply that cannot be read: {type(error).__name__}") from None
        try:
            value, status = _read(said)
        except Exception as error:
            # such as a character set that is none
            raise CallFailedError(f"a reply that cannot be read: {type(error).__name__}") from None
        if status == _FINE:
            return value
        words = redacted(value, self._secrets)
        raise CallFailedError(words, status, said.headers.get("retry-after"))

    async def _sent(self, url: URL, content: str) -> Response:
        for _ in range(_REDIRECTS):
            # the client's own post() builds its options, request and types anew for each call,
            # which takes twice the time of all else: its address, headers and transport do
            said = await self._http.post(
                url, content=content, headers=self._headers, follow_redirects=False
            )
            if said.status_code == _FINE or not said.is_redirect or "location" not in said.headers:
                return said
            there = url.join(said.headers["location"])
            if said.status_code not in _SAME_AGAIN or _origin(there) != _origin(url):
                break
            url = there
        # the headers hold the key: they go where the user sent them, and nowhere else
        to = f"{there.scheme}://{there.host}{there.path}"
        raise CallFailedError(f"a redirect to {to}, which is not followed", said.status_code)


def _origin(url: URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _read(said: Response) -> tuple[Any, int]:
    """Return the JSON of a reply and its status; the text of what is none."""
    if said.status_code not in (_FINE, _MADE):
        return said.text, said.status_code
    try:
        value = json.loads(said.content)
    except (ValueError, RecursionError):
        text = said.text
        page = text.lstrip()[:1] == "<" or "html" in said.headers.get("content-type", "")
        # what is no page was paid for, whatever it is: it is kept as it came
        return text, _ERROR_IN_200 if page else _FINE
    error = error_in(value)
    return (json.dumps(error), _ERROR_IN_200) if error else (value, _FINE)


def error_in(value: Any) -> Any:
    """Return the error that stands where a reply should: gateways send it with status 200."""
    if not isinstance(value, dict):
        return None
    choices = value.get("choices")
    if isinstance(choices, list) and choices:
        first = choices[0]
        broke = isinstance(first, dict) and first.get("finish_reason") == "error"
        return first.get("error") if broke else None
    if value.get("object") == "error":
        return value
    return value.get("error")
