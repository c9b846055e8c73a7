"""Asking many requests: what is kept is not asked again, what comes is kept at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from itertools import islice
from operator import length_hint
from types import TracebackType
from typing import Protocol, Self

from workbench.errors import UnwrittenError
from workbench.llm.batches.spooled import SpooledRequests
from workbench.llm.budget import Budget
from workbench.llm.client import Model, connected, name_of
from workbench.llm.endpoint import Endpoint
from workbench.llm.journal import Journal
from workbench.llm.progress import Ledger, Spending
from workbench.llm.reply import Reply
from workbench.llm.request import Request
from workbench.llm.sending.distinct import Distinct
from workbench.llm.sending.handed_over import Opened
from workbench.llm.sending.kept import Kept
from workbench.llm.sending.source import AHEAD
from workbench.llm.sending.stage import Stage, Tell
from workbench.shard import Shard

_LOOK_S = 0.02
"""How often a reader looks for replies: they come in numbers, and waking it for each takes time."""


class Asks(Protocol):
    """What answers the requests of a stage: an :class:`Asker`, or a :class:`Planner`."""

    base_url: str

    def ask(self, requests: Iterable[Request], stage: str) -> list[Reply | None]:
        """Return the replies in order; None where there is none yet."""

    def each(
        self, requests: Iterable[Request], stage: str, most: int | None = None
    ) -> Iterator[Reply | None]:
        """Yield the replies in order, as they come; requests are made as they are sent."""

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
    opened : callable, optional
        Given the stage and each request without a reply as it is found; then the planner
        itself keeps none.
    asked : SpooledRequests, optional
        Takes all requests, in the place of memory.

    Attributes
    ----------
    open : dict of str to list of Request
        Requests without a reply, by stage.
    asked : mapping of str to Request
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
        opened: Opened | None = None,
        asked: SpooledRequests | None = None,
    ) -> None:
        self.base_url, self.journal = base_url, journal
        self.budget = budget or Budget()
        self.open: dict[str, list[Request]] = {}
        self.asked: dict[str, Request] | SpooledRequests = {} if asked is None else asked
        self._takes_all = opened is None or asked is not None
        self._opened, self._seen = opened, Distinct()
        self._kept = Kept(journal, retry_failed=retry_failed)
        self._ledger = Ledger()

    def ask(self, requests: Iterable[Request], stage: str) -> list[Reply | None]:
        """Return the replies that are kept, in order; None for the others."""
        return list(self.each(requests, stage))

    def each(
        self, requests: Iterable[Request], stage: str, most: int | None = None
    ) -> Iterator[Reply | None]:
        """Yield the replies that are kept, in order; None for the others."""
        self.open.setdefault(stage, [])
        todo = iter(requests)
        while made := list(islice(todo, AHEAD)):
            keys = [request.key(self.base_url) for request in made]
            asked = dict(zip(keys, made, strict=True))
            replies = self._kept.get(asked)
            self._ledger.add(stage, asked, replies)
            # a question that comes again is asked once
            for new, (key, one) in zip(self._seen.add(list(asked)), asked.items(), strict=True):
                if new and key not in replies:
                    self._note(stage, one)
            if self._takes_all:
                self.asked.update(asked)
            yield from (replies.get(key) for key in keys)

    def _note(self, stage: str, request: Request) -> None:
        if self._opened is None:
            self.open[stage].append(request)
        else:
            self._opened(stage, request)

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
    shard : Shard, optional
        Ask only the requests of this share; the replies to others are those that are kept.

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
        shard: Shard | None = None,
    ) -> None:
        self.model, self.base_url, self.journal = model, name_of(model), journal
        self.shard = shard
        self.budget, self.tell = budget or Budget(), tell
        self.kept = Kept(journal, retry_failed=retry_failed)
        self.ledger = Ledger()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="asker")
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        self._client: Model | None = None
        self._under_way: tuple[Stage, Future[None]] | None = None
        self._unkept: dict[str, tuple[Reply, Request]] = {}

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

        if self._under_way is not None:
            # whoever read the replies went away
            with suppress(Exception):
                self._end(*self._under_way, "an interrupt")
        self._thread.submit(close).result()
        self._thread.shutdown()
        self._write_again(error)

    def ask(self, requests: Iterable[Request], stage: str) -> list[Reply | None]:
        """Return the replies in order; None where the budget ended the stage before.

        Equal requests are asked once. Of very many requests, :meth:`each` holds a few.

        Raises
        ------
        JudgeError
            The endpoint refuses for good. What was answered before is kept.
        ConfigError
            A limit on cost without prices.
        UnwrittenError
            A reply could not be kept: nothing more was sent.
        """
        return list(self.each(requests, stage))

    def each(
        self, requests: Iterable[Request], stage: str, most: int | None = None
    ) -> Iterator[Reply | None]:
        """Yield the replies in order, as they come; requests are made as they are sent.

        Parameters
        ----------
        requests : iterable of Request
            Made in a thread of their own.
        stage : str
        most : int, optional
            How many there are at most, for the progress; the length of a list.
        """
        most = length_hint(requests, 0) if most is None else most
        run = Stage(stage, requests, most if self.shard is None else self.shard.part(most), self)
        done = self._thread.submit(lambda: self._runner.run(self._ask(run)))
        self._under_way = run, done
        ended = threading.Event()
        done.add_done_callback(lambda _: ended.set())
        try:
            while True:
                over = ended.is_set()
                if over:
                    done.result()
                replies = run.source.read()
                yield from replies
                if not replies:
                    if over:
                        break
                    ended.wait(_LOOK_S)
        except KeyboardInterrupt:
            self._end(run, done, "an interrupt")
            raise
        except GeneratorExit:
            self._end(run, done, "the reader")
            raise
        finally:
            if ended.is_set():
                self._over(run)
        if run.trouble is not None:
            raise run.trouble

    def spending(self) -> list[Spending]:
        """Return what the replies of each stage used, asked now or kept."""
        return self.ledger.spending(self.budget)

    def _end(self, stage: Stage, done: Future[None], why: str) -> None:
        """Let the calls on the way come home; a second interrupt gives them up."""
        stage.stopped = stage.stopped or why
        self._runner.get_loop().call_soon_threadsafe(stage.stop, why)
        stage.source.close()
        try:
            done.result()
        except KeyboardInterrupt:
            self._runner.get_loop().call_soon_threadsafe(stage.cancel)
            # whoever interrupts once more waits no longer for what is given up
            with suppress(CancelledError, asyncio.CancelledError, KeyboardInterrupt):
                done.result()
        finally:
            self._over(stage)

    def _over(self, stage: Stage) -> None:
        """Tell how a stage ended, once."""
        if self._under_way is None or self._under_way[0] is not stage:
            return
        self._under_way = None
        self._unkept |= {
            key: (reply, stage.source.under_way[key]) for key, reply in stage.unkept.items()
        }
        stage.tell()

    def _write_again(self, error: BaseException | None) -> None:
        """Write what could not be written before; what is lost for good is told by count."""
        if not self._unkept:
            return
        replies = {key: reply for key, (reply, _) in self._unkept.items()}
        try:
            self.journal.put(replies, {key: asked for key, (_, asked) in self._unkept.items()})
        except UnwrittenError as again:
            many = f"replies that were paid for and are lost: {len(replies):,}"
            raise UnwrittenError(again.path, again.found, many) from error

    async def _ask(self, stage: Stage) -> None:
        workers = self.model.concurrency if isinstance(self.model, Endpoint) else 1
        await stage.ask_all(self._connected, workers)

    async def _connected(self) -> Model:
        if self._client is None:
            self._client = (
                await self._open.enter_async_context(connected(self.model, self.journal))
                if isinstance(self.model, Endpoint)
                else self.model
            )
        return self._client
