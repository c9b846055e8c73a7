"""How many calls are on the way at once: fewer when the server says so, more when it answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Pace:
    """A limit on calls under way that adapts as networks do.

    Each answer raises the limit by its reciprocal (one more call a round); a refusal lowers
    it to seven tenths, once a second at most, and holds all calls for as long as the server asks.

    Parameters
    ----------
    most : int
        Highest number of calls at once; it begins there.

    Examples
    --------
    >>> pace = Pace(10)
    >>> pace.refused(0.0)
    >>> pace.limit
    7.0
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(most)
        self.under_way = 0
        self._not_before = 0.0
        self._lowered_at = float("-inf")
        self._free = asyncio.Condition()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a free place, and hold it."""
        async with self._free:
            await self._free.wait_for(lambda: self.under_way < max(1, int(self.limit)))
            self.under_way += 1
        try:
            while (wait := self._not_before - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            yield
        finally:
            async with self._free:
                self.under_way -= 1
                self._free.notify()

    def answered(self) -> None:
        """Count an answer."""
        self.limit = min(float(self.most), self.limit + 1.0 / max(self.limit, 1.0))

    def refused(self, wait_s: float) -> None:
        """Count a refusal that asks to wait."""
        now = time.monotonic()
        self._not_before = max(self._not_before, now + wait_s)
        # refusals of calls that were sent together are one message
        if now - self._lowered_at > max(wait_s, 1.0):
            self.limit = max(1.0, 0.7 * self.limit)
            self._lowered_at = now
