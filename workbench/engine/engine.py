"""What an engine does for a verb."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")


@runtime_checkable
class Engine(Protocol):
    """What does the same work with each of many parts."""

    @property
    def name(self) -> str:
        """How ``--engine`` calls it."""

    def map(self, work: Callable[[P], R], parts: Iterable[P]) -> Iterator[R]:
        """Yield what ``work`` makes of each part, in order.

        Parameters
        ----------
        work : callable
            A pure function of one part that can be pickled.
        parts : iterable
            Taken a few at a time, so that it may be long.

        Raises
        ------
        PartError
            A part failed three times.
        WorkbenchError
            What ``work`` raised, with the part named; it would be the same the next time.
        """

    def map_with(
        self,
        setup: Callable[[], T],
        work: Callable[[T, P], R],
        parts: Iterable[P],
        gpus: float | None = 0,
    ) -> Iterator[R]:
        """Yield what ``work`` makes of each part with what ``setup`` makes once a worker.

        Parameters
        ----------
        setup : callable
            Makes what costs much and is used again, such as a model that is loaded.
        work : callable
            Of what was set up, and of a part.
        parts : iterable
        gpus : float, optional
            Of a worker; ``work`` here uses what there is. One where there are any, when None.

        Raises
        ------
        PartError
        WorkbenchError
        """
