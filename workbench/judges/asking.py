"""What every judge that asks a language model does, whatever it asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, ClassVar

from workbench.llm.asker import Asks
from workbench.llm.reply import Reply
from workbench.llm.request import Request, Sampling


class AskingJudge:
    """A judge that asks a model each question as often as samples are wanted.

    Attributes
    ----------
    form, stage : str
        What its settings call it, and what its calls are booked under.
    """

    kind = "llm"
    form: ClassVar[str]
    stage: ClassVar[str]

    def __init__(
        self, model: str, asks: Asks, samples: int, sampling: Sampling | None, name: str | None
    ) -> None:
        self.model, self.asks, self.samples = model, asks, samples
        self.sampling, self.name = sampling or Sampling(), name or model

    def _settings(self, **own: Any) -> dict[str, Any]:
        return {
            "judge": self.form,
            "name": self.name,
            "model": self.model,
            "base_url": self.asks.base_url,
            **own,
            "sampling": self.sampling.body(),
            "spending": [s.to_dict() for s in self.asks.spending() if s.stage == self.stage],
        }

    def _replies(self, requests: Iterable[Request], n: int) -> Iterator[list[Reply | None]]:
        """Ask n questions, and yield the replies to each as they come."""
        replies = self.asks.each(requests, self.stage, n * self.samples)
        while part := list(islice(replies, self.samples)):
            yield part

    @staticmethod
    def _failure(replies: Sequence[Reply | None]) -> str | None:
        """Return why the first reply that could not be read could not."""
        return next((reply.reason for reply in replies if reply is not None and reply.failed), None)
