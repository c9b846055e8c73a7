"""The requests of one stage on their way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from workbench.errors import UnwrittenError
from workbench.llm.budget import Budget, Call, SpentError
from workbench.llm.client import Client, Model
from workbench.llm.journal import Journal
from workbench.llm.progress import Ledger, Progress
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request
from workbench.llm.sending.kept import Kept
from workbench.llm.sending.source import Source
from workbench.shard import Shard

_TELL_S = 0.5
_STAGGER_S = 0.001
_BOOKED = 256
_CUT = " ended them"
_NOTHING = Usage(calls=0)

Tell = Callable[[Progress], None]


class Run(Protocol):
    """What the stages of a run share."""

    base_url: str
    journal: Journal
    budget: Budget
    ledger: Ledger
    kept: Kept
    tell: Tell | None
    shard: Shard | None


class Stage:
    """Sends the requests of a stage, and keeps and counts what comes.

    Parameters
    ----------
    name : str
    requests : iterable of Request
        Made as they are sent.
    most : int
        How many there are at most, for the progress.
    run : Run

    Attributes
    ----------
    stopped : str or None
        Why nothing more is sent: no call and no further attempt.
    unkept : dict of str to Reply
        Replies that could not be written.
    """

    def __init__(self, name: str, requests: Iterable[Request], most: int, run: Run) -> None:
        self.name, self.most, self.run = name, most, run
        self.source = Source(self._priced(requests), run.base_url, run.kept, self._found, run.shard)
        self.answered = self.failed = self.attempts = 0
        self.stopped: str | None = None
        self.unkept: dict[str, Reply] = {}
        self.trouble: UnwrittenError | None = None
        self.model: Model | None = None
        self._models: set[str] = set()
        self._booked: tuple[dict[str, Request], dict[str, Reply]] = ({}, {})
        self._tasks: list[asyncio.Task[None]] = []
        self._keys: dict[asyncio.Task[None] | None, str] = {}
        # of the request that a task is about: its calls, and the tokens that nobody billed
        self._taken: dict[asyncio.Task[None] | None, Usage] = {}
        self._start = time.monotonic()

    async def ask_all(self, connect: Callable[[], Awaitable[Model]], workers: int) -> None:
        """Send all requests that have no reply; nothing is opened where there is none.

        Raises
        ------
        UnwrittenError
            A reply could not be written, or the progress not told.
        """
        telling = asyncio.create_task(self._keep_telling())
        try:
            first = await self.source.take()
            if first is not None:
                self.source.give_back(first[0])
                self.model = await connect()
                await self._work_together(self.model, workers)
            self._flush()
            if self.trouble is None:
                await self.source.leave_open()
        finally:
            telling.cancel()
            self._flush()
            self.book()
        if self.trouble is not None:
            raise self.trouble

    async def _work_together(self, model: Model, workers: int) -> None:
        if isinstance(model, Client):
            model.attempt = self.attempt
        self._tasks = [asyncio.create_task(self._work(model, k)) for k in range(workers)]
        try:
            await asyncio.gather(*self._tasks)
        except Exception:
            # the calls on the way come home too: they are paid for
            self.stop("an error")
            await asyncio.gather(*self._tasks, return_exceptions=True)
            raise

    def stop(self, why: str) -> None:
        """Send nothing more, and wait for nothing but the calls on the way."""
        self.stopped = self.stopped or why
        if isinstance(self.model, Client):
            self.model.stop()

    def cancel(self) -> None:
        """Give up the calls on the way."""
        for task in self._tasks:
            task.cancel()

    @contextmanager
    def attempt(self, request: Request) -> Iterator[Call]:
        """Hold the permit of one call, which is counted when it is sent.

        Raises
        ------
        SpentError
            A limit would be crossed, or the stage was stopped.
        """
        if self.stopped:
            raise SpentError
        held = self.run.budget.begin(request)
        if held is None:
            self.stop("the budget")
            raise SpentError
        task = asyncio.current_task()
        try:
            self.run.journal.sending(
                self._keys[task], request.model, self.run.budget.expected(held)
            )
        except UnwrittenError as error:
            self.run.budget.forget(held)
            self.give_up(error)
            raise SpentError from error
        self.attempts += 1
        call = Call()
        try:
            yield call
        finally:
            booked = self.run.budget.end(held, call.usage)
            one = booked if call.usage is None else Usage()
            self._taken[task] = self._taken.get(task, _NOTHING) + one

    async def _work(self, model: Model, place: int) -> None:
        # begun together, their replies would come together for ever, and wait for each other
        await asyncio.sleep(_STAGGER_S * place)
        while not self.stopped and (one := await self.source.take()) is not None:
            key, request = one
            self._taken[asyncio.current_task()] = _NOTHING
            self._keys[asyncio.current_task()] = key
            if isinstance(model, Client):
                model.tail = self.source.tail
                before = self.run.kept.before.get(key, _CUT)
                if not before.endswith(_CUT):
                    model.suspect(request, before)
            try:
                reply = await self._reply(model, request)
            except SpentError:
                self._lose(key)
                return
            except BaseException:
                self._lose(key)
                raise
            self._keep(key, self._counted(reply))
            # a model at hand never waits: without this nothing else has its turn
            await asyncio.sleep(0)

    def _lose(self, key: str) -> None:
        """Keep what a request took, when it has no reply and no more calls.

        It counts on when the run is taken up; it is asked again then.
        """
        lost = self._counted(Reply("", None, usage=Usage(calls=0), attempts=0, reason=""))
        if lost.attempts and self.trouble is None:
            why = self.stopped or "an error"
            reason = f"no reply after {lost.attempts} attempts: {why}{_CUT}"
            self._write({key: replace(lost, reason=reason)})

    def _counted(self, reply: Reply) -> Reply:
        """Return a reply with the calls that were sent for it, and what they are taken for."""
        taken = self._taken[asyncio.current_task()]
        guessed = (taken.prompt_tokens, taken.completion_tokens)
        if reply.attempts == taken.calls and not any(guessed):
            return reply
        return replace(reply, attempts=taken.calls, guessed=guessed)

    async def _reply(self, model: Model, request: Request) -> Reply:
        if isinstance(model, Client):
            return await model.ask(request)
        with self.attempt(request) as call:
            reply = await model.ask(request)
            call.took(reply.usage)
        return reply

    def _keep(self, key: str, reply: Reply) -> None:
        """Keep a reply together with the others that came in the same turn of the loop."""
        if not self.unkept:
            asyncio.get_running_loop().call_soon(self._flush)
        self.unkept[key] = reply
        self.run.kept.asked(key, reply)
        self.failed += reply.failed
        self.answered += not reply.failed

    def _flush(self) -> None:
        replies = self.unkept
        if not replies or not self._write(replies):
            return
        self.unkept = {}
        asked, known = self._booked
        asked |= {key: self.source.under_way[key] for key in replies}
        known |= replies
        if len(known) >= _BOOKED:
            self.book()
        self.source.answer(replies)

    def _write(self, replies: Mapping[str, Reply]) -> bool:
        """Write replies; where that fails, nothing more is sent."""
        try:
            self.run.journal.put(replies, self.source.under_way)
        except UnwrittenError as error:
            self.give_up(error)
            return False
        return True

    def give_up(self, error: UnwrittenError) -> None:
        """Send nothing more, for what comes cannot be kept."""
        self.trouble = self.trouble or error
        self.stop("a file that cannot be written")

    def book(self) -> None:
        """Enter the replies that came into the ledger."""
        asked, replies = self._booked
        self._booked = ({}, {})
        if asked:
            self.run.ledger.add(self.name, asked, replies)

    def _found(self, asked: Mapping[str, Request], replies: Mapping[str, Reply]) -> None:
        self.run.ledger.add(self.name, asked, replies)

    def _priced(self, requests: Iterable[Request]) -> Iterator[Request]:
        """Pass requests on; a limit on cost without a price is told before the call."""
        for one in requests:
            if one.model not in self._models:
                self._models.add(one.model)
                self.run.budget.check(self._models)
            yield one

    async def _keep_telling(self) -> None:
        while True:
            self.tell()
            await asyncio.sleep(_TELL_S)

    def tell(self) -> None:
        """Tell the progress; where it cannot be written, nothing more is sent."""
        if self.run.tell is not None:
            try:
                self.run.tell(self.progress())
            except UnwrittenError as error:
                self.give_up(error)

    def progress(self) -> Progress:
        """Return how far the stage is."""
        pace = self.model.pace.limit if isinstance(self.model, Client) else float("nan")
        source, budget = self.source, self.run.budget
        seen = source.seen.count
        return Progress(
            stage=self.name,
            requests=seen if source.exhausted else max(seen, self.most),
            kept=source.n_kept,
            answered=self.answered,
            failed=self.failed,
            attempts=self.attempts,
            limit=pace,
            seconds=time.monotonic() - self._start,
            spent=dict(budget.spent),
            cost=budget.cost(budget.spent),
            stopped=self.stopped,
        )
