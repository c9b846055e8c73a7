"""Embeddings by an endpoint: asked once, kept at once, read as they come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.embedding.base import Matrix, settings_digest
from workbench.errors import DesignError, JudgeError
from workbench.llm.asker import Asks
from workbench.llm.request import Request

STAGE = "embed"
_BATCH = 64
_CHARACTERS = 200_000
"""Texts and characters of a request: endpoints limit both."""


@dataclass(frozen=True, eq=False)
class EndpointEmbedding:
    """Vectors that a model of an OpenAI-compatible endpoint gives (``/v1/embeddings``).

    Parameters
    ----------
    asks : Asks
        Who answers: an :class:`~workbench.llm.asker.Asker` asks, and what its journal has is
        not asked again; a :class:`~workbench.llm.asker.Planner` collects what it would take.
    model : str
        An embedding model of the endpoint.
    longest : int
        Characters of a text that are sent.

    Examples
    --------
    >>> import tempfile
    >>> import workbench as wb
    >>> with tempfile.TemporaryDirectory() as folder, wb.Journal(folder + "/j") as journal:
    ...     with wb.Asker(wb.OfflineModel(), journal) as asker:
    ...         EndpointEmbedding(asker, "offline:plain")(["Be brief", "Be kind"]).shape[0]
    2
    """

    asks: Asks
    model: str
    longest: int = 20_000

    @property
    def name(self) -> str:
        """Return the model's name."""
        return self.model

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return where it is asked, and how much of a text is sent."""
        return {"base_url": self.asks.base_url, "longest": self.longest}

    @property
    def digest(self) -> str:
        """Return what names its vectors."""
        return settings_digest(self.name, self.settings)

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """Return a vector a text; equal texts are sent once, and texts without words never.

        Raises
        ------
        JudgeError
            The endpoint gave no vectors, or vectors of different lengths.
        DesignError
            They were not asked for yet: nothing was to be asked, or the budget ended before.
        """
        sent = [text[: self.longest] for text in texts]
        order = sorted({text for text in sent if text.strip()})
        parts = list(_parts(order))
        # made as they are sent: the texts are not held twice
        requests = (Request(self.model, (), inputs=one, about={"task": "embed"}) for one in parts)
        found: Matrix | None = None
        at, late = 0, 0
        for part, reply in zip(parts, self.asks.each(requests, STAGE, len(parts)), strict=True):
            if reply is None:
                late += 1
                continue
            if reply.failed:
                raise _none(self, str(reply.reason)[:300])
            rows = np.asarray(reply.value, dtype=np.float32)
            if found is None:
                found = np.zeros((len(order), rows.shape[1]), dtype=np.float32)
            if rows.shape != (len(part), found.shape[1]):
                raise _none(self, f"vectors of {found.shape[1]} and of {rows.shape[1]} numbers")
            found[at : at + len(part)] = rows
            at += len(part)
        if late or found is None:
            raise _not_yet(late, len(parts))
        place = {text: k for k, text in enumerate(order)}
        rows_of = np.array([place.get(text, -1) for text in sent], dtype=np.int64)
        return np.where(rows_of[:, None] >= 0, found[rows_of], np.float32(0.0))


def _parts(texts: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield texts that go into one request."""
    part: list[str] = []
    size = 0
    for text in texts:
        if part and (len(part) == _BATCH or size + len(text) > _CHARACTERS):
            yield tuple(part)
            part, size = [], 0
        part.append(text)
        size += len(text)
    if part:
        yield tuple(part)


def _not_yet(late: int, parts: int) -> DesignError:
    if not parts:
        return DesignError(
            "There are no texts to embed.",
            found="texts without words",
            expected="one text or more",
            fix="Load data with texts, or give embeddings of your own.",
        )
    return DesignError(
        "The texts have no embeddings yet.",
        found=f"{late:,} of {parts:,} requests that were not sent: the budget ended before",
        expected="an embedding of each",
        fix="Take the run up again with a larger budget.",
    )


def _none(own: EndpointEmbedding, found: str) -> JudgeError:
    return JudgeError(
        "The endpoint gave no embeddings.",
        where=own.asks.base_url,
        found=found,
        expected=f"one vector a text from the model {own.model!r}, all of one length",
        fix="Name an embedding model that it serves, or go without: offline vectors need none.",
    )
