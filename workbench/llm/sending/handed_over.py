"""Requests that one thread finds and another one uses, a few at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import Queue

from workbench.llm.request import Request

_HELD = 256
_LATE_S = 0.1

Opened = Callable[[str, Request], None]
"""Given the stage and each request that has no reply."""


class _LeftError(Exception):
    """Nobody takes the requests any more."""


def handed_over(find: Callable[[Opened], None]) -> Iterator[Request]:
    """Yield the requests that a function finds, while it finds them.

    Parameters
    ----------
    find : callable
        Given what it calls with the stage and the request of each; runs in a thread of its own.

    Examples
    --------
    >>> hello = Request("m", ({"role": "user", "content": "Hi"},))
    >>> [one.model for one in handed_over(lambda found: found("greeting", hello))]
    ['m']
    """
    waiting: Queue[Request | None] = Queue(_HELD)
    left = threading.Event()
    errors: list[BaseException] = []

    def put(stage: str, request: Request) -> None:
        waiting.put(request)
        if left.is_set():
            raise _LeftError

    def run() -> None:
        try:
            find(put)
        except _LeftError:
            pass
        except BaseException as error:
            errors.append(error)
        finally:
            waiting.put(None)

    thread = threading.Thread(target=run, name="finds requests")
    thread.start()
    try:
        while (one := waiting.get()) is not None:
            yield one
    finally:
        left.set()
        while thread.is_alive():
            # what it waits to hand over is let go
            while not waiting.empty():
                waiting.get()
            thread.join(_LATE_S)
    if errors:
        raise errors[0]
