"""Asking an OpenAI-compatible endpoint: many calls at once, each kept as it comes back."""

from __future__ import annotations

import asyncio
import os
import random
import re
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from typing import Any, Protocol

from workbench.errors import JudgeError
from workbench.llm.asking.bends import Form, merged, omit, path_of, rename
from workbench.llm.asking.body import body_of
from workbench.llm.asking.call import Wire
from workbench.llm.asking.completion import reply_of, unpaid, without
from workbench.llm.asking.connection import session
from workbench.llm.asking.dead_end import DeadEnd
from workbench.llm.asking.failures import LONGEST_WAIT_S, CallFailedError
from workbench.llm.asking.headers import check_headers, key_place, sent_headers, values_of
from workbench.llm.asking.refusals import bends_for
from workbench.llm.budget import Call, SpentError
from workbench.llm.endpoint import Endpoint
from workbench.llm.pace import Pace
from workbench.llm.reading import NO_ANSWER
from workbench.llm.reply import Reply
from workbench.llm.request import Request

_FIRST_WAIT_S = 0.5
_STATUS = re.compile(r"status (\d{3})")
_ODD_ATTEMPTS = 2
"""Attempts at a request that is refused for no known reason: it may have been chance."""


class Model(Protocol):
    """What can be asked: an endpoint, or the offline model."""

    base_url: str

    async def ask(self, request: Request) -> Reply:
        """Return the reply to one request; a failure where there is none."""


class Memory(Protocol):
    """Where it is kept what a server wants otherwise, such as the journal."""

    def learnt(self, name: str) -> Mapping[str, Sequence[Form]]:
        """Return the forms in which the models of an endpoint answered, by model."""

    def learn(self, name: str, model: str, form: Form) -> None:
        """Keep a form in which a model answered."""

    def __len__(self) -> int:
        """Return the number of answers that are kept."""


def name_of(model: Endpoint | Model) -> str:
    """Return how keys name what is asked."""
    return model.name if isinstance(model, Endpoint) else model.base_url


class Client:
    """A model behind an endpoint; use :func:`connected` to open one.

    Each model is asked with the full request first. Where a refusal speaks of a field, that
    request is sent without it, or as the words say; once it is answered so, all later ones
    of the model are asked in the same way.

    Attributes
    ----------
    base_url : str
    pace : Pace
    tail : bool
        Nothing is left to ask but what is on the way or failed before. Requests that fail
        each time gather there: they have all their attempts, and are no dead end.
    """

    def __init__(
        self, endpoint: Endpoint, wire: Wire, memory: Memory | None, secrets: Sequence[str] = ()
    ) -> None:
        self.endpoint, self.base_url = endpoint, endpoint.base_url
        self.pace = Pace(endpoint.concurrency)
        before = memory is not None and len(memory) > 0
        key_in = key_place(endpoint.headers, endpoint.key_variable)
        self._line = DeadEnd(endpoint.base_url, key_in, before)
        self._wire, self._memory, self._secrets = wire, memory, secrets
        kept = {} if memory is None else memory.learnt(endpoint.name)
        self._forms = {(model, form) for model, forms in kept.items() for form in forms}
        self._learnt = {
            model: merged(self.endpoint.bends, *forms) for model, forms in kept.items()
        }  # in the order in which it was learnt
        self._scouts: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.tail = False
        self._asking = 0
        self._end: JudgeError | None = None
        # the permit of each call: a run counts and limits them
        self.attempt: Callable[[Request], AbstractContextManager[Call]] = _free

    async def ask(self, request: Request) -> Reply:
        """Return the reply to one request.

        Connection errors, timeouts and the statuses 408, 409, 429 and 5xx are tried again
        with growing, jittered waits; an unreadable reply is asked for once more, with the
        next seed.

        Raises
        ------
        JudgeError
            Calls in a row failed, over all requests, in a way that asking again does not
            mend: the key, the quota, the address, a server that does not answer.
        """
        if not self._asking:
            # what was a dead end may be none when it is asked again
            self._end = None
            self.pace.over.clear()
        self._asking += 1
        try:
            return await self._asked(request)
        finally:
            self._asking -= 1

    def stop(self) -> None:
        """End all waiting: nothing more is to be sent."""
        self.pace.over.set()

    async def _asked(self, request: Request) -> Reply:
        reply, tries = await self._answer(request)
        if not reply.failed or not reply.usage.calls or tries >= self.endpoint.attempts:
            return reply
        seed = request.sampling.seed
        other = replace(request.sampling, seed=None if seed is None else seed + 1)
        try:
            again, _ = await self._answer(replace(request, sampling=other))
        except (SpentError, JudgeError):
            # the reply at hand is paid for; the next request meets the end
            return replace(reply, cut_short=True)
        if again.failed and not again.usage.calls:
            return replace(reply, attempts=reply.attempts + again.attempts)
        return replace(
            again if not again.failed else replace(again, text=_both(reply.text, again.text)),
            usage=reply.usage + again.usage,
            attempts=reply.attempts + again.attempts,
        )

    async def _answer(self, request: Request) -> tuple[Reply, int]:
        """Return what the server says after as many attempts as it takes, and their number.

        Calls in which the server only said how it wants to be asked are no attempts.
        """
        trial: list[str] = []
        tries = calls = 0
        answers = self._line.answers
        scouting = False
        try:
            while True:
                async with self.pace.slot() as begun:
                    if self._end is not None:
                        # one error of many requests: its own way here is enough
                        raise self._end.with_traceback(None)
                    body, form = self._body(request, trial)
                    try:
                        reply = await self._send(request, body)
                    except CallFailedError as error:
                        calls, failure = calls + 1, error
                    else:
                        self._came(reply, request, form, begun)
                        return replace(reply, attempts=calls + 1, form=form), tries + 1
                if failure.again:
                    continue
                if self._bends(failure, request, trial, body):
                    if not scouting:
                        await self._go_ahead(request.model, trial)
                        scouting = True
                    continue
                if scouting:
                    self._scouts[request.model].release()
                    scouting = False
                tries += 1
                last = tries >= self._most(failure)
                self._count(failure, request, begun, last and self._line.answers == answers)
                if last:
                    return _failed(failure, tries, calls), tries
                # a dead end, or who gives up, ends the waiting
                with suppress(TimeoutError):
                    wait = max(failure.wait_s, _backoff(tries))
                    await asyncio.wait_for(self.pace.over.wait(), min(wait, LONGEST_WAIT_S))
        finally:
            if scouting:
                self._scouts[request.model].release()

    async def _send(self, request: Request, body: dict[str, Any]) -> Reply:
        with self.attempt(request) as call:
            try:
                completion = await self._wire.post(request.route, body)
            except CallFailedError as error:
                if error.status is not None or error.unsent:
                    call.unpaid()
                raise
            reply = reply_of(completion, request, body, path_of(body))
            if reply.reason in NO_ANSWER:
                call.unpaid()
            call.took(reply.usage)
        # what an odd server sent may repeat the key
        return without(reply, self._secrets)

    async def _go_ahead(self, model: str, trial: list[str]) -> None:
        """Wait until no other request finds out how a model wants to be asked."""
        known = self._known(model)
        await self._scouts[model].acquire()
        if self._known(model) != known:
            # who went before has found out
            trial.clear()

    def _body(self, request: Request, trial: Sequence[str]) -> tuple[dict[str, Any], Form]:
        """Return what is sent, and the bends that made it so."""
        known = self._known(request.model)
        bends = merged(known, trial) if trial else known
        return body_of(request, bends, self.endpoint.extra_body)

    def _known(self, model: str) -> Form:
        return self._learnt.get(model, self.endpoint.bends)

    def _bends(
        self, failure: CallFailedError, request: Request, trial: list[str], body: dict[str, Any]
    ) -> bool:
        """Try a request otherwise, where the refusal says how; False where it does not."""
        if failure.status is None or request.inputs is not None:
            return False
        tried = merged(self._known(request.model), trial)
        for one in bends_for(failure.status, failure.raw, body):
            verb, _, rest = one.partition(" ")
            field, _, to = rest.partition("=")
            # a name that is refused, too, is left out
            there_and_back = verb == "rename" and rename(to, field) in tried
            fresh = omit(field) if there_and_back else one
            if fresh not in tried:
                trial.append(fresh)
        # others may have learnt it while this call was on the way
        return self._body(request, trial)[0] != body

    def _came(self, reply: Reply, request: Request, form: Form, begun: float) -> None:
        """Count a reply: an answer, or one like a refusal where nothing came of the model."""
        if reply.reason in NO_ANSWER:
            empty = CallFailedError(reply.text, 200, concerns=("odd", "a reply without an answer"))
            self._count(empty, request, begun, False)
        else:
            self._answered(request.model, form)

    def suspect(self, request: Request, reason: str) -> None:
        """Take note that a request has failed before, for a reason: it may be its own."""
        status = _STATUS.search(reason)
        self._line.suspect(_pair(request), int(status[1]) if status else None)

    def _answered(self, model: str, form: Form) -> None:
        """Count an answer, and ask all later requests of a model in the form that it had."""
        self.pace.answered()
        self._line.answered()
        if form and (model, form) not in self._forms:
            self._forms.add((model, form))
            self._learnt[model] = merged(self._known(model), form)
            if self._memory is not None:
                # the reply that is at hand matters more; who keeps it tells of a full disk
                with suppress(sqlite3.Error):
                    self._memory.learn(self.endpoint.name, model, form)

    def _most(self, failure: CallFailedError) -> int:
        """Return how many attempts a request has after a failure."""
        if failure.whose in ("server", "busy"):
            return self.endpoint.attempts
        return min(_ODD_ATTEMPTS, self.endpoint.attempts) if failure.whose == "odd" else 1

    def _count(
        self, failure: CallFailedError, request: Request, begun: float, given_up: bool
    ) -> None:
        """Count a failed attempt; raises where it shows a dead end."""
        if failure.whose == "busy":
            self.pace.refused(failure.wait_s, begun)
        pair = _pair(request)
        alone = failure.whose in ("odd", "server") or failure.status == 403
        # that one which failed otherwise before fails now, does tell something of the server
        fresh = alone and pair not in self._line.known
        if self.tail and fresh and not (failure.unsent or failure.slow):
            return
        retried = failure.whose in ("server", "busy")
        last = given_up and retried
        oldest = self.pace.oldest
        end = self._line.failed(failure, request.model, pair, last=last, oldest=oldest)
        if end is not None:
            self._end = end
            self.stop()
            raise end
        silent = self._line.silent and not self._line.is_own(pair, failure)
        if failure.whose == "server" and silent:
            self.pace.hold(_FIRST_WAIT_S, begun)


def _failed(failure: CallFailedError, tries: int, calls: int) -> Reply:
    retried = failure.whose in ("server", "busy")
    what = f"no reply after {tries} attempts" if retried else failure.reason
    return unpaid(failure, what, calls)


def _pair(request: Request) -> object:
    return request.about.get("pair_id", id(request))


def _free(request: Request) -> AbstractContextManager[Call]:
    return nullcontext(Call())


def _backoff(attempt: int) -> float:
    return random.uniform(0.5, 1.0) * min(_FIRST_WAIT_S * 2.0 ** (attempt - 1), LONGEST_WAIT_S)


def _both(first: str, second: str) -> str:
    return first if first == second else f"{first}\n--- asked again ---\n{second}"


@asynccontextmanager
async def connected(endpoint: Endpoint, memory: Memory | None = None) -> AsyncIterator[Client]:
    """Open a connection to an endpoint; its key comes from the environment.

    Parameters
    ----------
    endpoint : Endpoint
    memory : Memory, optional
        Where it is kept what its server wants otherwise; only while it is open when None.

    Raises
    ------
    ConfigError
        The key or a header has no value, or cannot be sent.
    """
    key = os.environ.get(endpoint.key_variable)
    own, secrets = values_of(endpoint.headers)
    headers = sent_headers(endpoint.base_url, key, own)
    check_headers(headers, endpoint.key_variable, own)
    secrets += [key] if key else []
    async with session(endpoint.base_url) as connection:
        secrets += connection.secrets
        wire = Wire(connection, endpoint.base_url, headers, endpoint.timeout_s, secrets)
        yield Client(endpoint, wire, memory, secrets)
