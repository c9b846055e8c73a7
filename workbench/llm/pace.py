"""How many calls are on the way at once: fewer when the server says so, more when it answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from workbench.llm.asking.failures import LONGEST_WAIT_S


class Pace:
    """A limit on calls under way that adapts as networks do.

    Each answer raises the limit by its reciprocal (one more call a round). A refusal lowers
    it to seven tenths, and holds all calls for as long as the server asks; refusals of calls
    that began before the limit was lowered are the same message, and lower it no further.

    Parameters
    ----------
    most : int
        Highest number of calls at once; it begins there.

    Attributes
    ----------
    alone : bool
        One call at a time, to see whether a silent server answers again.
    over : Event
        Set when nobody waits any longer: each place is given at once.

    Examples
    --------
    >>> pace = Pace(10)
    >>> pace.refused(0.0, begun=time.monotonic())
    >>> pace.limit
    7.0
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(most)
        self.under_way = 0
        self._begun: list[float] = []
        self.alone = False
        self.over = asyncio.Event()
        self._not_before = 0.0
        self._holds = 0
        self._held_at = float("-inf")
        self._lowered_at = float("-inf")
        self._free = asyncio.Condition()

    @property
    def at_once(self) -> int:
        """Calls that may be on the way now."""
        return 1 if self.alone else max(1, int(self.limit))

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[float]:
        """Wait for a free place, and hold it; gives the time at which the call begins."""
        async with self._free:
            await self._free.wait_for(lambda: self.under_way < self.at_once)
            self.under_way += 1
        try:
            while (wait := self._not_before - time.monotonic()) > 0 and not self.over.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.over.wait(), wait)
            begun = time.monotonic()
            self._begun.append(begun)
            try:
                yield begun
            finally:
                self._begun.remove(begun)
        finally:
            async with self._free:
                self.under_way -= 1
                self._free.notify()

    @property
    def oldest(self) -> float:
        """When the oldest call on the way began; infinite where none is."""
        return min(self._begun, default=float("inf"))

    def answered(self) -> None:
        """Count an answer."""
        self.alone, self._holds = False, 0
        self.limit = min(float(self.most), self.limit + 1.0 / max(self.limit, 1.0))

    def refused(self, wait_s: float, begun: float) -> None:
        """Count a refusal, which asks to wait, of a call that began at a time."""
        now = time.monotonic()
        self._not_before = max(self._not_before, now + wait_s)
        if begun > self._lowered_at:
            self.limit = max(1.0, 0.7 * self.limit)
            self._lowered_at = now

    def hold(self, first_s: float, begun: float) -> None:
        """Send one call at a time to a silent server, after waits that double.

        Failures of calls that began before the last wait was set are the same silence.
        """
        if begun < self._held_at:
            return
        now = time.monotonic()
        self.alone, self._held_at = True, now
        wait = min(first_s * 2.0**self._holds, LONGEST_WAIT_S)
        self._not_before = max(self._not_before, now + wait)
        self._holds += 1
