"""An engine as unkind as a cluster may be: out of order, and some parts worked on twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from workbench.engine import Local


@dataclass(frozen=True)
class Shuffled:
    """Works on the parts in a random order and on a third of them again, later.

    What a verb makes of it must be what it makes of :class:`workbench.engine.Local`.
    """

    seed: int = 0
    name = "shuffled"

    def map(self, work: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[Any]:
        listed = list(parts)
        order = list(range(len(listed)))
        order += random.Random(self.seed).sample(order, len(order) // 3)
        random.Random(self.seed + 1).shuffle(order)
        outcomes: dict[int, Any] = {}
        for n in order:
            try:
                outcomes[n] = next(Local().map(work, [listed[n]])), None
            except Exception as error:
                outcomes[n] = None, error
        for n in range(len(listed)):
            result, error = outcomes[n]
            if error is not None:
                raise error
            yield result

    def map_with(
        self,
        setup: Callable[[], Any],
        work: Callable[[Any, Any], Any],
        parts: Iterable[Any],
        gpus: float | None = 0,
    ) -> Iterator[Any]:
        made = setup()
        yield from self.map(lambda part: work(made, part), parts)
