"""Embeddings of principles by an endpoint."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DesignError, JudgeError
from workbench.llm.asker import Asks
from workbench.llm.request import Request

STAGE = "embed"
_BATCH = 64


def embed(texts: Sequence[str], asks: Asks, *, model: str) -> NDArray[np.float64]:
    """Return the embeddings of texts, shape (n texts, d).

    Parameters
    ----------
    texts : sequence of str
    asks : Asks
        Who answers the requests, 64 texts each; what is kept is not asked again.
    model : str
        An embedding model of the endpoint.

    Raises
    ------
    JudgeError
        The endpoint gave no vectors.
    DesignError
        They were not asked for yet: the budget ended before.

    Examples
    --------
    >>> import tempfile
    >>> import workbench as wb
    >>> with tempfile.TemporaryDirectory() as folder, wb.Journal(folder + "/j") as journal:
    ...     with wb.Asker(wb.OfflineModel(), journal) as asker:
    ...         embed(["Be brief", "Be kind"], asker, model="m").shape[0]
    2
    """
    order = sorted(set(texts))
    parts = [tuple(order[at : at + _BATCH]) for at in range(0, len(order), _BATCH)]
    requests = [Request(model, (), inputs=part, about={"task": "embed"}) for part in parts]
    vectors: dict[str, list[float]] = {}
    for part, reply in zip(parts, asks.ask(requests, STAGE), strict=True):
        if reply is None:
            raise DesignError(
                "The principles have no embeddings yet.",
                found="a budget that ended before",
                expected="an embedding of each",
                fix="Take the run up again with a larger budget.",
            )
        if reply.failed:
            raise JudgeError(
                "The endpoint gave no embeddings.",
                where=asks.base_url,
                found=str(reply.reason)[:300],
                expected=f"one vector a text from the model {model!r}",
                fix="Name an embedding model that it serves, or leave it out: TF-IDF needs none.",
            )
        vectors |= dict(zip(part, reply.value, strict=True))
    return np.array([vectors[text] for text in texts])
