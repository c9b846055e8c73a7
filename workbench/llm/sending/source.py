"""Requests as they are made: looked up a few at a time, and given back in their order."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice

from workbench.llm.reply import Reply
from workbench.llm.request import Request
from workbench.llm.sending.distinct import Distinct
from workbench.llm.sending.kept import Kept
from workbench.shard import Shard

AHEAD = 256
"""Requests that are made, and looked up, at once."""

_HELD = 2048
"""Replies that are held for the reader; of more only the keys, for they are kept."""

_MOST_HELD = 50_000
"""Replies, or their keys, that wait for one which is asked last."""

_ROOM_S = 0.002

Found = Callable[[Mapping[str, Request], Mapping[str, Reply]], None]


class Source:
    """What is still to be asked, and the replies in the order of the requests.

    The thread that asks takes requests and gives replies; another one reads. However many
    requests there are, only those under way and a few ahead are in memory.

    What the server did not answer when it was asked before comes last: many of these in front
    look like a server that does not answer at all, and nothing after them would be asked.

    Parameters
    ----------
    requests : iterable of Request
    base_url : str
    kept : Kept
    found : callable
        Told the requests and the kept replies of each look-up.
    shard : Shard, optional
        Only its requests are asked and counted; the others have the replies that are kept.

    Attributes
    ----------
    tail : bool
        Nothing is left to ask but what failed before.
    """

    def __init__(
        self,
        requests: Iterable[Request],
        base_url: str,
        kept: Kept,
        found: Found,
        shard: Shard | None = None,
    ) -> None:
        self._requests, self._base_url = iter(requests), base_url
        self._kept, self._found, self._shard = kept, found, shard
        self.exhausted = self.closed = self.tail = False
        self.seen, self.n_kept = Distinct(), 0
        self.under_way: dict[str, Request] = {}
        self._places: dict[str, list[int]] = {}
        self._queue: deque[str] = deque()
        self._last: deque[str] = deque()
        # a reply by its place; the key of one that has to be read again; None where there is none
        self._ready: dict[int, Reply | str | None] = {}
        self._made = self._read = 0
        self._lock = threading.Lock()

    async def take(self) -> tuple[str, Request] | None:
        """Return the next request that has no reply; None after the last one."""
        while not (self._queue or self.exhausted or self.closed or self._too_many_wait()):
            if self._reader_is_behind():
                await asyncio.sleep(_ROOM_S)
            else:
                self._look_ahead()
        if not self._queue or self._too_many_wait():
            self.tail = self.exhausted and not self._queue
            self._queue.extendleft(reversed(self._last))
            self._last.clear()
        if not self._queue:
            return None
        key = self._queue.popleft()
        return key, self.under_way[key]

    def close(self) -> None:
        """Say that nobody reads any more."""
        self.closed = True

    def give_back(self, key: str) -> None:
        """Put a request that was not asked in front again."""
        self._queue.appendleft(key)

    def answer(self, replies: Mapping[str, Reply]) -> None:
        """Hand over replies, which are kept by now."""
        with self._lock:
            for key, reply in replies.items():
                del self.under_way[key]
                for place in self._places.pop(key):
                    self._set(place, key, reply)

    async def leave_open(self) -> None:
        """Give up what is still to be asked; what is kept of it is found nevertheless."""
        while not self.closed and (self.under_way or not self.exhausted):
            with self._lock:
                for key in list(self.under_way):
                    del self.under_way[key]
                    self._ready |= dict.fromkeys(self._places.pop(key))
            self._queue.clear()
            self._last.clear()
            if self._reader_is_behind():
                await asyncio.sleep(_ROOM_S)
            elif not self.exhausted:
                self._look_ahead()

    def read(self) -> list[Reply | None]:
        """Return the replies that are next in order, as far as they are there."""
        with self._lock:
            found: list[Reply | str | None] = []
            while len(found) < AHEAD and self._read in self._ready:
                found.append(self._ready.pop(self._read))
                self._read += 1
        again = {one for one in found if isinstance(one, str)}
        replies = self._kept.get(again) if again else {}
        return [replies.get(one) if isinstance(one, str) else one for one in found]

    def _reader_is_behind(self) -> bool:
        # a reply that is late holds up the reader, not the calls that follow it
        return len(self._ready) >= _HELD and self._read in self._ready

    def _too_many_wait(self) -> bool:
        """Return whether what is asked last holds up too much to wait for all others."""
        crowded = len(self._ready) >= _MOST_HELD or len(self._last) >= _HELD
        return crowded and bool(self._last)

    def _set(self, place: int, key: str, reply: Reply) -> None:
        self._ready[place] = reply if len(self._ready) < _HELD else key

    def _owns(self, key: str) -> bool:
        return self._shard is None or self._shard.owns(key)

    def _look_ahead(self) -> None:
        """Make the next requests, and find what is kept of them."""
        made = list(islice(self._requests, AHEAD))
        self.exhausted = len(made) < AHEAD
        keys = [one.key(self._base_url) for one in made]
        asked = dict(zip(keys, made, strict=True))
        replies = self._kept.get([key for key in asked if key not in self.under_way])
        mine = {key: one for key, one in asked.items() if self._owns(key)}
        new = self.seen.add(list(mine))
        self.n_kept += sum(key in replies for key, fresh in zip(mine, new, strict=True) if fresh)
        self._found(mine, {key: one for key, one in replies.items() if key in mine})
        with self._lock:
            for key, request in zip(keys, made, strict=True):
                place, self._made = self._made, self._made + 1
                if key in replies:
                    self._set(place, key, replies[key])
                elif key not in mine:
                    self._ready[place] = None
                elif key in self.under_way:
                    self._places[key].append(place)
                else:
                    self.under_way[key], self._places[key] = request, [place]
                    (self._last if key in self._kept.before else self._queue).append(key)
