"""Results in the order of the parts, a bounded number on the way, what fails tried again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from typing import Generic, TypeVar

from workbench.errors import PartError, WorkbenchError, refuse_out_of_range, whole

P = TypeVar("P")
R = TypeVar("R")

TRIES = 3
AHEAD = 4
"""Parts begun whose results wait for an earlier part, for each worker."""


@dataclass
class _Begun(Generic[P, R]):
    """A part that was begun and has not been handed out."""

    part: P
    tries: int = 0
    results: tuple[R, ...] = ()
    error: WorkbenchError | None = None

    @property
    def over(self) -> bool:
        return bool(self.results) or self.error is not None

    def settle(self, done: Future[R]) -> None:
        """Take what came of it; nothing where it is to be tried again."""
        error = done.exception()
        if error is None:
            self.results = (done.result(),)
        elif isinstance(error, WorkbenchError):
            self.error = error.of_part(self.part)
        elif self.tries >= TRIES:
            self.error = PartError(self.part, self.tries, error)
            self.error.__cause__ = error

    def result(self) -> R:
        if self.error is not None:
            raise self.error
        return self.results[0]


def in_order(
    submit: Callable[[P], Future[R]], parts: Iterable[P], workers: int, ahead: int = AHEAD
) -> Iterator[R]:
    """Yield the results of parts in order, with ``workers`` of them on the way at a time.

    A part that failed for good is told at its place, and none is begun any more.

    Parameters
    ----------
    submit : callable
        Begins a part, in whatever process, and returns what will come of it.
    parts : iterable
    workers : int
    ahead : int
        Most parts, for each worker, that were begun and not handed out.

    Raises
    ------
    PartError
        A part failed three times.
    WorkbenchError
        What the work refused; it is not tried again.
    """
    left = iter(parts)
    held: deque[_Begun[P, R]] = deque()
    finished = SimpleQueue[tuple[_Begun[P, R], Future[R]]]()

    def begin(one: _Begun[P, R]) -> None:
        one.tries += 1
        submit(one.part).add_done_callback(lambda done: finished.put((one, done)))

    running, failed = 0, False
    while True:
        room = 0 if failed else min(workers - running, ahead * workers - len(held))
        for part in islice(left, room):
            held.append(_Begun(part))
            running += 1
            begin(held[-1])
        if not held:
            return
        if held[0].over and finished.empty():
            yield held.popleft().result()
            continue
        one, done = finished.get()
        one.settle(done)
        if one.over:
            running -= 1
            failed = failed or one.error is not None
        else:
            begin(one)


def refuse_workers(workers: int) -> None:
    """Refuse fewer than one worker.

    Raises
    ------
    DesignError
    """
    refuse_out_of_range({"workers": (whole(workers, 1), workers, "a whole number, 1 or more")})
