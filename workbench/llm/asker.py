"""Asking many requests: what is kept is not asked again, what comes is kept at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Protocol, Self

from workbench.llm.budget import Budget
from workbench.llm.client import Client, Model, connected, name_of
from workbench.llm.endpoint import Endpoint
from workbench.llm.journal import Journal
from workbench.llm.progress import Ledger, Progress, Spending
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request

_TELL_S = 0.5
_STAGGER_S = 0.001

Tell = Callable[[Progress], None]


class Asks(Protocol):
    """What answers the requests of a stage: an :class:`Asker`, or a :class:`Planner`."""

    base_url: str

    def ask(self, requests: Sequence[Request], stage: str) -> list[Reply | None]:
        """Return the replies in order; None where there is none yet."""

    def spending(self) -> list[Spending]:
        """Return what each stage used, in the order of their first request."""


class Planner:
    """Looks up what is kept, and collects what would have to be asked.

    Parameters
    ----------
    base_url : str
        Of the endpoint that would be asked: it is part of a request's key.
    journal : Journal
    budget : Budget, optional
        Its prices tell what was spent.
    retry_failed : bool
        Count requests whose paid reply could not be read, or that the server refused for good,
        as still to be asked.

    Attributes
    ----------
    open : dict of str to list of Request
        Requests without a reply, by stage.
    asked : dict of str to Request
        All requests by key.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "j.sqlite") as journal:
    ...     planner = Planner("http://127.0.0.1:1/v1", journal)
    ...     planner.ask([Request("m", ({"role": "user", "content": "Hi"},))], "greeting")
    [None]
    >>> len(planner.open["greeting"])
    1
    """

    def __init__(
        self,
        base_url: str,
        journal: Journal,
        *,
        budget: Budget | None = None,
        retry_failed: bool = False,
    ) -> None:
        self.base_url, self.journal = base_url, journal
        self.budget = budget or Budget()
        self.retry_failed = retry_failed
        self.open: dict[str, list[Request]] = {}
        self.asked: dict[str, Request] = {}
        self._ledger = Ledger()

    def ask(self, requests: Sequence[Request], stage: str) -> list[Reply | None]:
        """Return the replies that are kept, in order; None for the others."""
        keys = [request.key(self.base_url) for request in requests]
        asked = dict(zip(keys, requests, strict=True))
        replies = self.kept(asked)
        self._ledger.add(stage, asked, replies)
        # a question that comes again is asked once
        self.open.setdefault(stage, []).extend(
            one for key, one in asked.items() if key not in replies and key not in self.asked
        )
        self.asked |= asked
        return [replies.get(key) for key in keys]

    def kept(self, asked: Mapping[str, Request]) -> dict[str, Reply]:
        """Return the answers that are kept, and the failures that were paid for or are for good."""
        replies = self.journal.get(asked)
        if not self.retry_failed:
            failed = self.journal.failed(key for key in asked if key not in replies)
            replies |= {k: one for k, one in failed.items() if one.usage.calls or one.permanent}
        return replies

    def spending(self) -> list[Spending]:
        """Return what the kept replies of each stage used."""
        return self._ledger.spending(self.budget)


class Asker:
    """Answers requests: from the journal where it has them, else by asking the model.

    One event loop and one connection serve the whole run, in a thread of their own, so that
    a notebook's loop is no hindrance. An interrupt lets the calls on the way come home
    before it is passed on.

    Parameters
    ----------
    model : Endpoint or Model
        Where to ask, or a model that is at hand, such as the offline one.
    journal : Journal
        Keeps each reply as it comes.
    budget : Budget, optional
        Ends a stage before a limit is crossed; it can be taken up later.
    tell : callable, optional
        Told the progress twice a second and at the end of each stage.
    retry_failed : bool
        Ask again where the reply that is kept, and was paid for, could not be read, and what
        the server refused for good.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> class Echo:
    ...     base_url = "offline:echo"
    ...     async def ask(self, request):
    ...         return Reply(request.messages[-1]["content"], request.messages[-1]["content"])
    >>> hello = Request("echo", ({"role": "user", "content": "Hello"},))
    >>> with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "j.sqlite") as journal:
    ...     with Asker(Echo(), journal) as asker:
    ...         asker.ask([hello], "greeting")[0].value
    'Hello'
    """

    def __init__(
        self,
        model: Endpoint | Model,
        journal: Journal,
        *,
        budget: Budget | None = None,
        tell: Tell | None = None,
        retry_failed: bool = False,
    ) -> None:
        self.model, self.base_url, self.journal = model, name_of(model), journal
        self.budget, self.tell = budget or Budget(), tell
        self._planner = Planner(
            self.base_url, journal, budget=self.budget, retry_failed=retry_failed
        )
        self._ledger = Ledger()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="asker")
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        self._client: Model | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        def close() -> None:
            self._runner.run(self._open.aclose())
            self._runner.close()

        self._thread.submit(close).result()
        self._thread.shutdown()

    def ask(self, requests: Sequence[Request], stage: str) -> list[Reply | None]:
        """Return the replies in order; None where the budget ended the stage before.

        Equal requests are asked once.

        Raises
        ------
        JudgeError
            The endpoint refuses for good. What was answered before is kept.
        ConfigError
            A limit on cost without prices.
        """
        self.budget.check(request.model for request in requests)
        keys = [request.key(self.base_url) for request in requests]
        asked = dict(zip(keys, requests, strict=True))
        replies = self._planner.kept(asked)
        run = _Stage(stage, asked, replies, self)
        try:
            if run.waiting:
                self._run(run)
        finally:
            self._ledger.add(stage, asked, replies)
            if self.tell is not None:
                self.tell(run.progress())
        return [replies.get(key) for key in keys]

    def spending(self) -> list[Spending]:
        """Return what the replies of each stage used, asked now or kept."""
        return self._ledger.spending(self.budget)

    def _run(self, stage: _Stage) -> None:
        done = self._thread.submit(lambda: self._runner.run(self._ask(stage)))
        try:
            done.result()
        except KeyboardInterrupt:
            stage.stopped = "an interrupt"
            self._await_or_cancel(done, stage)
            raise

    def _await_or_cancel(self, done: Future[None], stage: _Stage) -> None:
        """Let the calls on the way come home; a second interrupt gives them up."""
        try:
            done.result()
        except KeyboardInterrupt:
            self._runner.get_loop().call_soon_threadsafe(stage.cancel)
            with suppress(CancelledError):
                done.result()

    async def _ask(self, stage: _Stage) -> None:
        if self._client is None:
            self._client = (
                await self._open.enter_async_context(connected(self.model, self.journal))
                if isinstance(self.model, Endpoint)
                else self.model
            )
        workers = self.model.concurrency if isinstance(self.model, Endpoint) else 1
        await stage.ask_all(self._client, workers)


class _Stage:
    """The requests of one stage on their way."""

    def __init__(
        self, name: str, asked: dict[str, Request], replies: dict[str, Reply], asker: Asker
    ) -> None:
        self.name, self.asked, self.replies = name, asked, replies
        self.journal, self.budget, self.tell = asker.journal, asker.budget, asker.tell
        self.waiting = {key: one for key, one in asked.items() if key not in replies}
        self.kept = len(asked) - len(self.waiting)
        self.failed = self.attempts = 0
        self.stopped: str | None = None
        self.model: Model | None = None
        self._fresh: dict[str, Reply] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._start = time.monotonic()

    async def ask_all(self, model: Model, workers: int) -> None:
        self.model = model
        todo = iter(self.waiting.items())
        self._tasks = [asyncio.create_task(self._work(model, todo, k)) for k in range(workers)]
        telling = asyncio.create_task(self._keep_telling())
        try:
            await asyncio.gather(*self._tasks)
        except Exception:
            # the calls on the way come home too: they are paid for
            self.stopped = "an error"
            await asyncio.gather(*self._tasks, return_exceptions=True)
            raise
        finally:
            telling.cancel()
            self._flush()

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _work(self, model: Model, todo: Iterator[tuple[str, Request]], place: int) -> None:
        # begun together, their replies would come together for ever, and wait for each other
        await asyncio.sleep(_STAGGER_S * place)
        # the workers share one iterator: each takes the next request
        for key, request in todo:
            if self.stopped:
                return
            if not self.budget.begin(request):
                self.stopped = "the budget"
                return
            used = Usage(calls=0)
            try:
                reply = await model.ask(request)
                used = reply.usage
            finally:
                self.budget.end(request, used)
            self._keep(key, reply)
            self.failed += reply.failed
            self.attempts += reply.attempts
            # a model at hand never waits: without this nothing else has its turn
            await asyncio.sleep(0)

    def _keep(self, key: str, reply: Reply) -> None:
        """Keep a reply together with the others that came in the same turn of the loop."""
        self.replies[key] = reply
        if not self._fresh:
            asyncio.get_running_loop().call_soon(self._flush)
        self._fresh[key] = reply

    def _flush(self) -> None:
        replies, self._fresh = self._fresh, {}
        if replies:
            self.journal.put(replies, self.asked)

    async def _keep_telling(self) -> None:
        while self.tell is not None:
            self.tell(self.progress())
            await asyncio.sleep(_TELL_S)

    def progress(self) -> Progress:
        pace = self.model.pace.limit if isinstance(self.model, Client) else float("nan")
        return Progress(
            stage=self.name,
            requests=len(self.asked),
            kept=self.kept,
            answered=len(self.replies) - self.kept - self.failed,
            failed=self.failed,
            attempts=self.attempts,
            limit=pace,
            seconds=time.monotonic() - self._start,
            spent=dict(self.budget.spent),
            cost=self.budget.cost(self.budget.spent),
            stopped=self.stopped,
        )
