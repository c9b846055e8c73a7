"""What turns texts into vectors, and the name of what it makes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

OFFLINE_NAME = "offline"
"""How embeddings are called that no model made."""


class Embedding(Protocol):
    """A function from texts to vectors that can say what it is.

    Attributes
    ----------
    name : str
        The model's, or ``offline...`` where none was asked.
    settings : mapping
        What else makes the vectors, as plain JSON values.
    digest : str
        128 bits of the name, the settings and what was fitted: two embeddings of one digest
        give one text the same vector.
    """

    @property
    def name(self) -> str:
        """Return the model's name."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return what else makes the vectors."""

    @property
    def digest(self) -> str:
        """Return what names the vectors in caches."""

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """Return a vector a text, shape (n texts, d)."""


def settings_digest(name: str, settings: Mapping[str, Any], *fitted: bytes) -> str:
    """Return the digest of an embedding.

    Parameters
    ----------
    name : str
    settings : mapping
        Plain JSON values.
    *fitted : bytes
        Content that was learnt from texts.

    Examples
    --------
    >>> settings_digest("m", {"d": 2}) == settings_digest("m", {"d": 3})
    False
    """
    said = json.dumps([name, dict(settings)], sort_keys=True, ensure_ascii=True)
    found = hashlib.blake2b(said.encode("ascii"), digest_size=16)
    for part in fitted:
        found.update(part)
    return found.hexdigest()


def texts_digest(texts: Sequence[str]) -> str:
    """Return the digest of texts in their order.

    Examples
    --------
    >>> texts_digest(["ab", "c"]) == texts_digest(["a", "bc"])
    False
    """
    found = hashlib.blake2b(digest_size=16)
    for text in texts:
        # a text may hold half of a pair of surrogates, which no encoding has
        part = text.encode("utf-8", "surrogatepass")
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.hexdigest()
