"""Asking an OpenAI-compatible endpoint: many calls at once, each kept as it comes back."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from workbench.errors import ConfigError, JudgeError
from workbench.llm.budget import Call, SpentError
from workbench.llm.pace import Pace
from workbench.llm.reading import PATHS, read_completion, response_format
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request

if TYPE_CHECKING:
    from httpx2 import AsyncClient
    from openai import AsyncOpenAI

_RETRIED = (408, 409, 429)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 60.0
_NO_KEY = "none"
"""Sent where no key is set: local servers ask for none."""


@dataclass(frozen=True)
class Endpoint:
    """Where models are asked, and how patiently.

    Attributes
    ----------
    base_url : str
        Of an OpenAI-compatible server, such as ``http://127.0.0.1:8000/v1``.
    key_variable : str
        Environment variable that holds the key; the key itself is never stored.
    concurrency : int
        Most calls at once.
    timeout_s : float
        Longest wait for one reply.
    attempts : int
        Calls before a request is given up as failed.

    Examples
    --------
    >>> Endpoint("http://127.0.0.1:8000/v1").concurrency
    16
    """

    base_url: str
    key_variable: str = "OPENAI_API_KEY"
    concurrency: int = 16
    timeout_s: float = 120.0
    attempts: int = 6

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        fine = parts.scheme in ("http", "https") and parts.hostname
        if not fine or "@" in parts.netloc or parts.query:
            raise ConfigError(
                "The address of the endpoint cannot be used.",
                # what stands in the place of a key is not repeated
                found=f"{parts.scheme or 'no scheme'}://{parts.hostname or 'no host'}{parts.path}",
                expected="http(s)://host[:port]/v1, without a name, password or query",
                fix="Give the plain address; the key comes from the environment.",
            )
        if min(self.concurrency, self.attempts) < 1 or not self.timeout_s > 0:
            raise ConfigError(
                "The endpoint's limits cannot be used.",
                found=f"concurrency={self.concurrency}, attempts={self.attempts}, "
                f"timeout_s={self.timeout_s}",
                expected="at least 1 call at once, 1 attempt, and a timeout above 0",
                fix="Give larger values.",
            )


class Model(Protocol):
    """What can be asked: an endpoint, or the offline model."""

    base_url: str

    async def ask(self, request: Request) -> Reply:
        """Return the reply to one request; a failure where there is none."""


class _RefusedError(Exception):
    """A status that is no success, with what the server said."""

    def __init__(self, status: int, retry_after: str | None, text: str) -> None:
        self.status, self.said = status, _message(text)
        super().__init__(f"status {status}: {self.said}")
        try:
            self.retry_after_s = min(max(float(retry_after or 0), 0.0), _LONGEST_WAIT_S)
        except ValueError:
            self.retry_after_s = 0.0


def _message(text: str) -> str:
    """Return the message of an error as servers write it, or all of the text."""
    try:
        said = json.loads(text)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        said = text
    return str(said)[:300]


class Client:
    """A model behind an endpoint; use :func:`connected` to open one.

    Attributes
    ----------
    base_url : str
    pace : Pace
    paths : dict of str to str
        How structure is asked of each model, as far as its server understands it.
    """

    def __init__(self, endpoint: Endpoint, api: AsyncOpenAI, http: AsyncClient) -> None:
        self.endpoint, self.base_url = endpoint, endpoint.base_url
        self.pace = Pace(endpoint.concurrency)
        self.paths: dict[str, str] = {}
        # the permit of each call: a run counts and limits them
        self.attempt: Callable[[Request], AbstractContextManager[Call]] = _free
        self._http, self._key = http, api.api_key
        # parsed once: the transport takes its time over each header and address
        self._urls = {r: api.base_url.join(r) for r in ("chat/completions", "embeddings")}
        headers = {**api.default_headers, **api.auth_headers}
        self._headers = {
            name: text
            for name, text in headers.items()
            if isinstance(text, str) and not name.startswith("X-Stainless")
        }

    async def ask(self, request: Request) -> Reply:
        """Return the reply to one request.

        Connection errors, timeouts and the statuses 408, 409, 429 and 5xx are tried again
        with growing, jittered waits; an unreadable reply is asked for once more, with the
        next seed.

        Raises
        ------
        JudgeError
            An error that asking again does not mend: the key, the address, the model.
        """
        reply = await self._answer(request)
        if not reply.failed or not reply.usage.calls or reply.attempts >= self.endpoint.attempts:
            return reply
        seed = request.sampling.seed
        other = replace(request.sampling, seed=None if seed is None else seed + 1)
        try:
            again = await self._answer(replace(request, sampling=other))
        except SpentError:
            return reply
        return replace(
            again if not again.failed else replace(again, text=_both(reply.text, again.text)),
            usage=reply.usage + again.usage,
            attempts=reply.attempts + again.attempts,
        )

    async def _answer(self, request: Request) -> Reply:
        """Return what the server says, after as many attempts as it takes."""
        problem = ""
        for attempt in range(1, self.endpoint.attempts + 1):
            async with self.pace.slot() as begun:
                path = self._path(request)
                try:
                    with self.attempt(request) as call:
                        reply = await self._read(request, path, call)
                except SpentError as spent:
                    spent.attempts = attempt - 1
                    raise
                except Exception as error:
                    wait = self._judge(error, request, path, attempt, begun)
                    problem = self._redacted(str(error) or type(error).__name__)
                else:
                    self.pace.answered()
                    return replace(reply, attempts=attempt)
            await asyncio.sleep(wait)
        given_up = f"no reply after {self.endpoint.attempts} attempts: {problem}"
        nothing = Usage(calls=0)
        attempts = self.endpoint.attempts
        return Reply(problem, None, "", usage=nothing, attempts=attempts, reason=given_up)

    async def _read(self, request: Request, path: str, call: Call) -> Reply:
        from httpx2 import ConnectError

        try:
            completion = await self._call(request, path)
        except (_RefusedError, ConnectError):
            call.unpaid()
            raise
        reply = read_completion(completion, request, path)
        call.took(reply.usage)
        return reply

    def _path(self, request: Request) -> str:
        return "text" if request.schema is None else self.paths.get(request.model, PATHS[0])

    async def _call(self, request: Request, path: str) -> Any:
        body = request.body()
        if request.schema is not None:
            body |= response_format(request.schema, path)
        # the client's own post() builds its options, request and types anew for each call,
        # which takes twice the time of all else: its address, headers and transport do
        url, content = self._urls[request.route], json.dumps(body)
        said = await self._http.post(url, content=content, headers=self._headers)
        if said.status_code != 200:
            raise _RefusedError(said.status_code, said.headers.get("retry-after"), said.text)
        try:
            return json.loads(said.content)
        except ValueError:
            # paid for, whatever it is: it is kept as it came
            return said.text

    def _judge(
        self, error: Exception, request: Request, path: str, attempt: int, begun: float
    ) -> float:
        """Return how long to wait before the next attempt, or raise what asking cannot mend."""
        from httpx2 import TransportError

        if isinstance(error, _RefusedError):
            status, asked_s = error.status, error.retry_after_s
            if status == 400 and request.schema is not None and path != PATHS[-1]:
                # a server that does not know this response format; all later calls ask otherwise
                self.paths[request.model] = PATHS[PATHS.index(path) + 1]
                return 0.0
            if status not in _RETRIED and status < 500:
                said = self._redacted(error.said)
                raise _permanent(status, said, request, self.endpoint) from None
            if status == 429:
                self.pace.refused(asked_s, begun)
            return min(max(asked_s, _backoff(attempt)), _LONGEST_WAIT_S)
        if isinstance(error, TransportError):
            return _backoff(attempt)
        raise error

    def _redacted(self, text: str) -> str:
        """Return a server's message without the key, which some servers repeat."""
        return text if self._key == _NO_KEY else text.replace(self._key, "(the key)")


def _free(request: Request) -> AbstractContextManager[Call]:
    return nullcontext(Call())


def _backoff(attempt: int) -> float:
    return random.uniform(0.5, 1.0) * min(_FIRST_WAIT_S * 2.0 ** (attempt - 1), _LONGEST_WAIT_S)


def _both(first: str, second: str) -> str:
    return first if first == second else f"{first}\n--- asked again ---\n{second}"


def _permanent(status: int, said: str, request: Request, endpoint: Endpoint) -> JudgeError:
    fixes = {
        401: f"Set the environment variable {endpoint.key_variable} to a valid key.",
        403: f"The key in {endpoint.key_variable} may not use this model.",
        404: "Check the address (--base-url, it usually ends in /v1) and the model's name.",
    }
    return JudgeError(
        "The endpoint refuses the call, and asking again would not help.",
        where=endpoint.base_url,
        found=f"status {status} for model {request.model!r}: {said}",
        expected=f"an answer of {request.route}",
        fix=fixes.get(status, "Read the server's message, then change the request."),
    )


@asynccontextmanager
async def connected(endpoint: Endpoint) -> AsyncIterator[Client]:
    """Open a connection to an endpoint; its key comes from the environment."""
    from openai import AsyncOpenAI, DefaultAioHttpClient

    key = os.environ.get(endpoint.key_variable) or _NO_KEY
    async with (
        DefaultAioHttpClient(timeout=endpoint.timeout_s) as http,
        AsyncOpenAI(api_key=key, base_url=endpoint.base_url, http_client=http) as api,
    ):
        yield Client(endpoint, api, http)
