"""Work in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from workbench.engine.in_order import in_order, refuse_workers

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True)
class Local:
    """Work in this process: one part after another, or on threads.

    Threads are of use where a part is numpy's or Arrow's work, which lets others run meanwhile.

    Attributes
    ----------
    workers : int
        Threads; at 1, a part is begun when its result is asked for.

    Examples
    --------
    >>> list(Local().map(len, ["a", "bc"]))
    [1, 2]
    """

    workers: int = 1
    name = "local"

    def __post_init__(self) -> None:
        refuse_workers(self.workers)

    def map(self, work: Callable[[P], R], parts: Iterable[P]) -> Iterator[R]:
        """Yield what ``work`` makes of each part, in order (:meth:`Engine.map`)."""
        if self.workers == 1:
            yield from in_order(lambda part: _now(work, part), parts, 1, ahead=1)
            return
        pool = ThreadPoolExecutor(self.workers, "part")
        try:
            yield from in_order(lambda part: pool.submit(work, part), parts, self.workers)
        finally:
            pool.shutdown(cancel_futures=True)

    def map_with(
        self,
        setup: Callable[[], T],
        work: Callable[[T, P], R],
        parts: Iterable[P],
        gpus: float | None = 0,
    ) -> Iterator[R]:
        """Yield what ``work`` makes of each part (:meth:`Engine.map_with`), one at a time."""
        made = setup()
        yield from Local().map(lambda part: work(made, part), parts)


def _now(work: Callable[[P], R], part: P) -> Future[R]:
    """Return what came of a part, here and at once."""
    future: Future[R] = Future()
    try:
        future.set_result(work(part))
    except Exception as error:
        future.set_exception(error)
    return future
