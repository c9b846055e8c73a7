"""Matrix products on one thread while a verb runs.

The matrices of a fit are small: 30 columns, a block of rows. Shared out over threads they take
two to three times the processor for the same wall time, as the threads wait for each other. Where
there is work for several processors, the library shares out whole pieces of it itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache, wraps
from importlib import import_module
from threading import Lock
from typing import Any, TypeVar, cast

from threadpoolctl import ThreadpoolController

Verb = TypeVar("Verb", bound=Callable[..., Any])


class _Cap(AbstractContextManager[None]):
    """Holds BLAS to one thread from the first that enters to the last that leaves.

    The number of threads is one number for the whole process: were each user to restore what it
    found, two that overlap would leave the cap on for good, or lift it under the other.
    """

    def __init__(self) -> None:
        self.inside = 0
        self.lock = Lock()
        self.limit: Any = None

    def __enter__(self) -> None:
        with self.lock:
            if self.inside == 0:
                _take_control()
                self.limit = _blas().limit(limits=1, user_api="blas")
            self.inside += 1

    def __exit__(self, *error: object) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                _take_control()
                self.limit.restore_original_limits()


_CAP = _Cap()


def one_thread() -> AbstractContextManager[None]:
    """Hold matrix products to one thread; nested and concurrent uses count as one.

    Examples
    --------
    >>> import numpy as np
    >>> with one_thread():
    ...     float(np.ones(2) @ np.ones(2))
    2.0
    """
    return _CAP


def on_one_thread(verb: Verb) -> Verb:
    """Return the verb, holding matrix products to one thread while it runs.

    Examples
    --------
    >>> @on_one_thread
    ... def twice(x):
    ...     return 2 * x
    >>> twice(2)
    4
    """

    @wraps(verb)
    def held(*arguments: Any, **options: Any) -> Any:
        with _CAP:
            return verb(*arguments, **options)

    return cast("Verb", held)


@cache
def _blas() -> ThreadpoolController:
    # scipy brings a BLAS of its own, which must be there to be found
    import_module("scipy.linalg")
    return ThreadpoolController()


def _take_control() -> None:
    """Let this thread set the number: threadpoolctl heeds the first thread that did, only.

    That one may not be the last to leave, and the lock makes sure that one alone sets it.
    """
    for library in _blas().lib_controllers:
        let_go = getattr(library, "clear_controlling_thread", None)
        if let_go is not None:
            let_go(force=True)
